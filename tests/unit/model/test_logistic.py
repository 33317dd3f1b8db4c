import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.logistic import fit, sigmoid

Values = npt.NDArray[np.float64]
PULL, TOWARDS = np.array([2.0, 1e-9]), np.array([1.0, 0.0])


def problem(seed: int, scale: float, count: int = 270) -> tuple[Values, npt.NDArray[np.int64], Values]:
    """Logits of that scale, which tell little of the labels; few are of class 0, which weighs as much in all."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.82).astype(np.int64)
    logits = scale * (rng.normal(0.5, 1, count) + 0.8 * labels)
    weights = np.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    return np.stack([logits - logits.mean(), np.ones(count)], axis=1), labels, weights


def slope_at(line: Values, columns: Values, labels: npt.NDArray[np.int64], weights: Values) -> Values:
    """Return the cost's gradient, which is nothing at the best coefficients and nowhere else."""
    return np.asarray(columns.T @ (weights * (sigmoid(columns @ line) - labels)) + PULL * (line - TOWARDS))


def test_sigmoid_of_huge_logits_does_not_overflow() -> None:
    np.testing.assert_array_equal(sigmoid(np.array([-1e6, 0, 1e6])), [0, 0.5, 1])


@pytest.mark.parametrize("scale", [0.1, 1, 3, 10, 100, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_the_coefficients_are_the_best_ones_however_large_the_numbers_are(seed: int, scale: float) -> None:
    columns, labels, weights = problem(seed, scale)

    line = fit(columns, labels, weights, PULL, TOWARDS)

    np.testing.assert_allclose(slope_at(line, columns, labels, weights) / scale, 0, atol=1e-4)


def test_full_steps_would_not_have_come_to_them() -> None:
    """So that the test above holds what it is there for."""
    columns, labels, weights = problem(0, 10)
    line = TOWARDS.copy()
    for _ in range(100):
        chances = sigmoid(columns @ line)
        bend = columns.T @ (columns * (weights * chances * (1 - chances))[:, np.newaxis]) + np.diag(PULL)
        line = line - np.clip(np.linalg.solve(bend, slope_at(line, columns, labels, weights)), -2, 2)

    assert np.abs(slope_at(line, columns, labels, weights)).max() > 1


def test_coefficients_are_pulled_to_where_they_are_told() -> None:
    columns, labels, weights = problem(1, 1)

    line = fit(columns, labels, weights, np.array([1e9, 1e9]), np.array([0.3, -2.0]))

    np.testing.assert_allclose(line, [0.3, -2.0], atol=1e-5)


def test_a_picture_that_weighs_nothing_does_not_count() -> None:
    columns, labels, weights = problem(2, 1)
    kept = np.arange(len(labels)) % 2 == 0

    line = fit(columns, labels, weights * kept, PULL, TOWARDS)

    np.testing.assert_allclose(line, fit(columns[kept], labels[kept], weights[kept], PULL, TOWARDS), atol=1e-8)


def test_classes_that_are_apart_do_not_give_endless_coefficients() -> None:
    columns = np.array([[-2.0, 1], [-1, 1], [1, 1], [2, 1]])

    line = fit(columns, np.array([0, 0, 1, 1]), np.ones(4), PULL, TOWARDS)

    assert 1 < line[0] < 5
