"""The gradients that LiteRT can run, against TensorFlow's own."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from thyroid_model.compiling.gradients import portable_gradients

UNKNOWN_TO_LITERT = {"MaxPoolGrad", "AvgPoolGrad", "DepthwiseConv2dNativeBackpropInput", "ResizeBilinearGrad"}
WINDOWS = list(product((1, 2, 3, 5), (1, 2, 3), ("SAME", "VALID"), ((6, 6), (7, 9))))
Operation = Callable[[Any], Any]


def gradients_of(operation: Operation, cells: np.ndarray[Any, Any]) -> tuple[Any, Any, set[str]]:
    """Return our gradient and TensorFlow's of a weighted sum of the outputs, and the ops that ours uses."""

    def gradient(x: Any) -> Any:
        y = operation(x)
        weights = np.random.default_rng(1).normal(size=y.shape).astype(cells.dtype)
        return tf.gradients(tf.reduce_sum(y * weights), x)[0]

    def ours(x: Any) -> Any:
        with portable_gradients():
            return gradient(x)

    signature = tf.TensorSpec(cells.shape, cells.dtype)
    traced = tf.function(ours).get_concrete_function(signature)
    used = {op.type for op in traced.graph.get_operations()}
    return traced(tf.constant(cells)).numpy(), tf.function(gradient)(tf.constant(cells)).numpy(), used


def assert_equal_and_portable(operation: Operation, cells: np.ndarray[Any, Any]) -> None:
    ours, tensorflows, used = gradients_of(operation, cells)
    np.testing.assert_allclose(ours, tensorflows, rtol=1e-5, atol=1e-5)
    assert not used & UNKNOWN_TO_LITERT


def noise(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def windows() -> Iterator[Any]:
    for kernel, stride, padding, size in WINDOWS:
        if min(size) >= kernel:
            yield pytest.param(
                (kernel, kernel), stride, padding, size, id=f"{kernel}-{stride}-{padding}-{size[0]}x{size[1]}"
            )
    yield pytest.param((3, 2), 2, "SAME", (7, 8), id="oblong")


@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), list(windows()))
class TestPoolingAndDepthwise:
    def test_max_pool(self, kernel: tuple[int, int], stride: int, padding: str, size: tuple[int, int]) -> None:
        assert_equal_and_portable(lambda x: tf.nn.max_pool2d(x, kernel, stride, padding), noise(2, *size, 3))

    def test_average_pool(self, kernel: tuple[int, int], stride: int, padding: str, size: tuple[int, int]) -> None:
        assert_equal_and_portable(lambda x: tf.nn.avg_pool2d(x, kernel, stride, padding), noise(2, *size, 3))

    def test_depthwise(self, kernel: tuple[int, int], stride: int, padding: str, size: tuple[int, int]) -> None:
        weights = noise(*kernel, 3, 2)
        assert_equal_and_portable(
            lambda x: tf.nn.depthwise_conv2d(x, weights, (1, stride, stride, 1), padding), noise(2, *size, 3)
        )


def test_the_first_of_equal_cells_gets_the_whole_gradient_of_a_max_pool() -> None:
    assert_equal_and_portable(lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), np.zeros((1, 7, 7, 2), np.float32))


@pytest.mark.parametrize("after", [(3, 4), (7, 5), (13, 20)])
@pytest.mark.parametrize("before", [(7, 5), (28, 28), (1, 2)])
def test_bilinear_resize(before: tuple[int, int], after: tuple[int, int]) -> None:
    assert_equal_and_portable(lambda x: tf.image.resize(x, after), noise(2, *before, 3))


def test_bilinear_resize_with_aligned_corners() -> None:
    assert_equal_and_portable(
        lambda x: tf.raw_ops.ResizeBilinear(images=x, size=(4, 9), align_corners=True), noise(1, 7, 5, 2)
    )


def test_a_dilated_depthwise_convolution_is_refused_rather_than_wrong() -> None:
    with pytest.raises(NotImplementedError, match="dilation"):
        gradients_of(
            lambda x: tf.raw_ops.DepthwiseConv2dNative(
                input=x, filter=noise(3, 3, 3, 1), strides=[1] * 4, padding="SAME", dilations=[1, 2, 2, 1]
            ),
            noise(1, 9, 9, 3),
        )


def test_explicit_padding_is_refused_rather_than_wrong() -> None:
    with pytest.raises(NotImplementedError, match="EXPLICIT"):
        gradients_of(lambda x: tf.nn.max_pool2d(x, 3, 1, [[0, 0], [1, 0], [0, 1], [0, 0]]), noise(1, 9, 9, 3))
