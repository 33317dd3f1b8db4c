"""Is a map about the nodule? The pointing game, and how much of a map's energy lies inside the outlines.

The pointing game (Zhang et al., IJCV 126, 2018) asks whether a map's highest point hits the object; here without the
tolerance of some pixels that its authors allow. The energy (Wang et al., CVPR workshops 2020, "Score-CAM") is the share
of a map's positive part that lies inside.

Nodules lie near the middle of most pictures, and large ones are easily hit, so a figure means something only beside
those of maps that know nothing: one of the middle, one of where the training pictures' nodules were, and noise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Localisation:
    """How one map lies to one picture's outlines: whether its highest point is inside, and its energy's share."""

    hit: bool
    energy: float


def localise(evidence: Plane, mask: Mask) -> Localisation:
    """Hold a map against the outlines.

    Parameters
    ----------
    evidence : numpy.ndarray
        Signed evidence, shape (h, w); only its positive part counts, as in the pictures of it.
    mask : numpy.ndarray
        True inside the outlines, of the picture that the map covers, shape (height, width).

    Returns
    -------
    Localisation
        Of a map without positive evidence, a miss with an energy of 0.
    """
    positive = np.maximum(spread(evidence, *mask.shape), 0.0)
    total = float(positive.sum())
    if total <= 0.0:
        return Localisation(False, 0.0)
    return Localisation(bool(mask.flat[int(positive.argmax())]), float(positive[mask].sum()) / total)


def spread(evidence: Plane, height: int, width: int) -> Plane:
    """Lay a map over a picture of ``height`` × ``width`` pixels, bilinearly, as the pictures of it do."""
    return np.asarray(Image.fromarray(evidence.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))


def centre_prior(size: int) -> Plane:
    """Return a map that is highest in the middle: a Gaussian with a standard deviation of a quarter of the side."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    bell = np.exp(-0.5 * (place / 0.25) ** 2)
    return bell[:, np.newaxis] * bell[np.newaxis, :]


def outline_prior(masks: npt.NDArray[np.bool_]) -> Plane:
    """Return how often each place of other pictures was in an outline; masks of shape (pictures, height, width)."""
    return np.asarray(masks.mean(axis=0), dtype=np.float32)


def random_map(size: int, rng: np.random.Generator) -> Plane:
    """Return noise in [0, 1] of shape (size, size)."""
    return rng.random((size, size), dtype=np.float32)
