"""Fit of the input check's texture rule: a logistic regression, and a threshold that lets ultrasound pass."""

from typing import Any

import numpy as np
import numpy.typing as npt

from thyroid.core.input_check import FEATURES, Rule
from thyroid_model import logistic

MAX_FLAGGED_SHARE = 0.01  # of the ultrasound images that the rule is fitted on; the documented bound is twice that
DATA_WEIGHT = 0.003  # of the data, against the penalty of all coefficients
_SQUARE_SCALE = 1 / 3  # squares vary more; scaled, their penalty is like that of the features

Plane = npt.NDArray[np.float64]


def fit_rule(ultrasound: Plane, other: Plane, reference: Plane) -> Rule:
    """Fit the rule by penalised logistic regression.

    Parameters
    ----------
    ultrasound, other : numpy.ndarray
        Features of ultrasound and of other images, shape (images, features). Both classes weigh the same in total.
    reference : numpy.ndarray
        Features of the ultrasound images of which the rule flags `MAX_FLAGGED_SHARE`, shape (images, features).
    """
    mean, deviation = reference.mean(axis=0), reference.std(axis=0) + 1e-9
    count = len(FEATURES)
    empty = Rule(mean, deviation, np.zeros(count), np.zeros(count), 0.0)
    x = np.concatenate([_terms(empty, ultrasound), _terms(empty, other)])
    y = np.repeat([0, 1], [len(ultrasound), len(other)])
    weights = DATA_WEIGHT * len(y) / 2 / np.repeat([len(ultrasound), len(other)], [len(ultrasound), len(other)])
    penalty = np.append(np.ones(2 * count), 1e-9)
    fitted = logistic.fit(np.hstack([x, np.ones((len(x), 1))]), y, weights, penalty, np.zeros(len(penalty)))
    rule = Rule(mean, deviation, fitted[:count], fitted[count:-1] * _SQUARE_SCALE, 0.0)
    threshold = float(np.quantile(rule.strangeness(reference), 1 - MAX_FLAGGED_SHARE))
    return Rule(rule.mean, rule.deviation, rule.linear, rule.square, -threshold)


def _terms(rule: Rule, features: Plane) -> Plane:
    distance = rule.distance(features)
    return np.hstack([distance, distance * distance * _SQUARE_SCALE])


def as_table(rule: Rule, measured: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the rule's JSON file, with what was measured of the rule."""
    rows = {}
    for index, name in enumerate(FEATURES):
        columns = {"mean": rule.mean, "deviation": rule.deviation, "linear": rule.linear, "square": rule.square}
        rows[name] = {column: round(float(values[index]), 5) for column, values in columns.items()}
    return {"features": rows, "intercept": round(rule.intercept, 5), "measured": measured}
