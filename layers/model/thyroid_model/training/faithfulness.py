"""Faithfulness of a map to the score: deletion and insertion curves (Petsiuk et al., BMVC 2018, "RISE").

Deletion blurs the pixels of an image in the order of their importance in the map; the score should fall early.
Insertion restores the pixels of a blurred image in that order; the score should rise early. The area under each curve
measures how early. Pixels are blurred and not blackened, since the network would take black for a shadow.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from thyroid_model.training.localisation import resize_map

STEPS = 8
_BLUR_SIGMA = 0.08  # of the image's side

Plane = npt.NDArray[np.float32]
Score = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the two curves, in [0, 1]: a low deletion and a high insertion are better."""

    deletion: float
    insertion: float


def measure(image: Plane, evidence: Plane, score: Score) -> Faithfulness:
    """Measure deletion and insertion of an image in the order of a map.

    Parameters
    ----------
    image : numpy.ndarray
        float32 in [0, 1], shape (size, size): one grey channel.
    evidence : numpy.ndarray
        Signed evidence for malignancy, shape (h, w).
    score : callable
        From images of shape (batch, size, size) to scores, in [0, 1], of shape (batch,).
    """
    blurred = blur(image)
    order = np.argsort(-resize_map(evidence, *image.shape), axis=None, kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size) / order.size
    masks = [rank.reshape(image.shape) < step / STEPS for step in range(STEPS + 1)]
    deleted = [np.where(mask, blurred, image) for mask in masks]
    inserted = [np.where(mask, image, blurred) for mask in masks]
    scores = score(np.stack([*deleted, *inserted]).astype(np.float32))
    return Faithfulness(_area(scores[: STEPS + 1]), _area(scores[STEPS + 1 :]))


def blur(image: Plane) -> Plane:
    """Remove the detail of an image, float32 in [0, 1], by a Gaussian blur; the shape is the same."""
    grey = Image.fromarray(np.rint(255 * image).astype(np.uint8))
    blurred = grey.filter(ImageFilter.GaussianBlur(_BLUR_SIGMA * image.shape[0]))
    return np.asarray(blurred, dtype=np.float32) / np.float32(255)


def _area(scores: npt.NDArray[np.float64]) -> float:
    """Return the area under a curve with equal steps over [0, 1], by the trapezoidal rule."""
    return float((scores[:-1] + scores[1:]).mean() / 2)
