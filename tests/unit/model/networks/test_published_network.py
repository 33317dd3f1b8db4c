"""The network against what is known of the published one."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from thyroid_model.networks.published_network import PUBLISHED_LAYERS, PUBLISHED_PARAMETERS, build_network

PUBLISHED = Path(__file__).parents[4].parent / "shared/published-model"


@pytest.mark.parametrize("size", [224, 128])
def test_the_graph_has_the_published_size_whatever_the_input(size: int) -> None:
    model = build_network(size)
    assert model.count_params() == PUBLISHED_PARAMETERS == 278_039
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 275_939
    assert len(model.layers) == PUBLISHED_LAYERS == 50
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, 1)


def test_the_filters_grow_like_fibonacci_numbers() -> None:
    model = build_network(32)
    trunk = ["conv2d_15", "conv2d_16", "conv2d_17", "conv2d_20", "conv2d_24"]
    blocks = ["depthwise_separable_conv_2", "depthwise_separable_conv_3"]
    assert [model.get_layer(name).filters for name in trunk + blocks] == [16, 28, 44, 72, 115, 188, 288]


def test_the_score_is_a_probability() -> None:
    images = np.random.default_rng(0).uniform(size=(4, 64, 64, 3)).astype(np.float32)
    scores = np.asarray(build_network(64)(images))
    assert scores.shape == (4, 1)
    assert ((scores > 0) & (scores < 1)).all()


def test_scoring_changes_nothing_in_the_network() -> None:
    model = build_network(64)
    image = np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype(np.float32)
    before = [np.array(weight) for weight in model.get_weights()]
    first = np.asarray(model(image, training=False))
    np.testing.assert_array_equal(model(image, training=False), first)
    for weight, earlier in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, earlier)


@pytest.mark.parametrize("size", [0, -32, 31, 100, 225])
def test_a_size_that_cannot_be_halved_five_times_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 32, not {size}"):
        build_network(size)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published model is not on this machine")
def test_the_graph_is_the_published_one_layer_by_layer() -> None:
    stored = json.loads((PUBLISHED / "model_config.json").read_text("utf-8"))["config"]["layers"]
    built = stored_layers(build_network())
    assert [layer["name"] for layer in built] == [layer["name"] for layer in stored]
    for ours, theirs in zip(built, stored, strict=True):
        assert ours["class_name"] == theirs["class_name"]
        assert ours["inbound_nodes"] == theirs["inbound_nodes"]
        assert contains(ours["config"], theirs["config"]), (ours, theirs)


def stored_layers(model: keras.Model) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = json.loads(model.to_json())["config"]["layers"]
    return layers


def contains(ours: Any, theirs: Any) -> bool:
    """Whether all that the published configuration says holds for ours; a later Keras says more."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(contains(ours.get(key), value) for key, value in theirs.items())
    return bool(ours == theirs)
