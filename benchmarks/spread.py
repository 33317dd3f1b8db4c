"""Measurements of one thing, and how they are taken: by turns, so that a busy minute is not one contender's alone."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tqdm import tqdm


@dataclass(frozen=True)
class Spread:
    """Some measurements, summarised: all in the unit that they were taken in."""

    p50: float
    p95: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise two measurements or more."""
        p95 = quantiles(values, n=20, method="inclusive")[-1]
        return cls(median(values), p95, min(values), max(values), len(values))


def by_turns(measure: Mapping[str, Callable[[], float]], rounds: int, title: str) -> dict[str, Spread]:
    """Take each measurement once a round."""
    values: dict[str, list[float]] = {name: [] for name in measure}
    for _ in tqdm(range(rounds), title, unit="round", leave=False):
        for name, once in measure.items():
            values[name].append(once())
    return {name: Spread.of(taken) for name, taken in values.items()}


def milliseconds(do: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - begun)
