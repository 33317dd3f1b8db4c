from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from thyroid_model.networks.cam import conv_layers
from thyroid_model.networks.layers import LesionEvidence
from thyroid_model.networks.lesion_network import LesionNetwork, build_lesion_network
from thyroid_model.networks.weights import load_model


@pytest.fixture(scope="module")
def network() -> LesionNetwork:
    keras.utils.set_random_seed(0)
    return build_lesion_network(32)


@pytest.fixture(scope="module")
def images() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)


@pytest.mark.parametrize("size", [32, 64])
def test_it_gives_a_score_and_the_lesions_logits_in_cells_of_eight_pixels(size: int) -> None:
    network = build_lesion_network(size)

    assert network.score.input_shape == network.training.input_shape == (None, size, size, 3)
    assert network.score.output_shape == (None, 1)
    assert network.training.output_shape == [(None, 1), (None, size // 8, size // 8, 1)]


def test_both_sides_share_their_weights_and_their_score(network: LesionNetwork, images: object) -> None:
    score, _ = network.training(images)

    np.testing.assert_array_equal(network.score(images), score)
    assert {id(weight) for weight in network.score.weights} == {id(weight) for weight in network.training.weights}


def test_the_score_is_a_probability_and_the_lesion_is_not(network: LesionNetwork, images: object) -> None:
    score, lesion = (np.asarray(output) for output in network.training(images))

    assert ((score > 0) & (score < 1)).all()
    assert lesion.std() > 0
    assert network.training.get_layer("lesion").activation is keras.activations.linear


def test_it_ends_in_a_dense_layer_with_a_sigmoid_into_which_a_calibration_folds(network: LesionNetwork) -> None:
    head = network.score.layers[-1]

    assert isinstance(head, keras.layers.Dense)
    assert (head.units, head.activation) == (1, keras.activations.sigmoid)


@pytest.mark.parametrize("size", [16, 48, 100])
def test_sizes_that_do_not_halve_five_times_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 32, not {size}"):
        build_lesion_network(size)


def test_it_has_fewer_parameters_than_a_million() -> None:
    """Images are few, and a function starts with it."""
    assert 300_000 < build_lesion_network(128).score.count_params() < 1_000_000


def test_its_last_conv_layer_is_the_evidence(network: LesionNetwork) -> None:
    names = list(conv_layers(network.score))

    assert names[-2:] == ["lesion_evidence/pw", "lesion_evidence"]
    assert {"depthwise_separable_conv", "depthwise_separable_conv_1", "lesion"} <= set(names)


def evidence_of(features: np.ndarray[Any, Any], logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What places say whose features are one number, taken as it is."""
    layer = LesionEvidence()
    layer.build([features.shape, logits.shape])
    layer.pw.set_weights([np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)])
    return np.asarray(layer([features, logits]))


def test_where_the_lesion_is_decides_where_the_score_looks() -> None:
    """GIVEN a lesion in one of sixteen cells THEN that cell's evidence is pooled, and little of the others."""
    features = np.random.default_rng(0).normal(size=(1, 4, 4, 1)).astype(np.float32)
    nowhere = np.full((1, 4, 4, 1), -30, np.float32)
    one = nowhere.copy()
    one[0, 1, 2] = 30

    everywhere, there = evidence_of(features, nowhere), evidence_of(features, one)

    np.testing.assert_allclose(everywhere, np.tanh(features), rtol=1e-5, atol=1e-6)
    # With the floor 1.05 and .05: the one cell has 1.05 / 1.8 of all weight.
    np.testing.assert_allclose(there[0, 1, 2] / everywhere[0, 1, 2], 16 * 1.05 / 1.8, rtol=1e-4)
    np.testing.assert_allclose(there[0, 0, 0] / everywhere[0, 0, 0], 16 * 0.05 / 1.8, rtol=1e-4)


def test_features_can_not_make_up_for_what_does_not_look_like_a_lesion() -> None:
    """GIVEN endless features outside of the lesion and slight ones in it THEN the strongest evidence is in it."""
    features = np.full((1, 4, 4, 1), 1e4, np.float32)
    logits = np.full((1, 4, 4, 1), -30, np.float32)
    features[0, 1, 2], logits[0, 1, 2] = 0.1, 30

    assert np.argmax(evidence_of(features, logits)[0, ..., 0]) == 1 * 4 + 2


def test_a_network_that_was_kept_is_the_same_network(network: LesionNetwork, images: object, tmp_path: Path) -> None:
    network.score.save(tmp_path / "model.keras")

    again = load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(again(images), network.score(images))


def test_one_seed_gives_one_network() -> None:
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(build_lesion_network(32).score.layers[1].get_weights()[0])

    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_all_normalisations_follow_as_fast_as_a_short_training_needs() -> None:
    norms = [
        part
        for layer in build_lesion_network(64).training.layers
        for part in layer._flatten_layers()
        if isinstance(part, keras.layers.BatchNormalization)
    ]

    assert len(norms) > 15
    assert {norm.momentum for norm in norms} == {0.95}
