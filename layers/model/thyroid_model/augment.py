"""Augmentation made for ultrasound: what another probe, setting or hand would have changed, and nothing else.

Never a vertical flip (shadows fall away from the probe), never a rotation by more than the probe's, no colour.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Tensor = npt.NDArray[np.float32]

_CROP = 0.80  # smallest part of each side that a crop leaves
_GAIN = 0.20  # of full scale, each way
_DEPTH_GAIN = 0.15  # the same, from the probe to the far end
_GAMMA = 0.30  # of the logarithm of the compression curve's exponent
_SPECKLE = 0.15  # standard deviation of the multiplicative noise
_COARSE = 2  # pixels: speckle is correlated, so half of it is made at this size


def augment(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Return each picture as another examination might have shown it.

    Parameters
    ----------
    pictures : numpy.ndarray
        float32 in [0, 1], shape (batch, height, width, 3). Not changed.
    rng : numpy.random.Generator
        The only source of chance: one seed, one result.
    """
    return np.stack([speckle(gain(flip(crop(picture, rng), rng), rng), rng) for picture in pictures])


def crop(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Move and scale the window of view: cut a part, of any aspect, and resize it to the full size."""
    height, width = picture.shape[:2]
    part_height, part_width = (rng.uniform(_CROP, 1.0, 2) * (height, width)).tolist()
    top, left = (rng.uniform(0, 1, 2) * (height - part_height, width - part_width)).tolist()
    box = (left, top, left + part_width, top + part_height)
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(picture[..., c])).resize((width, height), 2, box=box))
        for c in range(picture.shape[2])
    ]
    return _clip(np.stack(channels, axis=-1))


def flip(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn the probe round, every other time: left becomes right."""
    return picture[:, ::-1] if rng.random() < 0.5 else picture


def gain(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Change gain, depth gain (brighter or darker with depth) and the compression curve; black stays black."""
    depth = np.linspace(-1.0, 1.0, picture.shape[0], dtype=np.float32)[:, np.newaxis, np.newaxis]
    factor = 1.0 + rng.uniform(-_GAIN, _GAIN) + rng.uniform(-_DEPTH_GAIN, _DEPTH_GAIN) * depth
    exponent = np.exp(rng.uniform(-_GAMMA, _GAMMA))
    return _clip(picture**exponent * factor)


def speckle(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Multiply by grainy noise, the same on all channels: another frame of the same tissue has other speckle."""
    height, width = picture.shape[:2]
    coarse = rng.standard_normal((-(-height // _COARSE), -(-width // _COARSE)))
    coarse = np.repeat(np.repeat(coarse, _COARSE, axis=0), _COARSE, axis=1)[:height, :width]
    noise = (coarse + rng.standard_normal((height, width))) / np.sqrt(2.0)
    strength = rng.uniform(0.0, _SPECKLE)
    return _clip(picture * (1.0 + strength * noise[..., np.newaxis]))


def _clip(picture: npt.NDArray[np.floating[Any]]) -> Tensor:
    return np.asarray(np.clip(picture, 0.0, 1.0), dtype=np.float32)
