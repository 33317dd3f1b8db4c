"""Figures of a two-class score, in a few lines of NumPy each.

All take ``labels`` (0 or 1) and ``scores`` (the higher, the surer of 1), both of shape (n,). Those that speak of
probabilities take ``weights`` too: a set seldom has the prevalence that a probability is meant for, and with
:func:`prevalence_weights` it is counted as if it had.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


def auc(labels: Values, scores: Values) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, a tie counting half.

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
    """Share of positives found by the lowest threshold that keeps at least this specificity.

    A score counts as found when it is above the threshold; thresholds are scores of negatives.
    """
    return float(np.mean(scores[labels == 1] > threshold_for(specificity, labels, scores)))


def threshold_for(specificity: float, labels: Values, scores: Values) -> float:
    """Return the lowest score of a negative that, as a threshold, keeps at least this specificity."""
    negative = np.sort(scores[labels == 0])
    return float(negative[max(int(np.ceil(specificity * negative.size)) - 1, 0)])


def prevalence_weights(labels: Values, prevalence: float) -> Values:
    """Return a weight for each label, of mean 1, under which the share of positives is ``prevalence``.

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
    """Mean squared difference between score and label (Brier 1950)."""
    return float(np.average((scores - labels) ** 2, weights=weights))


def brier_skill(labels: Values, scores: Values, weights: Values | None = None) -> float:
    """Return how much better the Brier score is than that of the base rate, said of all: 1 perfect, 0 no better."""
    rate = float(np.average(labels, weights=weights))
    return 1.0 - brier(labels, scores, weights) / (rate * (1.0 - rate))


def reliability(
    labels: Values, scores: Values, weights: Values | None = None, bins: int = 15
) -> list[tuple[float, float, float]]:
    """Return mean score, share of positives and share of all weight in each of equally wide bins that has a score."""
    weights = np.ones(len(scores)) if weights is None else weights
    place = np.minimum((scores * bins).astype(int), bins - 1)
    inside = [place == number for number in np.unique(place)]
    return [
        (
            float(np.average(scores[chosen], weights=weights[chosen])),
            float(np.average(labels[chosen], weights=weights[chosen])),
            float(weights[chosen].sum() / weights.sum()),
        )
        for chosen in inside
    ]


def ece(labels: Values, scores: Values, weights: Values | None = None, bins: int = 15) -> float:
    """Return the expected calibration error: the mean gap between score and share of positives, over equal bins.

    Bins without a score weigh nothing (Guo et al., ICML 2017, for the probability of class 1).
    """
    return sum(abs(score - share) * weight for score, share, weight in reliability(labels, scores, weights, bins))


def roc(labels: Values, scores: Values) -> tuple[Values, Values]:
    """Return the ROC curve: the shares of negatives and of positives from each threshold on, from (0, 0) to (1, 1)."""
    thresholds = np.concatenate(([np.inf], np.unique(scores)[::-1]))
    false = np.array([np.mean(scores[labels == 0] >= threshold) for threshold in thresholds])
    true = np.array([np.mean(scores[labels == 1] >= threshold) for threshold in thresholds])
    return false, true


def interval_by_case(
    figure: Callable[[Values, Values], float],
    labels: Values,
    scores: Values,
    cases: Values,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of a figure by the percentile bootstrap over cases.

    Whole cases are drawn with replacement, since the frames of one case are alike: drawing frames would make the
    interval too narrow. A draw without both classes is drawn again.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(cases == case) for case in np.unique(cases)]
    figures: list[float] = []
    while len(figures) < draws:
        drawn = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        if np.unique(labels[drawn]).size == 2:
            figures.append(figure(labels[drawn], scores[drawn]))
    low, high = np.quantile(figures, [0.025, 0.975])
    return float(low), float(high)
