"""Augmentation for ultrasound: only changes that another probe, setting or operator would cause.

There is no vertical flip (shadows point away from the probe), no rotation by more than the probe's, and no colour. It
runs on whole batches inside TensorFlow; one image at a time in NumPy takes longer than the training itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


@dataclass(frozen=True)
class Limits:
    """Limits of the random changes.

    Attributes
    ----------
    min_window, max_window : float
        Side of the window that is cropped, as a share of the image's side, before its aspect ratio changes; over 1,
        the border is filled with black.
    aspect : float
        Maximal change of the logarithm of the window's width, either way; the height changes by the inverse factor.
    rotation : float
        Maximal angle, in radians, either way.
    gain, depth_gain : float
        Maximal change of the brightness factor, either way; that of the depth gain has opposite signs at the probe and
        at the far end.
    gamma : float
        Maximal change of the logarithm of the exponent of the compression curve, either way.
    speckle : float
        Maximal standard deviation of the multiplicative noise.
    lesion_share : float
        Probability, for an image with an outline, of a window around the lesion, 1.4 to 4 times as wide as the lesion.
    pane_share : float
        Probability, for an image of two panes, that one of them is blacked out, as if the machine had shown a single
        pane; not with a window around the lesion.
    """

    min_window: float = 0.75
    max_window: float = 1.05
    aspect: float = 0.15
    rotation: float = 0.12
    gain: float = 0.20
    depth_gain: float = 0.15
    gamma: float = 0.30
    speckle: float = 0.15
    lesion_share: float = 0.3
    pane_share: float = 0.5


_LESION_WINDOW = (1.4, 4.0)  # of the lesion's longer side
_MIN_LESION_WINDOW = 0.3  # of the image's side; a smaller one has too few pixels
_OVERHANG = 0.03  # of the image's side; by so much a window may exceed the image


def lesion_boxes(masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the bounding box of each image's outlines.

    Parameters
    ----------
    masks : numpy.ndarray
        uint8, over 127 inside an outline, shape (images, height, width).

    Returns
    -------
    numpy.ndarray
        float32, shape (images, 4): centre x, centre y, width and height, as shares of the image's sides; width and
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
    """Return whether the left and the right half of each image may be shown alone.

    Parameters
    ----------
    masks : numpy.ndarray
        uint8, over 127 inside an outline, shape (images, height, width).
    two_panes : numpy.ndarray
        bool, whether the image shows two views side by side, shape (images,).

    Returns
    -------
    numpy.ndarray
        bool, shape (images, 2). True where there are two panes, no outline crosses the middle, and the half has an
        outline, or the image has none.
    """
    inside, middle = masks > 127, masks.shape[2] // 2
    crossed = (inside[:, :, middle - 1] & inside[:, :, middle]).any(axis=1)
    outlined = np.stack([half.any(axis=(1, 2)) for half in (inside[:, :, :middle], inside[:, :, middle:])], axis=1)
    outlined |= ~outlined.any(axis=1, keepdims=True)
    return np.asarray(outlined & (two_panes & ~crossed)[:, np.newaxis])


def augment(images: Any, masks: Any, boxes: Any, panes: Any, size: int, seed: Any, limits: Limits) -> tuple[Any, Any]:
    """Return randomly changed images, and their masks with the same geometric changes.

    Parameters
    ----------
    images, masks : tensors of shape (batch, side, side)
        float32 in [0, 1].
    boxes : tensor of shape (batch, 4)
        float32, as :func:`lesion_boxes` returns them.
    panes : tensor of shape (batch, 2)
        bool, as :func:`usable_panes` returns them.
    size : int
        Height and width of the returned images, in pixels.
    seed : int tensor
        Seed of all random numbers: the same seed gives the same result.
    limits : Limits
        Limits of the changes.

    Returns
    -------
    tuple of tensors
        Images and masks, float32 in [0, 1], shape (batch, size, size, 1).
    """
    rng = _Random(tf.shape(images)[0], seed)
    about_lesion = (rng.uniform(0.0, 1.0) < limits.lesion_share) & (boxes[:, 2] > 0)
    left, right = _single_pane(panes, rng, limits)
    left, right = left & ~about_lesion, right & ~about_lesion
    transforms = _transforms(boxes, about_lesion, left, right, images.shape[1], size, rng, limits)
    moved, mask = (_crop(_black_out(planes, left, right), transforms, size) for planes in (images, masks))
    return tf.clip_by_value(_speckle(_gain(moved, rng, limits), rng, limits), 0.0, 1.0), mask


class _Random:
    """Random numbers for a batch; each draw uses another stream."""

    def __init__(self, batch: Any, seed: Any) -> None:
        self._batch, self._seed, self._stream = batch, seed, 0

    def seed(self) -> Any:
        self._stream += 1
        return tf.stack([self._seed, tf.constant(self._stream, self._seed.dtype)])

    def uniform(self, low: float, high: float) -> Any:
        """Return one number for each image, shape (batch,)."""
        return tf.random.stateless_uniform([self._batch], self.seed(), low, high)

    def plane(self, low: float, high: float) -> Any:
        """Return one number for each image, shape (batch, 1, 1, 1)."""
        return tf.reshape(self.uniform(low, high), (-1, 1, 1, 1))

    def normal(self, side: int) -> Any:
        """Return Gaussian noise, shape (batch, side, side, 1)."""
        return tf.random.stateless_normal([self._batch, side, side, 1], self.seed())


def _single_pane(panes: Any, rng: _Random, limits: Limits) -> tuple[Any, Any]:
    """Choose the images of which only the left or only the right pane is shown: bool, each of shape (batch,)."""
    alone = rng.uniform(0.0, 1.0) < limits.pane_share
    prefers_left = rng.uniform(0.0, 1.0) < 0.5
    left = alone & panes[:, 0] & (~panes[:, 1] | prefers_left)
    return left, alone & panes[:, 1] & ~left


def _black_out(planes: Any, left: Any, right: Any) -> Any:
    """Black out the other pane, which a window that is larger than the pane would show."""
    columns = tf.range(planes.shape[2])[tf.newaxis, :]
    in_left = columns < planes.shape[2] // 2
    shown = tf.where(left[:, tf.newaxis], in_left, tf.where(right[:, tf.newaxis], ~in_left, True))
    return planes * tf.cast(shown, planes.dtype)[:, tf.newaxis, :]


def _transforms(
    boxes: Any, about_lesion: Any, left: Any, right: Any, side: int, size: int, rng: _Random, limits: Limits
) -> Any:
    """Return for each image the affine transform from its window to its source: x' = a₀x + a₁y + a₂, and y' likewise.

    x and y are in pixels, from the centre of the first one. Shape (batch, 8), as TensorFlow's projective transform.
    """
    aspect = tf.exp(rng.uniform(-limits.aspect, limits.aspect))
    scale = rng.uniform(limits.min_window, limits.max_window)
    width, height = scale * aspect, scale / aspect
    x = 0.5 + rng.uniform(-0.5, 0.5) * tf.maximum(1 - width, 0.0) + rng.uniform(-_OVERHANG, _OVERHANG)
    y = 0.5 + rng.uniform(-0.5, 0.5) * tf.maximum(1 - height, 0.0) + rng.uniform(-_OVERHANG, _OVERHANG)

    x = tf.where(left, x / 2, tf.where(right, x / 2 + 0.5, x))
    width = tf.where(left | right, width / 2, width)

    around = rng.uniform(*_LESION_WINDOW) * tf.maximum(boxes[:, 2], boxes[:, 3])
    around = tf.clip_by_value(around, _MIN_LESION_WINDOW, limits.max_window)
    lesion_width, lesion_height = around * aspect, around / aspect
    lesion_x = _centre_near(boxes[:, 0], boxes[:, 2], lesion_width, rng)
    lesion_y = _centre_near(boxes[:, 1], boxes[:, 3], lesion_height, rng)
    width, height = tf.where(about_lesion, lesion_width, width), tf.where(about_lesion, lesion_height, height)
    x, y = tf.where(about_lesion, lesion_x, x), tf.where(about_lesion, lesion_y, y)

    flip = tf.where(rng.uniform(0.0, 1.0) < 0.5, -1.0, 1.0)
    angle = rng.uniform(-limits.rotation, limits.rotation)
    step = side / size
    a0, a1 = flip * width * step * tf.cos(angle), -width * step * tf.sin(angle)
    b0, b1 = flip * height * step * tf.sin(angle), height * step * tf.cos(angle)
    middle = (size - 1) / 2
    a2, b2 = x * side - 0.5 - (a0 + a1) * middle, y * side - 0.5 - (b0 + b1) * middle
    zero = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], 1)


def _centre_near(centre: Any, extent: Any, window: Any, rng: _Random) -> Any:
    """Return the centre of a window with most of a lesion, inside the image as far as possible."""
    moved = centre + rng.uniform(-0.25, 0.25) * (window - 0.8 * extent)
    return tf.clip_by_value(moved, tf.minimum(window / 2, 0.5), tf.maximum(1 - window / 2, 0.5))


def _crop(planes: Any, transforms: Any, size: int) -> Any:
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=planes[..., tf.newaxis],
        transforms=transforms,
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _gain(images: Any, rng: _Random, limits: Limits) -> Any:
    """Change gain, depth gain (brighter or darker with depth) and the compression curve; black stays black."""
    depth = tf.reshape(tf.linspace(-1.0, 1.0, images.shape[1]), (1, -1, 1, 1))
    factor = 1.0 + rng.plane(-limits.gain, limits.gain)
    factor += rng.plane(-limits.depth_gain, limits.depth_gain) * depth
    exponent = tf.exp(rng.plane(-limits.gamma, limits.gamma))
    return tf.where(images > 0, tf.pow(tf.maximum(images, 1e-6), exponent), 0.0) * factor


def _speckle(images: Any, rng: _Random, limits: Limits) -> Any:
    """Multiply by noise that is correlated over some pixels, as the speckle of another frame of the same tissue."""
    side = images.shape[1]
    coarse = tf.repeat(tf.repeat(rng.normal(-(-side // 2)), 2, 1), 2, 2)[:, :side, :side]
    noise = (coarse + rng.normal(side)) / np.sqrt(2.0)
    return images * (1.0 + rng.plane(0.0, limits.speckle) * noise)
