"""Does a map show what the score depends on? Deletion and insertion curves (Petsiuk et al., BMVC 2018, "RISE").

The parts that a map calls most important are blurred away first, and the score should fall soon; or they are the first
to come back into a blurred picture, and it should rise soon. The area under each curve says how soon. A blur rather
than black, which the network would take for a shadow.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from thyroid_model.training.localisation import spread

STEPS = 8
_BLUR = 0.08  # of the picture's side, the standard deviation

Plane = npt.NDArray[np.float32]
Score = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the two curves, in [0, 1]: of deletion the lower, of insertion the higher, the better."""

    deletion: float
    insertion: float


def measure(picture: Plane, evidence: Plane, score: Score) -> Faithfulness:
    """Delete and insert a picture's parts in the order of a map.

    Parameters
    ----------
    picture : numpy.ndarray
        float32 in [0, 1], shape (size, size): one grey channel.
    evidence : numpy.ndarray
        Signed evidence for malignancy, shape (h, w).
    score : callable
        From pictures of shape (batch, size, size) to malignancy scores of shape (batch,).
    """
    blurred = blur(picture)
    order = np.argsort(-spread(evidence, *picture.shape), axis=None, kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size) / order.size
    gone = [rank.reshape(picture.shape) < step / STEPS for step in range(STEPS + 1)]
    deleted = [np.where(mask, blurred, picture) for mask in gone]
    inserted = [np.where(mask, picture, blurred) for mask in gone]
    scores = score(np.stack([*deleted, *inserted]).astype(np.float32))
    return Faithfulness(_area(scores[: STEPS + 1]), _area(scores[STEPS + 1 :]))


def blur(picture: Plane) -> Plane:
    """Take all detail from a picture: what is left is how bright its regions are."""
    grey = Image.fromarray(np.rint(255 * picture).astype(np.uint8))
    softened = grey.filter(ImageFilter.GaussianBlur(_BLUR * picture.shape[0]))
    return np.asarray(softened, dtype=np.float32) / np.float32(255)


def _area(scores: npt.NDArray[np.float64]) -> float:
    """Area under a curve over equal steps from 0 to 1, by trapezoids."""
    return float((scores[:-1] + scores[1:]).mean() / 2)
