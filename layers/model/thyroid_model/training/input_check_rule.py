"""How the input check's texture rule is fitted: a logistic regression, and a bound that lets ultrasound pass."""

from typing import Any

import numpy as np
import numpy.typing as npt

from thyroid.core.input_check import FEATURES, Rule
from thyroid_model import logistic

MOST_FLAGGED = 0.01  # of the ultrasound pictures that the rule is chosen with; twice that is what is promised
STRENGTH = 0.003  # of the data against the pull of all coefficients to 0
_SQUARE_SCALE = 1 / 3  # squares vary more: so scaled they are pulled to 0 as the features are

Plane = npt.NDArray[np.float64]


def choose(sound: Plane, strange: Plane, held_to: Plane) -> Rule:
    """Fit the rule.

    Parameters
    ----------
    sound, strange : numpy.ndarray
        Features of ultrasound and of other pictures, shape (pictures, features). Both count the same in all.
    held_to : numpy.ndarray
        Features of the ultrasound pictures of which the rule flags `MOST_FLAGGED`, shape (pictures, features).
    """
    mean, deviation = held_to.mean(axis=0), held_to.std(axis=0) + 1e-9
    count = len(FEATURES)
    none = Rule(mean, deviation, np.zeros(count), np.zeros(count), 0.0)
    x = np.concatenate([_terms(none, sound), _terms(none, strange)])
    y = np.repeat([0, 1], [len(sound), len(strange)])
    weights = STRENGTH * len(y) / 2 / np.repeat([len(sound), len(strange)], [len(sound), len(strange)])
    pull = np.append(np.ones(2 * count), 1e-9)
    fitted = logistic.fit(np.hstack([x, np.ones((len(x), 1))]), y, weights, pull, np.zeros(len(pull)))
    rule = Rule(mean, deviation, fitted[:count], fitted[count:-1] * _SQUARE_SCALE, 0.0)
    threshold = float(np.quantile(rule.strangeness(held_to), 1 - MOST_FLAGGED))
    return Rule(rule.mean, rule.deviation, rule.linear, rule.square, -threshold)


def _terms(rule: Rule, features: Plane) -> Plane:
    far = rule.distance(features)
    return np.hstack([far, far * far * _SQUARE_SCALE])


def as_table(rule: Rule, measured: dict[str, Any]) -> dict[str, Any]:
    """Return the rule as its file has it."""
    rows = {}
    for place, name in enumerate(FEATURES):
        columns = {"mean": rule.mean, "deviation": rule.deviation, "linear": rule.linear, "square": rule.square}
        rows[name] = {column: round(float(values[place]), 5) for column, values in columns.items()}
    return {"features": rows, "intercept": round(rule.intercept, 5), "measured": measured}
