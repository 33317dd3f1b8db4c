"""Repeated measurements, taken in turns, so that a busy minute affects all contenders alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tqdm import tqdm


@dataclass(frozen=True)
class Spread:
    """A summary of measurements, in the unit of the measurements."""

    p50: float
    p95: float
    minimum: float
    maximum: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise two measurements or more."""
        p95 = quantiles(values, n=20, method="inclusive")[-1]
        return cls(median(values), p95, min(values), max(values), len(values))


def by_turns(measure: Mapping[str, Callable[[], float]], rounds: int, title: str) -> dict[str, Spread]:
    """Take each measurement once in each round."""
    values: dict[str, list[float]] = {name: [] for name in measure}
    for _ in tqdm(range(rounds), title, unit="round", leave=False):
        for name, measure_once in measure.items():
            values[name].append(measure_once())
    return {name: Spread.of(taken) for name, taken in values.items()}


def milliseconds(action: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    started = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - started)
