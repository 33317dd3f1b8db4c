"""Calibration by Platt scaling, and the prevalence that the probabilities are meant for.

A network that was trained on few images is over- or underconfident. Platt scaling (Platt 1999) corrects that: the logit
is multiplied by a slope, and an intercept is added. Both are fitted on scores of images that the network had not seen,
and are merged into the network's last layer, so a calibrated network is no slower and no larger.

A probability needs a prevalence. Four of five DDTI frames are suspicious, because such nodules were collected. With
that prevalence every score would be high, and a constant .82 would count as calibrated. The scores here are meant for
`PREVALENCE`, even odds: above .5, the image is evidence for suspicion, below, against it. For another prevalence
``p``, add ``log(p / (1 − p))`` to the logit (:func:`shift`).
"""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from thyroid_model import logistic
from thyroid_model.logistic import sigmoid
from thyroid_model.metrics import prevalence_weights

PREVALENCE = 0.5
# Weak penalty of the slope towards 1, as strong as a handful of images: without it, the slope would be infinite where
# the classes of a small fold are separable.
_SLOPE_PENALTY = 2.0

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Platt:
    """Platt scaling: ``logit → slope · logit + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, logits: Values) -> Values:
        """Return probabilities at `PREVALENCE`, in [0, 1], of the shape of the logits."""
        return sigmoid(self.slope * logits + self.intercept)


def fit(logits: Values, labels: npt.NDArray[np.int64], prevalence: float = PREVALENCE) -> Platt:
    """Fit slope and intercept by penalised maximum likelihood, with the classes weighted to ``prevalence``.

    Parameters
    ----------
    logits : numpy.ndarray
        Logits of images that the network did not see, shape (n,).
    labels : numpy.ndarray
        0 or 1, shape (n,).
    prevalence : float
        Prevalence that the probabilities are meant for, in (0, 1).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    weights = prevalence_weights(labels, prevalence)
    centre = float(logits.mean())  # so that the penalty of the slope does not change the intercept
    features = np.stack([logits - centre, np.ones_like(logits)], axis=1)
    parameters = logistic.fit(features, labels, weights, np.array([_SLOPE_PENALTY, 1e-9]), np.array([1.0, 0.0]))
    slope, intercept = map(float, parameters)
    return Platt(slope, intercept - slope * centre)


def shift(scores: Values, prevalence: float, meant_for: float = PREVALENCE) -> Values:
    """Convert probabilities from one prevalence, ``meant_for``, to another, by Bayes' rule."""
    return sigmoid(logit(scores) + float(logit(np.array(prevalence)) - logit(np.array(meant_for))))


def merge_into(model: keras.Model, platt: Platt) -> None:
    """Merge a calibration into the last layer, a dense one with a sigmoid; the network is changed in place."""
    head = model.layers[-1]
    kernel, bias = head.get_weights()
    head.set_weights([kernel * np.float32(platt.slope), bias * np.float32(platt.slope) + np.float32(platt.intercept)])


def logit(scores: Values) -> Values:
    """Return the log-odds of probabilities; 0 and 1 are clipped by 1e-7, the resolution of a float32 sigmoid."""
    inside = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside / (1 - inside)))
