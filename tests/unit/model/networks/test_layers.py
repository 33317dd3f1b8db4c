"""The custom layers against the same sums in NumPy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from thyroid_model.networks.layers import Avg2MaxPooling, DepthwiseSeparableConv, SEBlock

Array = NDArray[Any]


def randomise(layer: keras.Layer, seed: int = 0) -> None:
    """Give every weight a value of its own; variances stay positive."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.uniform(0.1, 0.9, w.shape) * (1 if "variance" in w.path else 0.7) for w in layer.weights])


def random_image(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def swish(x: Array) -> Array:
    return x * sigmoid(x)


def windows(x: Array, size: int, strides: int) -> Array:
    """All windows of a map under "same" padding, NaN where they hang over: (batch, h, w, size · size, channels)."""
    height, width = x.shape[1:3]
    out_h, out_w = -(-height // strides), -(-width // strides)
    over_h, over_w = (max((out - 1) * strides + size - side, 0) for out, side in ((out_h, height), (out_w, width)))
    sides = ((0, 0), (over_h // 2, over_h - over_h // 2), (over_w // 2, over_w - over_w // 2), (0, 0))
    padded = np.pad(x, sides, constant_values=np.nan)
    cells = [
        padded[:, i : i + strides * (out_h - 1) + 1 : strides, j : j + strides * (out_w - 1) + 1 : strides]
        for i in range(size)
        for j in range(size)
    ]
    return np.stack(cells, axis=3)


def normalised(x: Array, norm: keras.layers.BatchNormalization) -> Array:
    gamma, beta, mean, variance = (np.asarray(w) for w in norm.get_weights())
    result: Array = (x - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta
    return result


def excited(x: Array, block: SEBlock) -> Array:
    kernel_1, bias_1, kernel_2, bias_2 = block.get_weights()
    weights = sigmoid(swish(x.mean(axis=(1, 2)) @ kernel_1 + bias_1) @ kernel_2 + bias_2)
    result: Array = x * weights[:, None, None, :]
    return result


def separable(x: Array, block: DepthwiseSeparableConv) -> Array:
    """The block without its shortcut."""
    dw_kernel, dw_bias = block.dw.get_weights()
    pw_kernel, pw_bias = block.pw.get_weights()
    cells = np.nan_to_num(windows(x, block.kernel_size, block.strides))
    depthwise = np.einsum("bhwkc,kc->bhwc", cells, dw_kernel.reshape(-1, x.shape[-1])) + dw_bias
    return excited(swish(normalised(depthwise @ pw_kernel[0, 0] + pw_bias, block.norm)), block.se)


def test_squeeze_and_excitation_scales_each_channel_by_what_all_means_decide() -> None:
    block, x = SEBlock(ratio=4), random_image(2, 5, 7, 8)
    block.build(x.shape)
    randomise(block)
    np.testing.assert_allclose(block(x), excited(x, block), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", [4, 5, 7, 8])
def test_avg_2max_pooling_is_the_average_less_twice_the_maximum_normalised(side: int) -> None:
    pooling, x = Avg2MaxPooling(), random_image(2, side, side + 1, 3)
    pooling.build(x.shape)
    randomise(pooling)
    cells = windows(x, 3, 2)
    expected = normalised(np.nanmean(cells, axis=3) - 2 * np.nanmax(cells, axis=3), pooling.norm)
    np.testing.assert_allclose(pooling(x), expected, rtol=1e-5, atol=1e-5)


def test_avg_2max_pooling_normalises_by_the_batch_in_training_only() -> None:
    pooling, x = Avg2MaxPooling(), random_image(8, 16, 16, 3)
    pooling.build(x.shape)
    in_training = np.asarray(pooling(x, training=True))
    np.testing.assert_allclose(in_training.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    assert abs(np.asarray(pooling(x)).mean()) > 0.1


def test_a_separable_block_adds_its_input_where_the_shapes_are_equal() -> None:
    block, x = DepthwiseSeparableConv(16), random_image(2, 6, 5, 16)
    block.build(x.shape)
    randomise(block)
    np.testing.assert_allclose(block(x), separable(x, block) + x, rtol=1e-4, atol=1e-5)


def test_a_separable_block_has_no_shortcut_where_the_channels_change() -> None:
    block, x = DepthwiseSeparableConv(32), random_image(2, 6, 5, 16)
    block.build(x.shape)
    randomise(block)
    assert block.proj is None
    np.testing.assert_allclose(block(x), separable(x, block), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("filters", [16, 32])
def test_a_separable_block_with_strides_adds_its_input_projected(filters: int) -> None:
    block, x = DepthwiseSeparableConv(filters, strides=2), random_image(2, 6, 5, 16)
    block.build(x.shape)
    randomise(block)
    assert block.proj is not None
    kernel, bias = block.proj.get_weights()
    expected = separable(x, block) + x[:, ::2, ::2] @ kernel[0, 0] + bias
    np.testing.assert_allclose(block(x), expected, rtol=1e-4, atol=1e-5)


LAYERS = {
    "SEBlock": SEBlock(ratio=4, name="se"),
    "Avg2MaxPooling": Avg2MaxPooling(pool_size=5, strides=3, padding="valid", momentum=0.9, name="pool"),
    "DepthwiseSeparableConv": DepthwiseSeparableConv(
        24, kernel_size=5, strides=2, se_ratio=4, reg=0.5, momentum=0.9, name="block"
    ),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_layer_made_from_its_configuration_has_the_same_one(layer: keras.Layer) -> None:
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_saved_layer_comes_back_the_same_without_being_named(layer: keras.Layer, suffix: str, tmp_path: Path) -> None:
    inputs = keras.Input((11, 12, 16))
    model = keras.Model(inputs, type(layer).from_config(layer.get_config())(inputs))
    randomise(model)
    model.save(tmp_path / f"model{suffix}")
    loaded = keras.models.load_model(tmp_path / f"model{suffix}", compile=False)
    x = random_image(1, 11, 12, 16)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_the_output_shape_is_known_before_anything_is_computed(layer: keras.Layer) -> None:
    copy = type(layer).from_config(layer.get_config())
    assert copy.compute_output_shape((None, 11, 12, 16)) == (None, *copy(random_image(1, 11, 12, 16)).shape[1:])


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_layer_computes_in_its_own_precision(layer: keras.Layer) -> None:
    copy = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    assert copy(random_image(1, 11, 12, 16).astype(np.float64)).dtype == "float64"
    assert {weight.dtype for weight in copy.weights} == {"float64"}


def test_a_separable_block_is_regularised_as_the_published_one() -> None:
    block = DepthwiseSeparableConv(32)
    block.build((None, 6, 5, 16))
    penalties = 0.001 * sum(float(np.square(part.get_weights()[0]).sum()) for part in (block.dw, block.pw))
    assert float(sum(block.losses)) == pytest.approx(penalties, rel=1e-5)


@pytest.mark.parametrize("kind", [Avg2MaxPooling, lambda **how: DepthwiseSeparableConv(16, **how)])
def test_statistics_follow_the_batches_as_fast_as_the_momentum_says(kind: Callable[..., keras.Layer]) -> None:
    """GIVEN images whose mean is not 0 THEN one step leaves a tenth of it at .9, a hundredth at Keras's .99."""
    x = random_image(2, 6, 5, 16) + 5

    moved = []
    for how in ({"momentum": 0.9}, {}):
        keras.utils.set_random_seed(0)
        block = kind(**how)
        block(x, training=True)
        moved.append(block.norm.moving_mean.numpy())

    np.testing.assert_allclose(moved[0], 10 * moved[1], rtol=1e-4)
