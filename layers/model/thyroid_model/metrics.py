"""Figures of a two-class score, in a few lines of NumPy each.

All take ``labels`` (0 or 1) and ``scores`` (the higher, the surer of 1), both of shape (n,).
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
    negative = np.sort(scores[labels == 0])
    threshold = negative[max(int(np.ceil(specificity * negative.size)) - 1, 0)]
    return float(np.mean(scores[labels == 1] > threshold))


def brier(labels: Values, scores: Values) -> float:
    """Mean squared difference between score and label (Brier 1950)."""
    return float(np.mean((scores - labels) ** 2))


def ece(labels: Values, scores: Values, bins: int = 15) -> float:
    """Return the expected calibration error: the mean gap between score and share of positives, over equal bins.

    Bins without a score weigh nothing (Guo et al., ICML 2017, for the probability of class 1).
    """
    place = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs(float(np.sum(scores[place == b] - labels[place == b]))) for b in range(bins)]
    return sum(gaps) / len(scores)


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
