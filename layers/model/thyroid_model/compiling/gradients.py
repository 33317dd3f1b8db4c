"""Gradients that LiteRT can run.

TensorFlow's own gradients of pooling, depthwise convolution and bilinear resizing are ops that LiteRT does not know.
Here they are written again with ops that it does. Inside :func:`portable_gradients`, ``tf.gradients`` uses them.

All take channels-last maps of a known height and width; the batch must be known too.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

Padding = tuple[tuple[int, int], tuple[int, int]]

_REPLACED = {
    "MaxPool": "ThyroidMaxPool",
    "AvgPool": "ThyroidAvgPool",
    "DepthwiseConv2dNative": "ThyroidDepthwiseConv2dNative",
    "ResizeBilinear": "ThyroidResizeBilinear",
}


@contextlib.contextmanager
def portable_gradients() -> Iterator[None]:
    """Make ops that are traced inside differentiate into ops that LiteRT knows.

    Must be entered while a graph is built (inside a ``tf.function``).
    """
    with tf.compat.v1.get_default_graph().gradient_override_map(_REPLACED):
        yield


@tf.RegisterGradient("ThyroidMaxPool")  # type: ignore[untyped-decorator]
def _max_pool_gradient(op: Any, gradient: Any) -> Any:
    """Send each window's gradient to the cell that holds its maximum; the first one wins, as in TensorFlow's kernel."""
    cells, maximum = op.inputs[0], op.outputs[0]
    kernel, strides = _pair(op, "ksize"), _pair(op, "strides")
    padding = _padding(op, kernel)
    padded = _pad(cells, padding, value=cells.dtype.min)
    rows, columns = _size(maximum)
    taken, shares = tf.zeros_like(maximum[:, :1, :1]), []
    for top, left in np.ndindex(*kernel):
        cell = padded[:, top:, left:][:, : rows * strides[0] : strides[0], : columns * strides[1] : strides[1]]
        winner = (1.0 - taken) * tf.cast(tf.equal(cell, maximum), cells.dtype)
        taken += winner
        share = _dilate(winner * gradient, strides)
        below, beside = (n - m - o for n, m, o in zip(_size(padded), _size(share), (top, left), strict=True))
        shares.append(_pad(share, ((top, below), (left, beside))))
    (top, _), (left, _) = padding
    height, width = _size(cells)
    return tf.add_n(shares)[:, top : top + height, left : left + width]


@tf.RegisterGradient("ThyroidAvgPool")  # type: ignore[untyped-decorator]
def _average_pool_gradient(op: Any, gradient: Any) -> Any:
    """Spread each window's gradient evenly over its cells: an average pool of the dilated, padded gradient."""
    kernel, strides = _pair(op, "ksize"), _pair(op, "strides")
    padding, size = _padding(op, kernel), _size(op.inputs[0])
    # Padding does not count towards a window's average, so windows at the border have fewer cells.
    inside = np.pad(np.ones(size, gradient.dtype.as_numpy_dtype), padding)
    windows = np.lib.stride_tricks.sliding_window_view(inside, kernel)[:: strides[0], :: strides[1]]
    spread = _dilate(gradient / windows.sum((2, 3))[None, :, :, None], strides)
    pooled = tf.nn.avg_pool2d(_pad(spread, _full_padding(spread, kernel, padding, size)), kernel, 1, "VALID")
    return pooled * float(np.prod(kernel))


@tf.RegisterGradient("ThyroidDepthwiseConv2dNative")  # type: ignore[untyped-decorator]
def _depthwise_gradient(op: Any, gradient: Any) -> tuple[Any, None]:
    """Convolve the dilated, padded gradient with the flipped kernel; the kernel itself gets no gradient."""
    if _pair(op, "dilations") != (1, 1):
        raise NotImplementedError("a depthwise convolution with a dilation has no portable gradient")
    height, width, channels, multiplier = (int(n) for n in op.inputs[1].shape)
    padding = _padding(op, (height, width))
    spread = _dilate(gradient, _pair(op, "strides"))
    border = _full_padding(spread, (height, width), padding, _size(op.inputs[0]))
    flipped = tf.reshape(op.inputs[1][::-1, ::-1], (height, width, channels * multiplier, 1))
    shares = tf.nn.depthwise_conv2d(_pad(spread, border), flipped, (1, 1, 1, 1), "VALID")
    return tf.add_n([shares[..., m::multiplier] for m in range(multiplier)]), None


