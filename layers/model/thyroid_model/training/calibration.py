"""Calibration by Platt scaling, and what a probability is a probability of.

A network trained on few pictures is wrong about how sure it is. Two numbers mend that: the logit is multiplied by a
slope and moved by an intercept, fitted on scores of pictures that the network had not seen (Platt 1999). Both fold into
the network's last layer, so a calibrated network is no slower and no larger.

A probability needs a prevalence. Four of five DDTI frames are suspicious, because such nodules were collected; taken
over, that would lift every score, and a constant .82 would count as calibrated. The scores here are meant for
`PREVALENCE`, even odds: above .5, the picture speaks for suspicion, below, against it. For another prevalence
``p``, the logit moves by ``log(p / (1 − p))`` (:func:`shift`).
"""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from thyroid_model import logistic
from thyroid_model.logistic import sigmoid
from thyroid_model.metrics import prevalence_weights

PREVALENCE = 0.5
# A weak pull of the slope to 1, as strong as a handful of pictures: without it, classes that happen to be separable in
# a small fold would give an endless slope.
_PRIOR = 2.0

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Platt:
    """``logit → slope · logit + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, logits: Values) -> Values:
        """Return probabilities, for `PREVALENCE`."""
        return sigmoid(self.slope * logits + self.intercept)


def fit(logits: Values, labels: npt.NDArray[np.int64], prevalence: float = PREVALENCE) -> Platt:
    """Fit slope and intercept by penalised maximum likelihood, counting the classes as ``prevalence`` has it.

    Parameters
    ----------
    logits : numpy.ndarray
        Of pictures that the network did not see, shape (n,).
    labels : numpy.ndarray
        0 or 1, shape (n,). Both are needed.
    prevalence : float
        In (0, 1): what the probabilities are meant for.

    Raises
    ------
    ValueError
        If a class is missing.
    """
    weights = prevalence_weights(labels, prevalence)
    middle = float(logits.mean())  # so that the slope's pull does not move the intercept
    columns = np.stack([logits - middle, np.ones_like(logits)], axis=1)
    parameters = logistic.fit(columns, labels, weights, np.array([_PRIOR, 1e-9]), np.array([1.0, 0.0]))
    slope, intercept = map(float, parameters)
    return Platt(slope, intercept - slope * middle)


def shift(scores: Values, prevalence: float, meant_for: float = PREVALENCE) -> Values:
    """Return what probabilities meant for one prevalence are at another (Bayes' rule on the odds)."""
    return sigmoid(logit(scores) + float(logit(np.array(prevalence)) - logit(np.array(meant_for))))


def compile_into(model: keras.Model, platt: Platt) -> None:
    """Fold a calibration into the last layer, a dense one with a sigmoid; the network changes in place."""
    head = model.layers[-1]
    kernel, bias = head.get_weights()
    head.set_weights([kernel * np.float32(platt.slope), bias * np.float32(platt.slope) + np.float32(platt.intercept)])


def logit(scores: Values) -> Values:
    """Return the log-odds of probabilities; 0 and 1 are taken for the nearest that a float32 sigmoid can say."""
    inside = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside / (1 - inside)))
