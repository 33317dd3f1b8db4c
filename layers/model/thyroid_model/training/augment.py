"""Augmentation made for ultrasound: what another probe, setting or hand would have changed, and nothing else.

Never a vertical flip (shadows fall away from the probe), never a rotation by more than the probe's, no colour. It runs
on whole batches inside TensorFlow, since one picture at a time in NumPy takes longer than the training itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


@dataclass(frozen=True)
class Range:
    """How far an augmentation goes.

    Attributes
    ----------
    smallest_window, largest_window : float
        Side of the window that is cut out, as a share of the picture's, before its aspect changes; over 1, black comes
        in at the border.
    aspect : float
        Of the logarithm of either side of the window, each way: the other one changes as much in the other.
    rotation : float
        Radians, each way.
    gain, depth_gain : float
        Of the factor, each way; the second at the probe's end, and the other way at the far end.
    gamma : float
        Of the logarithm of the compression curve's exponent, each way.
    speckle : float
        Largest standard deviation of the multiplicative noise.
    lesion_share : float
        Share of the pictures with an outline whose window is about the lesion, as wide as 1.4 to 4 of it.
    pane_share : float
        Share of the pictures of two panes of which only one pane is left, black beside it, as another machine would
        have shown it; not of those with a window about the lesion.
    """

    smallest_window: float = 0.75
    largest_window: float = 1.05
    aspect: float = 0.15
    rotation: float = 0.12
    gain: float = 0.20
    depth_gain: float = 0.15
    gamma: float = 0.30
    speckle: float = 0.15
    lesion_share: float = 0.3
    pane_share: float = 0.5


_LESION_WINDOW = (1.4, 4.0)  # of the lesion's longer side
_SMALLEST_LESION_WINDOW = 0.3  # of the picture's side: below, few pixels are left
_OVERHANG = 0.03  # of the side, by which a window may leave the picture


def lesion_boxes(masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the box around each picture's outlines.

    Parameters
    ----------
    masks : numpy.ndarray
        uint8, over 127 inside an outline, shape (pictures, height, width).

    Returns
    -------
    numpy.ndarray
        float32, shape (pictures, 4): centre x, centre y, width and height, as shares of the picture's sides; width and
        height are 0 where there is no outline.
    """
    boxes = np.full((len(masks), 4), (0.5, 0.5, 0.0, 0.0), np.float32)
    height, width = masks.shape[1:]
    for box, mask in zip(boxes, masks > 127, strict=True):
        if mask.any():
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            (top, bottom), (left, right) = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
            box[:2] = (left + right) / 2 / width, (top + bottom) / 2 / height
            box[2:] = (right - left) / width, (bottom - top) / height
    return boxes


