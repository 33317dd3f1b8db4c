"""Metrics of a binary classifier, in a few lines of NumPy each.

All take ``labels`` (0 or 1) and ``scores`` (higher means more likely 1), both of shape (n,). Metrics of probabilities
also take ``weights``. The prevalence in a dataset seldom is the one that a probability is meant for; with
:func:`prevalence_weights` the metric is computed as if it were.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


def auc(labels: Values, scores: Values) -> float:
    """Return the area under the ROC curve, in [0, 1]: the probability that a positive scores above a negative.

    Ties count half.

    Raises
    ------
    ValueError
        If a class is missing.
    """
    positive, negative = scores[labels == 1], np.sort(scores[labels == 0])
    if not positive.size or not negative.size:
        raise ValueError("An AUC needs frames of both classes.")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).sum() / (2 * positive.size * negative.size))


def sensitivity_at(specificity: float, labels: Values, scores: Values) -> float:
    """Return the sensitivity, in [0, 1], at the lowest threshold with at least this specificity.

    A score is positive if it is above the threshold. Thresholds are scores of negatives.
    """
    return float(np.mean(scores[labels == 1] > threshold_for(specificity, labels, scores)))


def threshold_for(specificity: float, labels: Values, scores: Values) -> float:
    """Return the lowest score of a negative that, as a threshold, has at least this specificity."""
    negative = np.sort(scores[labels == 0])
    return float(negative[max(int(np.ceil(specificity * negative.size)) - 1, 0)])


def prevalence_weights(labels: Values, prevalence: float) -> Values:
    """Return a weight for each label, shape (n,) and mean 1, so that the weighted share of positives is ``prevalence``.

    Raises
    ------
    ValueError
        If a class is missing.
    """
    share = float(np.mean(labels))
    if not 0 < share < 1:
        raise ValueError("Weights for a prevalence need frames of both classes.")
    return np.where(labels == 1, prevalence / share, (1 - prevalence) / (1 - share))


def brier(labels: Values, scores: Values, weights: Values | None = None) -> float:
    """Return the mean squared difference between score and label (Brier 1950): 0 is perfect."""
    return float(np.average((scores - labels) ** 2, weights=weights))


def brier_skill(labels: Values, scores: Values, weights: Values | None = None) -> float:
    """Return the Brier skill score against a constant prediction of the base rate: 1 is perfect, 0 no better."""
    rate = float(np.average(labels, weights=weights))
    return 1.0 - brier(labels, scores, weights) / (rate * (1.0 - rate))


def reliability(
    labels: Values, scores: Values, weights: Values | None = None, bins: int = 15
) -> list[tuple[float, float, float]]:
    """Return the reliability diagram over equally wide bins, without empty bins.

    Returns
    -------
    list of tuple of float
        Of each bin: mean score, share of positives, and the bin's share of the total weight; all in [0, 1].
    """
    weights = np.ones(len(scores)) if weights is None else weights
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    members = [bin_of == number for number in np.unique(bin_of)]
    return [
        (
            float(np.average(scores[inside], weights=weights[inside])),
            float(np.average(labels[inside], weights=weights[inside])),
            float(weights[inside].sum() / weights.sum()),
        )
        for inside in members
    ]


def ece(labels: Values, scores: Values, weights: Values | None = None, bins: int = 15) -> float:
    """Return the expected calibration error: the weighted mean gap between score and share of positives.

    Over equally wide bins; empty bins do not count (Guo et al., ICML 2017, for the probability of class 1).
    """
    return sum(abs(score - share) * weight for score, share, weight in reliability(labels, scores, weights, bins))


def roc(labels: Values, scores: Values) -> tuple[Values, Values]:
    """Return the ROC curve, from (0, 0) to (1, 1).

    Returns
    -------
    tuple of numpy.ndarray
        False positive rates and true positive rates, one for each distinct score and one more.
    """
    thresholds = np.concatenate(([np.inf], np.unique(scores)[::-1]))
    false = np.array([np.mean(scores[labels == 0] >= threshold) for threshold in thresholds])
    true = np.array([np.mean(scores[labels == 1] >= threshold) for threshold in thresholds])
    return false, true


def interval_by_case(
    metric: Callable[[Values, Values], float],
    labels: Values,
    scores: Values,
    cases: Values,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % confidence interval of a metric by the percentile bootstrap over cases.

    Whole cases are resampled, since frames of one case are correlated: resampling frames would make the interval too
    narrow. A resample without both classes is drawn again.

    Parameters
    ----------
    metric : callable
        From labels and scores to a number.
    labels, scores, cases : numpy.ndarray
        One for each frame, shape (n,); ``scores`` may have further axes.
    draws : int
        Number of resamples.
    seed : int
        Seed of the random generator.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(cases == case) for case in np.unique(cases)]
    values: list[float] = []
    while len(values) < draws:
        drawn = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        if np.unique(labels[drawn]).size == 2:
            values.append(metric(labels[drawn], scores[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
