import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.logistic import fit, sigmoid

Values = npt.NDArray[np.float64]
PENALTY, CENTER = np.array([2.0, 1e-9]), np.array([1.0, 0.0])


def problem(seed: int, scale: float, count: int = 270) -> tuple[Values, npt.NDArray[np.int64], Values]:
    """Logits of that scale, which tell little of the labels; few are of class 0, which weighs as much in all."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.82).astype(np.int64)
    logits = scale * (rng.normal(0.5, 1, count) + 0.8 * labels)
    weights = np.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    return np.stack([logits - logits.mean(), np.ones(count)], axis=1), labels, weights


def gradient_at(coefficients: Values, features: Values, labels: npt.NDArray[np.int64], weights: Values) -> Values:
    """Return the gradient of the loss, which is 0 at the best coefficients and nowhere else."""
    return np.asarray(
        features.T @ (weights * (sigmoid(features @ coefficients) - labels)) + PENALTY * (coefficients - CENTER)
    )


def test_sigmoid_of_huge_logits_does_not_overflow() -> None:
    np.testing.assert_array_equal(sigmoid(np.array([-1e6, 0, 1e6])), [0, 0.5, 1])


@pytest.mark.parametrize("scale", [0.1, 1, 3, 10, 100, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_the_coefficients_are_the_best_ones_however_large_the_numbers_are(seed: int, scale: float) -> None:
    features, labels, weights = problem(seed, scale)

    coefficients = fit(features, labels, weights, PENALTY, CENTER)

    np.testing.assert_allclose(gradient_at(coefficients, features, labels, weights) / scale, 0, atol=1e-4)


def test_full_steps_would_not_have_come_to_them() -> None:
    """So that the test above holds what it is there for."""
    features, labels, weights = problem(0, 10)
    coefficients = CENTER.copy()
    for _ in range(100):
        probabilities = sigmoid(features @ coefficients)
        hessian = features.T @ (features * (weights * probabilities * (1 - probabilities))[:, np.newaxis]) + np.diag(
            PENALTY
        )
        coefficients = coefficients - np.clip(
            np.linalg.solve(hessian, gradient_at(coefficients, features, labels, weights)), -2, 2
        )

    assert np.abs(gradient_at(coefficients, features, labels, weights)).max() > 1


def test_coefficients_are_pulled_to_where_they_are_told() -> None:
    features, labels, weights = problem(1, 1)

    coefficients = fit(features, labels, weights, np.array([1e9, 1e9]), np.array([0.3, -2.0]))

    np.testing.assert_allclose(coefficients, [0.3, -2.0], atol=1e-5)


def test_an_image_that_weighs_nothing_does_not_count() -> None:
    features, labels, weights = problem(2, 1)
    counted = np.arange(len(labels)) % 2 == 0

    coefficients = fit(features, labels, weights * counted, PENALTY, CENTER)

    np.testing.assert_allclose(
        coefficients, fit(features[counted], labels[counted], weights[counted], PENALTY, CENTER), atol=1e-8
    )


def test_classes_that_are_apart_do_not_give_endless_coefficients() -> None:
    features = np.array([[-2.0, 1], [-1, 1], [1, 1], [2, 1]])

    coefficients = fit(features, np.array([0, 0, 1, 1]), np.ones(4), PENALTY, CENTER)

    assert 1 < coefficients[0] < 5
