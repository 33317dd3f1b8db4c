"""Class activation maps: that they are right, shown without the code that makes them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tiny import SIZE, tiny_network
from thyroid.core.explain import class_activation
from thyroid_model.compiling.parity import in_float64
from thyroid_model.networks.cam import conv_layers, score_and_maps, tape_score_and_maps
from thyroid_model.networks.layers import Avg2MaxPooling, DepthwiseSeparableConv

Array = np.ndarray[Any, Any]


def random_image(seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((1, SIZE, SIZE, 3), dtype=np.float32)


def pooled_network(weights: Array, bias: float = 0.0) -> keras.Model:
    """Convolution, global average pool, dense head with the given weights."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(len(weights), 3, activation="relu", name="features")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="head")(x))
    model.get_layer("head").set_weights([weights[:, None], np.array([bias])])
    return model


class TestConvLayers:
    def test_every_conv_layer_is_listed_in_graph_order_with_the_inner_ones_before_their_block(self) -> None:
        assert list(conv_layers(tiny_network())) == [
            "stem",
            "body",
            "depthwise_separable_conv/dw",
            "depthwise_separable_conv/pw",
            "depthwise_separable_conv",
            "depthwise_separable_conv_1/dw",
            "depthwise_separable_conv_1/pw",
            "depthwise_separable_conv_1/proj",
            "depthwise_separable_conv_1",
        ]

    def test_the_names_of_blocks_do_not_depend_on_how_many_were_made_before_in_the_process(self) -> None:
        assert list(conv_layers(tiny_network())) == list(conv_layers(tiny_network()))


class TestMapsAreRight:
    def test_before_a_global_average_pool_and_a_dense_head_the_map_is_the_weighted_sum_of_channels(self) -> None:
        # GIVEN a network whose logit is Σ_k w_k · mean(A_k), so that ∂logit/∂A_k is w_k / cells everywhere
        weights = np.array([0.5, -2.0, 1.5, 0.25], np.float32)
        model = pooled_network(weights)
        # WHEN its map is computed
        _, (ours,) = tape_score_and_maps(model, ["features"])(random_image())
        # THEN it is the closed form of class activation mapping (arXiv:1512.04150), here with the mean's 1 / cells
        features = keras.Model(model.inputs[0], model.get_layer("features").output).predict(random_image(), verbose=0)[
            0
        ]
        np.testing.assert_allclose(ours, features @ weights / features[..., 0].size, rtol=1e-4, atol=1e-7)

    def test_the_channel_weights_are_the_means_of_finite_differences_of_the_logit(self) -> None:
        # GIVEN a network in double precision (TensorFlow resizes in float32 only, so it has no resizing)
        keras.utils.set_random_seed(0)
        name, inputs = "stem", keras.Input((SIZE, SIZE, 3))
        x = keras.layers.Conv2D(4, 3, strides=2, activation="silu", name=name)(inputs)
        x = DepthwiseSeparableConv(16)(Avg2MaxPooling()(x))
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = in_float64(keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x)))
        image = random_image().astype(np.float64)
        activation = keras.Model(model.inputs[0], model.get_layer(name).output)(image, training=False).numpy()

        # WHEN that layer's activations are moved up and down, a channel at a time, all cells by the same step
        def logit(moved: Array) -> float:
            layer = model.get_layer(name)
            object.__setattr__(layer, "call", lambda *_: tf.constant(moved))
            try:
                probability = float(model(image, training=False)[0, 0])
            finally:
                object.__delattr__(layer, "call")
            return float(np.log(probability / (1 - probability)))

        step, (rows, columns, channels) = 1e-6, activation.shape[1:]
        expected = np.zeros((rows, columns))
        for channel in range(channels):
            shift = step * (np.arange(channels) == channel)
            # The logit's derivative along the shift is the sum over cells of its gradient.
            slope = (logit(activation + shift) - logit(activation - shift)) / (2 * step)
            expected += slope / (rows * columns) * activation[0, :, :, channel]
        # THEN Σ_k mean difference · A_k is the map
        _, (ours,) = tape_score_and_maps(model, [name])(image)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())

    def test_where_all_evidence_is_negative_the_map_is_zero_and_says_so(self) -> None:
        _, (evidence,) = tape_score_and_maps(pooled_network(-np.ones(4, np.float32)), ["features"])(random_image())
        activation, has_evidence = class_activation(evidence, "malignant")
        assert not has_evidence
        np.testing.assert_array_equal(activation, np.zeros_like(evidence))
        assert class_activation(evidence, "benign")[1]

    @pytest.mark.parametrize("bias", [100.0, -100.0])
    def test_a_saturated_sigmoid_still_gives_the_map_that_an_unsaturated_one_gives(self, bias: float) -> None:
        weights = np.array([0.5, -2.0, 1.5, 0.25], np.float32)
        score, (saturated,) = tape_score_and_maps(pooled_network(weights, bias), ["features"])(random_image())
        _, (plain,) = tape_score_and_maps(pooled_network(weights), ["features"])(random_image())
        assert score == (1.0 if bias > 0 else pytest.approx(0.0, abs=1e-30))
        np.testing.assert_allclose(saturated, plain, rtol=1e-6)


class TestScore:
    def test_is_the_models_own(self) -> None:
        model = tiny_network()
        score, _ = tape_score_and_maps(model, ["stem"])(random_image())
        assert score == pytest.approx(float(model.predict(random_image(), verbose=0)[0, 0]), abs=1e-6)

    def test_the_model_is_left_as_it_was(self) -> None:
        model = tiny_network()
        before = model(random_image(), training=False)
        tape_score_and_maps(model, list(conv_layers(model)))(random_image())
        np.testing.assert_array_equal(model(random_image(), training=False), before)


@pytest.mark.parametrize("head", [{"units": 2, "activation": "sigmoid"}, {"units": 1, "activation": "linear"}])
def test_a_head_that_is_not_one_sigmoid_is_refused(head: dict[str, Any]) -> None:
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, name="c")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(**head)(x))
    with pytest.raises(ValueError, match="one sigmoid output"):
        score_and_maps(model, tf.constant(random_image()), ["c"], lambda *_: [])
