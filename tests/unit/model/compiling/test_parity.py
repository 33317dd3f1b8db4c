"""Parity: what is measured, and what is let through."""

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import SIZE, tiny_network
from thyroid.core.litert_engine import LiteRTEngine
from thyroid.core.manifest import Parity
from thyroid_model.compiling import parity
from thyroid_model.networks.cam import conv_layers, tape_score_and_maps
from thyroid_model.networks.sources import REFERENCE_PREPROCESSING

NEAR = Parity(
    images=1,
    score_worst=1e-7,
    tensorflow_score_worst=1e-7,
    map_median=2e-6,
    tensorflow_map_median=2e-6,
    map_worst=1.9e-2,
    tensorflow_map_worst=1e-2,
)


class TestRequire:
    def test_lets_a_near_model_through(self) -> None:
        parity.require(NEAR)

    @pytest.mark.parametrize(
        ("figure", "value", "named"),
        [
            ("score_worst", 1.1e-6, "score"),
            ("map_median", 1.1e-5, "median map"),
            ("map_worst", 2.1e-2, "worst map"),
            ("score_worst", float("nan"), "score"),
            ("map_median", float("nan"), "median map"),
            ("map_worst", float("nan"), "worst map"),
        ],
    )
    def test_names_the_figure_that_is_over_its_bound(self, figure: str, value: float, named: str) -> None:
        with pytest.raises(parity.ParityError, match=named):
            parity.require(NEAR.model_copy(update={figure: value}))

    def test_two_float32_scores_need_not_agree_better_than_twice_as_well_as_each_with_the_truth(self) -> None:
        own = NEAR.model_copy(update={"tensorflow_score_worst": 2e-6})
        parity.require(own.model_copy(update={"score_worst": 3.9e-6}))
        with pytest.raises(parity.ParityError, match="score"):
            parity.require(own.model_copy(update={"score_worst": 4.1e-6}))

    def test_nor_need_two_float32_maps(self) -> None:
        own = NEAR.model_copy(update={"tensorflow_map_median": 1e-5})
        parity.require(own.model_copy(update={"map_median": 1.9e-5}))
        with pytest.raises(parity.ParityError, match="median map"):
            parity.require(own.model_copy(update={"map_median": 2.1e-5}))

    def test_a_single_near_tie_may_fall_to_the_other_side(self) -> None:
        parity.require(NEAR.model_copy(update={"map_worst": 9.9e-3, "tensorflow_map_worst": 1e-6}))


class TestMeasure:
    def test_shows_another_models_graph_to_be_far(self, tiny_artifact: Path) -> None:
        tensors = list(parity.images(2, SIZE, SIZE, REFERENCE_PREPROCESSING))
        measured = parity.measure(tiny_network(seed=1), LiteRTEngine(tiny_artifact), tensors)
        assert measured.score_worst > 1e-3
        assert measured.map_worst > 0.1
        with pytest.raises(parity.ParityError):
            parity.require(measured)


class TestImages:
    def test_are_deterministic_prepared_inputs_of_four_kinds(self) -> None:
        first = list(parity.images(8, SIZE, SIZE, REFERENCE_PREPROCESSING))
        again = list(parity.images(8, SIZE, SIZE, REFERENCE_PREPROCESSING))
        for one, other in zip(first, again, strict=True):
            assert one.shape == (1, SIZE, SIZE, 3)
            assert one.dtype == np.float32
            assert 0.0 <= one.min() < one.max() <= 1.0
            np.testing.assert_array_equal(one, other)
        assert len({one.tobytes() for one in first}) == 8


def test_a_model_in_double_precision_is_the_same_model() -> None:
    single, double = tiny_network(), parity.in_float64(tiny_network())
    names = list(conv_layers(single))
    image = np.random.default_rng(0).random((1, SIZE, SIZE, 3), dtype=np.float32)
    score, maps = tape_score_and_maps(single, names)(image)
    double_score, double_maps = tape_score_and_maps(double, names)(image)
    assert score == pytest.approx(double_score, abs=1e-6)
    for one, other in zip(maps, double_maps, strict=True):
        assert (one.dtype, other.dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())