def usable_panes(masks: npt.NDArray[np.uint8], two_panes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return whether the left and the right half of each picture may stand for it.

    Parameters
    ----------
    masks : numpy.ndarray
        uint8, over 127 inside an outline, shape (pictures, height, width).
    two_panes : numpy.ndarray
        Whether the picture shows two views side by side, shape (pictures,).

    Returns
    -------
    numpy.ndarray
        Shape (pictures, 2). A half may where there are two panes, no outline crosses the middle, and an outline lies in
        it, or none is known.
    """
    inside, middle = masks > 127, masks.shape[2] // 2
    crossed = (inside[:, :, middle - 1] & inside[:, :, middle]).any(axis=1)
    seen = np.stack([half.any(axis=(1, 2)) for half in (inside[:, :, :middle], inside[:, :, middle:])], axis=1)
    seen |= ~seen.any(axis=1, keepdims=True)
    return np.asarray(seen & (two_panes & ~crossed)[:, np.newaxis])


def augment(pictures: Any, masks: Any, boxes: Any, panes: Any, size: int, seed: Any, limits: Range) -> tuple[Any, Any]:
    """Return each picture as another examination might have shown it, and its mask likewise.

    Parameters
    ----------
    pictures, masks : tensors of shape (batch, side, side)
        float32 in [0, 1].
    boxes : tensor of shape (batch, 4)
        As :func:`lesion_boxes` gives them.
    panes : tensor of shape (batch, 2)
        bool, as :func:`usable_panes` gives them.
    size : int
        Side of the pictures returned.
    seed : int tensor
        The only source of chance: one seed, one result.
    limits : Range
        How far it goes.

    Returns
    -------
    tuple of tensors
        Pictures and masks of shape (batch, size, size, 1), in [0, 1].
    """
    chance = _Chance(tf.shape(pictures)[0], seed)
    about_lesion = (chance.uniform(0.0, 1.0) < limits.lesion_share) & (boxes[:, 2] > 0)
    left, right = _single_pane(panes, chance, limits)
    left, right = left & ~about_lesion, right & ~about_lesion
    transforms = _transforms(boxes, about_lesion, left, right, pictures.shape[1], size, chance, limits)
    moved, mask = (_cut(_blank(planes, left, right), transforms, size) for planes in (pictures, masks))
    return tf.clip_by_value(_speckle(_gain(moved, chance, limits), chance, limits), 0.0, 1.0), mask


class _Chance:
    """Numbers for a batch, each draw from a stream of its own."""

    def __init__(self, batch: Any, seed: Any) -> None:
        self._batch, self._seed, self._stream = batch, seed, 0

    def seed(self) -> Any:
        self._stream += 1
        return tf.stack([self._seed, tf.constant(self._stream, self._seed.dtype)])

    def uniform(self, low: float, high: float) -> Any:
        """One number a picture, shape (batch,)."""
        return tf.random.stateless_uniform([self._batch], self.seed(), low, high)

    def plane(self, low: float, high: float) -> Any:
        """One number a picture, shape (batch, 1, 1, 1)."""
        return tf.reshape(self.uniform(low, high), (-1, 1, 1, 1))

    def normal(self, side: int) -> Any:
        """Gaussian noise, shape (batch, side, side, 1)."""
        return tf.random.stateless_normal([self._batch, side, side, 1], self.seed())


def _single_pane(panes: Any, chance: _Chance, limits: Range) -> tuple[Any, Any]:
    """Choose of which pictures only the left or only the right pane is shown: bool, each of shape (batch,)."""
    alone = chance.uniform(0.0, 1.0) < limits.pane_share
    prefers_left = chance.uniform(0.0, 1.0) < 0.5
    left = alone & panes[:, 0] & (~panes[:, 1] | prefers_left)
    return left, alone & panes[:, 1] & ~left


def _blank(planes: Any, left: Any, right: Any) -> Any:
    """Blacken what is beside the only pane: a window that is larger than it must not show the other one."""
    columns = tf.range(planes.shape[2])[tf.newaxis, :]
    in_left = columns < planes.shape[2] // 2
    shown = tf.where(left[:, tf.newaxis], in_left, tf.where(right[:, tf.newaxis], ~in_left, True))
    return planes * tf.cast(shown, planes.dtype)[:, tf.newaxis, :]


def _transforms(
    boxes: Any, about_lesion: Any, left: Any, right: Any, side: int, size: int, chance: _Chance, limits: Range
) -> Any:
    """Return for each picture where the pixels of its window come from: x' = a₀x + a₁y + a₂ and y' likewise.

    x and y count pixels, from the middle of the first.
    """
    aspect = tf.exp(chance.uniform(-limits.aspect, limits.aspect))
    scale = chance.uniform(limits.smallest_window, limits.largest_window)
    width, height = scale * aspect, scale / aspect
    x = 0.5 + chance.uniform(-0.5, 0.5) * tf.maximum(1 - width, 0.0) + chance.uniform(-_OVERHANG, _OVERHANG)
    y = 0.5 + chance.uniform(-0.5, 0.5) * tf.maximum(1 - height, 0.0) + chance.uniform(-_OVERHANG, _OVERHANG)

    x = tf.where(left, x / 2, tf.where(right, x / 2 + 0.5, x))
    width = tf.where(left | right, width / 2, width)

    around = chance.uniform(*_LESION_WINDOW) * tf.maximum(boxes[:, 2], boxes[:, 3])
    around = tf.clip_by_value(around, _SMALLEST_LESION_WINDOW, limits.largest_window)
    lesion_width, lesion_height = around * aspect, around / aspect
    lesion_x = _beside(boxes[:, 0], boxes[:, 2], lesion_width, chance)
    lesion_y = _beside(boxes[:, 1], boxes[:, 3], lesion_height, chance)
    width, height = tf.where(about_lesion, lesion_width, width), tf.where(about_lesion, lesion_height, height)
    x, y = tf.where(about_lesion, lesion_x, x), tf.where(about_lesion, lesion_y, y)

    flip = tf.where(chance.uniform(0.0, 1.0) < 0.5, -1.0, 1.0)
    angle = chance.uniform(-limits.rotation, limits.rotation)
    step = side / size
    a0, a1 = flip * width * step * tf.cos(angle), -width * step * tf.sin(angle)
    b0, b1 = flip * height * step * tf.sin(angle), height * step * tf.cos(angle)
    middle = (size - 1) / 2
    a2, b2 = x * side - 0.5 - (a0 + a1) * middle, y * side - 0.5 - (b0 + b1) * middle
    none = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, none, none], 1)


def _beside(centre: Any, extent: Any, window: Any, chance: _Chance) -> Any:
    """Return the centre of a window that holds most of a lesion, and of the picture what it can."""
    moved = centre + chance.uniform(-0.25, 0.25) * (window - 0.8 * extent)
    return tf.clip_by_value(moved, tf.minimum(window / 2, 0.5), tf.maximum(1 - window / 2, 0.5))


def _cut(planes: Any, transforms: Any, size: int) -> Any:
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=planes[..., tf.newaxis],
        transforms=transforms,
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _gain(pictures: Any, chance: _Chance, limits: Range) -> Any:
    """Change gain, depth gain (brighter or darker with depth) and the compression curve; black stays black."""
    depth = tf.reshape(tf.linspace(-1.0, 1.0, pictures.shape[1]), (1, -1, 1, 1))
    factor = 1.0 + chance.plane(-limits.gain, limits.gain)
    factor += chance.plane(-limits.depth_gain, limits.depth_gain) * depth
    exponent = tf.exp(chance.plane(-limits.gamma, limits.gamma))
    return tf.where(pictures > 0, tf.pow(tf.maximum(pictures, 1e-6), exponent), 0.0) * factor


def _speckle(pictures: Any, chance: _Chance, limits: Range) -> Any:
    """Multiply by grainy noise: another frame of the same tissue has other speckle, correlated over some pixels."""
    side = pictures.shape[1]
    coarse = tf.repeat(tf.repeat(chance.normal(-(-side // 2)), 2, 1), 2, 2)[:, :side, :side]
    noise = (coarse + chance.normal(side)) / np.sqrt(2.0)
    return pictures * (1.0 + chance.plane(0.0, limits.speckle) * noise)
