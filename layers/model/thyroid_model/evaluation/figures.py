"""Figures of a model's scores, as means over seeds.

``labels`` have shape (frames,), ``scores`` (seeds, frames): each seed's scores are those of networks that did not see
the frame's case.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from thyroid_model.compiling.meaning import RISK_BANDS
from thyroid_model.metrics import (
    auc,
    brier,
    brier_skill,
    ece,
    interval_by_case,
    prevalence_weights,
    reliability,
    roc,
    sensitivity_at,
)
from thyroid_model.training import calibration
from thyroid_model.training.cross_validation import SPECIFICITIES

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
# How often labels are drawn by the scores, to see what error chance alone gives.
_CHANCE_DRAWS = 300


def discrimination(labels: Labels, cases: Labels, scores: Scores) -> dict[str, Any]:
    """Return how well scores separate the classes: AUC with its interval, and sensitivities on the ROC curve."""

    def mean_auc(labels: npt.NDArray[Any], columns: npt.NDArray[Any]) -> float:
        return float(np.mean([auc(labels, column) for column in columns.T]))

    interval = interval_by_case(mean_auc, labels, scores.T, cases)
    return {
        "auc": _mean(auc(labels, one) for one in scores),
        "auc_95_interval": [round(bound, 4) for bound in interval],
        **{
            f"sensitivity_at_specificity_{specificity:.2f}": _mean(
                sensitivity_at(specificity, labels, one) for one in scores
            )
            for specificity in SPECIFICITIES
        },
    }


def auc_within_folds(labels: Labels, scores: Scores, folds: Labels) -> float | None:
    """Return the mean of the folds' own AUCs: what one network does, whatever each fold's calibration adds or takes.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (frames,).
    scores : numpy.ndarray
        Shape (seeds, frames), or (1, frames) where all rounds have the same.
    folds : numpy.ndarray
        Of each frame in each round, shape (seeds, frames).

    Returns
    -------
    float or None
        None where no fold has both classes.
    """
    found = [
        auc(labels[fold_of == fold], one[fold_of == fold])
        for one, fold_of in zip(np.broadcast_to(scores, folds.shape), folds, strict=True)
        for fold in np.unique(fold_of)
        if len(set(labels[fold_of == fold].tolist())) == 2
    ]
    return _mean(found) if found else None


def discrimination_of_one(labels: Labels, scores: npt.NDArray[np.float64]) -> float:
    """Return the AUC of one seed's scores, of shape (frames,)."""
    return round(auc(labels, scores), 4)


def operating_point(labels: Labels, called: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return sensitivity and specificity of what was called suspicious, of shape (seeds, frames)."""
    return {
        "sensitivity": _mean(one[labels == 1].mean() for one in called),
        "specificity": _mean(1 - one[labels == 0].mean() for one in called),
    }


def calibrated(labels: Labels, scores: Scores) -> dict[str, Any]:
    """Return how well scores are probabilities, at the prevalence that they are meant for and at the set's own.

    Each ECE comes with the one that perfectly calibrated scores would have on as few frames: labels are drawn by them.
    """
    own, meant = float(labels.mean()), calibration.PREVALENCE
    there = calibration.shift(scores, own)
    rng = np.random.default_rng(0)
    draws = max(1, _CHANCE_DRAWS // len(scores))
    drawn = [_drawn(one, rng) for one in there for _ in range(draws)]
    matching = np.repeat(np.arange(len(scores)), draws)
    chance_meant = [
        ece(fake, scores[seed], prevalence_weights(fake, meant)) for fake, seed in zip(drawn, matching, strict=True)
    ]
    chance_there = [ece(fake, there[seed]) for fake, seed in zip(drawn, matching, strict=True)]
    return {
        "meant_for": {
            **_probabilities(meant, labels, scores, prevalence_weights(labels, meant)),
            "ece15_by_chance_alone": _mean(chance_meant),
        },
        "at_the_sets_prevalence": {
            **_probabilities(own, labels, there, None),
            "ece15_by_chance_alone": _mean(chance_there),
        },
    }


def _drawn(chances: npt.NDArray[np.float64], rng: np.random.Generator) -> Labels:
    """Draw labels of both classes by their chances."""
    while True:
        labels = (rng.random(chances.shape) < chances).astype(np.int64)
        if len(set(labels.tolist())) == 2:
            return labels


def _probabilities(
    prevalence: float, labels: Labels, scores: Scores, weights: npt.NDArray[Any] | None
) -> dict[str, float]:
    return {
        "prevalence": round(prevalence, 4),
        "ece15": _mean(ece(labels, one, weights) for one in scores),
        "brier": _mean(brier(labels, one, weights) for one in scores),
        "brier_skill": _mean(brier_skill(labels, one, weights) for one in scores),
    }


def bands(labels: Labels, scores: Scores) -> dict[str, dict[str, float]]:
    """Count the frames of either label in each risk band, by the band's id; over several seeds, the mean count."""
    lowest_first = sorted(RISK_BANDS, key=lambda band: band.minimum)
    band_of = np.digitize(scores, [band.minimum for band in lowest_first]) - 1
    return {
        band.id: {
            name: round(float(np.sum((band_of == number) & (labels == label)) / len(scores)), 1)
            for name, label in (("suspicious", 1), ("not_suspicious", 0))
        }
        for number, band in reversed(list(enumerate(lowest_first)))
    }


def group(labels: Labels, scores: Scores, members: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return size and AUC of some of the frames; the AUC is null where a class is missing."""
    both = len(set(labels[members].tolist())) == 2
    return {
        "suspicious": int(np.sum(labels[members] == 1)),
        "not_suspicious": int(np.sum(labels[members] == 0)),
        "auc": _mean(auc(labels[members], one[members]) for one in scores) if both else None,
    }


def curves(labels: Labels, scores: Scores) -> dict[str, Any]:
    """Return points of the ROC curve and of the reliability diagram of each seed, for plots."""
    weights = prevalence_weights(labels, calibration.PREVALENCE)
    return {
        "roc": [[list(axis) for axis in roc(labels, one)] for one in scores],
        "reliability": [reliability(labels, one, weights) for one in scores],
    }


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 4)
