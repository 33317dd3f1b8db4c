"""Penalised logistic regression: used by the calibration, the texture baseline and the input check's rule."""

import numpy as np
import numpy.typing as npt

_MAX_ITERATIONS = 200
_MIN_STEP_SIZE = 1e-12  # below it, rounding hides any change of the loss
_ARMIJO = 1e-4  # sufficient decrease, as a share of what the gradient predicts (Armijo 1966)

Values = npt.NDArray[np.float64]


def fit(features: Values, labels: npt.NDArray[np.int64], weights: Values, penalty: Values, center: Values) -> Values:
    """Minimise ``Σ weights · cross-entropy + Σ penalty / 2 · (coefficients − center)²``.

    Newton's method with backtracking: each step is halved until the loss decreases enough. Full steps may oscillate
    for ever where logits are large.

    Parameters
    ----------
    features : numpy.ndarray
        Shape (n, coefficients).
    labels : numpy.ndarray
        0 or 1, shape (n,).
    weights : numpy.ndarray
        Weight of each row, shape (n,).
    penalty, center : numpy.ndarray
        Strength of each coefficient's penalty, over 0, and the value that it is shrunk towards; shape (coefficients,).

    Returns
    -------
    numpy.ndarray
        The coefficients, shape (coefficients,).
    """

    def loss(coefficients: Values) -> float:
        logits = features @ coefficients
        cross_entropy = np.logaddexp(0.0, logits) - labels * logits
        return float(weights @ cross_entropy + penalty @ (coefficients - center) ** 2 / 2)

    coefficients = center.astype(np.float64)
    for _ in range(_MAX_ITERATIONS):
        probabilities = sigmoid(features @ coefficients)
        gradient = features.T @ (weights * (probabilities - labels)) + penalty * (coefficients - center)
        curvature = (weights * probabilities * (1 - probabilities))[:, np.newaxis]
        hessian = features.T @ (features * curvature) + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        current, step_size = loss(coefficients), 1.0
        slope = float(gradient @ step)
        while loss(coefficients - step_size * step) > current - _ARMIJO * step_size * slope:
            step_size /= 2
            if step_size <= _MIN_STEP_SIZE:
                return coefficients
        coefficients = coefficients - step_size * step
        if np.abs(step).max() < 1e-10:
            break
    return coefficients


def sigmoid(logits: Values) -> Values:
    """Return the probabilities, in [0, 1], of log-odds of any shape."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))  # does not overflow
