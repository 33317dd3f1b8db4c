"""Penalised logistic regression, which calibration, the texture baseline and the input check's rule have in common."""

import numpy as np
import numpy.typing as npt

_STEPS = 200
_SMALLEST = 1e-12  # of a step's share; the cost is flat to rounding there
_PROMISED = 1e-4  # of what the slope promises, which a step has to gain (Armijo 1966)

Values = npt.NDArray[np.float64]


def fit(columns: Values, labels: npt.NDArray[np.int64], weights: Values, pull: Values, towards: Values) -> Values:
    """Return the coefficients of the least ``Σ weights · cross-entropy + Σ pull / 2 · (coefficients − towards)²``.

    By Newton's method, each step halved until the cost falls: full steps may jump to and fro for ever between two
    slopes where logits are large.

    Parameters
    ----------
    columns : numpy.ndarray
        Shape (n, coefficients).
    labels : numpy.ndarray
        0 or 1, shape (n,).
    weights : numpy.ndarray
        Of the pictures, shape (n,).
    pull, towards : numpy.ndarray
        How strongly each coefficient is pulled, over 0, and where to; shape (coefficients,).
    """

    def cost(line: Values) -> float:
        logits = columns @ line
        return float(weights @ (np.logaddexp(0.0, logits) - labels * logits) + pull @ (line - towards) ** 2 / 2)

    line = towards.astype(np.float64)
    for _ in range(_STEPS):
        chances = sigmoid(columns @ line)
        slope = columns.T @ (weights * (chances - labels)) + pull * (line - towards)
        bend = columns.T @ (columns * (weights * chances * (1 - chances))[:, np.newaxis]) + np.diag(pull)
        step = np.linalg.solve(bend, slope)
        now, share = cost(line), 1.0
        while cost(line - share * step) > now - _PROMISED * share * float(slope @ step) and share > _SMALLEST:
            share /= 2
        if share <= _SMALLEST:
            break
        line = line - share * step
        if np.abs(step).max() < 1e-10:
            break
    return line


def sigmoid(logits: Values) -> Values:
    """Return the probabilities of log-odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))  # does not overflow
