"""Localisation of the nodule by a map: the pointing game, and the share of the map's energy inside the outlines.

The pointing game (Zhang et al., IJCV 126, 2018) tests whether the maximum of a map is inside the object; here without
the tolerance of some pixels that its authors allow. The energy (Wang et al., CVPR workshops 2020, "Score-CAM") is the
share of the positive part of a map that is inside.

Nodules are near the centre of most images, and large ones are easy to hit, so results must be compared with those of
uninformed maps: a prior of the centre, a prior of the nodules of the training images, and noise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Localisation:
    """One map against the outlines of one image.

    Attributes
    ----------
    hit : bool
        Whether the maximum is inside.
    energy : float
        Share of the positive part that is inside, in [0, 1].
    """

    hit: bool
    energy: float


def localise(evidence: Plane, mask: Mask) -> Localisation:
    """Compare a map with the outlines.

    Parameters
    ----------
    evidence : numpy.ndarray
        Signed evidence, shape (h, w); only its positive part counts, as in the rendered maps.
    mask : numpy.ndarray
        True inside the outlines, shape (height, width) of the image that the map covers.

    Returns
    -------
    Localisation
        A miss with energy 0 where the map has no positive evidence.
    """
    positive = np.maximum(resize_map(evidence, *mask.shape), 0.0)
    total = float(positive.sum())
    if total <= 0.0:
        return Localisation(False, 0.0)
    return Localisation(bool(mask.flat[int(positive.argmax())]), float(positive[mask].sum()) / total)


def resize_map(evidence: Plane, height: int, width: int) -> Plane:
    """Resize a map to the shape (height, width) of an image, bilinearly, as the rendered maps are."""
    return np.asarray(Image.fromarray(evidence.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))


def centre_prior(size: int) -> Plane:
    """Return a Gaussian at the centre, shape (size, size), with a standard deviation of a quarter of the side."""
    position = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    gaussian = np.exp(-0.5 * (position / 0.25) ** 2)
    return gaussian[:, np.newaxis] * gaussian[np.newaxis, :]


def outline_prior(masks: npt.NDArray[np.bool_]) -> Plane:
    """Return the share of images, in [0, 1], whose outlines contain each pixel: shape (height, width).

    Parameters
    ----------
    masks : numpy.ndarray
        bool, shape (images, height, width).
    """
    return np.asarray(masks.mean(axis=0), dtype=np.float32)


def random_map(size: int, rng: np.random.Generator) -> Plane:
    """Return uniform noise in [0, 1), shape (size, size)."""
    return rng.random((size, size), dtype=np.float32)
