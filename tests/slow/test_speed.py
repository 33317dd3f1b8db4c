"""Budgets that any machine can hold us to: ratios to the same on TensorFlow, measured by turns in this very run.

Some two thirds of what was measured (`make bench`), not what is aimed at: a regression of ours breaks them, a busy
machine does not.
"""

import pytest

from benchmarks import function
from benchmarks.contenders import COMPILED, FUNCTIONS, REFERENCE, SERVICE
from benchmarks.image import request
from benchmarks.spread import Spread, by_turns
from benchmarks.warm import warm

pytestmark = pytest.mark.serial  # ratios of times that are measured by turns

Table = dict[str, dict[str, Spread]]


@pytest.fixture(scope="module")
def measured() -> tuple[Table, dict[str, float]]:
    return warm(12, None)


def times(of: dict[str, Spread], contender: str) -> float:
    return of[contender].p50 / of[SERVICE].p50


def test_a_warm_prediction_is_a_fraction_of_tensorflows(measured: tuple[Table, dict[str, float]]) -> None:
    table, _ = measured

    assert times(table["predict"], REFERENCE) > 3.5
    assert times(table["predict"], COMPILED) > 0.8


@pytest.mark.parametrize(("endpoint", "least"), [("gradcam", 6), ("analyze", 9)])
def test_a_warm_explanation_is_a_fraction_of_tensorflows(
    measured: tuple[Table, dict[str, float]], endpoint: str, least: float
) -> None:
    table, _ = measured

    assert times(table[endpoint], REFERENCE) > least


def test_it_takes_a_fraction_of_the_memory(measured: tuple[Table, dict[str, float]]) -> None:
    _, memory = measured

    assert memory[REFERENCE] / memory[SERVICE] > 3.4


def test_the_first_answer_comes_in_a_fraction_of_the_time() -> None:
    def first(name: str) -> float:
        (one,) = [contender for contender in FUNCTIONS if contender.name == name]
        with function.started(one.handlers["predict"], one.environment) as running:
            return running.first(request("/api/v1/predict")).milliseconds

    found = by_turns({name: lambda name=name: first(name) for name in (SERVICE, REFERENCE)}, 3, "cold")  # type: ignore[misc]

    assert times(found, REFERENCE) > 6
