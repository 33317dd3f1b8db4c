"""Turns an image's pixels into the network's input: one function, used by training and by serving.

The steps and their parameters are part of the model and stand in its manifest: another filter moves the score of one
image from 0.04 to 0.28.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid.core.manifest import Preprocessing

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Prepared:
    """The network's input.

    Attributes
    ----------
    tensor : numpy.ndarray
        float32, shape (1, height, width, 3).
    box : Box
        The part of the image that the tensor shows.
    """

    tensor: npt.NDArray[np.float32]
    box: Box


def prepare(
    pixels: npt.NDArray[np.uint8], steps: Preprocessing, height: int, width: int, found: Box | None = None
) -> Prepared:
    """Crop, resize and scale an image.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8, RGB of shape (any height, any width, 3) or grey levels of shape (any height, any width).
    steps : Preprocessing
        Whether to crop to the field of view, the resize filter and the scale.
    height, width : int
        Size of the network's input; the aspect is not kept, as in the published model's preprocessing.
    found : Box, optional
        The image's field of view, if it is already known; otherwise it is found, if the steps ask for it.
    """
    box = (found or field_of_view.find(pixels)) if steps.field_of_view else Box(0, 0, pixels.shape[1], pixels.shape[0])
    cropped = Image.fromarray(np.ascontiguousarray(box.crop(pixels)))
    resized = np.asarray(cropped.resize((width, height), _FILTERS[steps.resize]), dtype=np.float32)
    scaled = resized * np.float32(steps.scale)
    # Channels are resized independently, so the three of a grey image would be equal, bit for bit.
    channels = np.repeat(scaled[..., np.newaxis], 3, axis=2) if scaled.ndim == 2 else scaled
    return Prepared(tensor=channels[np.newaxis], box=box)