@tf.RegisterGradient("ThyroidResizeBilinear")  # type: ignore[untyped-decorator]
def _resize_gradient(op: Any, gradient: Any) -> tuple[Any, None]:
    """Multiply by the transposes of the two matrices, rows and columns, that a resize of fixed size is."""
    (height, width), (rows, columns) = _size(op.inputs[0]), _size(gradient)
    batch, channels = int(gradient.shape[0]), int(gradient.shape[3])
    over_rows, over_columns = _resize_matrix(op, height, rows), _resize_matrix(op, width, columns)
    by_rows = tf.matmul(over_rows.T[None], tf.reshape(gradient, (batch, rows, columns * channels)))
    by_columns = tf.matmul(over_columns.T[None], tf.reshape(by_rows, (batch * height, columns, channels)))
    return tf.reshape(by_columns, (batch, height, width, channels)), None


def _resize_matrix(op: Any, before: int, after: int) -> np.ndarray[Any, Any]:
    """Return the ``(after, before)`` matrix of a one-dimensional resize, by resizing the identity."""
    with tf.init_scope():
        resized = tf.raw_ops.ResizeBilinear(
            images=np.eye(before, dtype=np.float32)[None, :, None, :],
            size=(after, 1),
            align_corners=op.get_attr("align_corners"),
            half_pixel_centers=op.get_attr("half_pixel_centers"),
        )
        matrix: np.ndarray[Any, Any] = resized.numpy()[0, :, 0, :]
        return matrix


def _pair(op: Any, attribute: str) -> tuple[int, int]:
    """Return the vertical and horizontal part of an attribute that has one number an axis."""
    _, vertical, horizontal, _ = op.get_attr(attribute)
    return int(vertical), int(horizontal)


def _size(tensor: Any) -> tuple[int, int]:
    return int(tensor.shape[1]), int(tensor.shape[2])


def _padding(op: Any, kernel: tuple[int, int]) -> Padding:
    """Return the rows and columns of padding that an op's ``SAME`` or ``VALID`` stands for."""
    kind = op.get_attr("padding")
    if kind == b"VALID":
        return (0, 0), (0, 0)
    if kind != b"SAME":
        raise NotImplementedError(f"padding {kind.decode()} has no portable gradient")
    totals = (
        max((-(-size // stride) - 1) * stride + window - size, 0)
        for size, stride, window in zip(_size(op.inputs[0]), _pair(op, "strides"), kernel, strict=True)
    )
    vertical, horizontal = ((total // 2, total - total // 2) for total in totals)
    return vertical, horizontal


def _full_padding(spread: Any, kernel: tuple[int, int], padding: Padding, size: tuple[int, int]) -> Padding:
    """Return the border with which a stride-1 window over a dilated gradient gives the input's size again."""
    vertical, horizontal = (
        (window - 1 - before, total + before - dilated)
        for window, (before, _), total, dilated in zip(kernel, padding, size, _size(spread), strict=True)
    )
    return vertical, horizontal


def _pad(tensor: Any, padding: Padding, value: float = 0.0) -> Any:
    return tf.pad(tensor, ((0, 0), *padding, (0, 0)), constant_values=value) if np.any(padding) else tensor


def _dilate(tensor: Any, strides: tuple[int, int]) -> Any:
    """Put ``stride − 1`` zeros between neighbours. One axis at a time: LiteRT pads four dimensions at most."""
    batch, rows, columns, channels = (int(n) for n in tensor.shape)
    if strides[0] > 1:
        tall = tf.reshape(tensor, (batch * rows, 1, columns, channels))
        tall = tf.pad(tall, ((0, 0), (0, strides[0] - 1), (0, 0), (0, 0)))
        tensor = tf.reshape(tall, (batch, rows * strides[0], columns, channels))
        tensor = tensor[:, : (rows - 1) * strides[0] + 1]
        rows = int(tensor.shape[1])
    if strides[1] > 1:
        wide = tf.reshape(tensor, (batch * rows, columns, 1, channels))
        wide = tf.pad(wide, ((0, 0), (0, 0), (0, strides[1] - 1), (0, 0)))
        tensor = tf.reshape(wide, (batch, rows, columns * strides[1], channels))
        tensor = tensor[:, :, : (columns - 1) * strides[1] + 1]
    return tensor
