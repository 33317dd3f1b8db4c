import keras
import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.logistic import sigmoid
from thyroid_model.metrics import prevalence_weights
from thyroid_model.training import calibration
from thyroid_model.training.calibration import Platt, logit, shift

Values = npt.NDArray[np.float64]


def drawn(slope: float, intercept: float, count: int = 20_000) -> tuple[Values, npt.NDArray[np.int64]]:
    """Logits of any size, and labels that are drawn with the probability of ``slope · logit + intercept``."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, count)
    return logits, (rng.random(count) < sigmoid(slope * logits + intercept)).astype(np.int64)


def test_sigmoid_and_logit_undo_each_other() -> None:
    scores = np.array([0.001, 0.25, 0.5, 0.9])

    np.testing.assert_allclose(logit(scores), np.log(scores / (1 - scores)))
    np.testing.assert_allclose(sigmoid(logit(scores)), scores)


def test_logits_of_scores_that_are_sure_are_finite() -> None:
    low, high = logit(np.array([0.0, 1.0]))

    assert low == pytest.approx(-high)
    assert 16 < high < 17


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -0.5), (2.0, 1.0)])
def test_the_slope_and_intercept_that_drew_the_labels_are_found(slope: float, intercept: float) -> None:
    logits, labels = drawn(slope, intercept)

    platt = calibration.fit(logits, labels, prevalence=float(labels.mean()))

    assert platt.slope == pytest.approx(slope, abs=0.1)
    assert platt.intercept == pytest.approx(intercept, abs=0.1)


@pytest.mark.parametrize("prevalence", [0.1, 0.5, 0.8])
def test_probabilities_are_right_on_the_average_at_the_prevalence_that_they_are_meant_for(prevalence: float) -> None:
    """The intercept is free, so the weighted mean of what is said is the prevalence."""
    logits, labels = drawn(0.7, 1.3, 300)

    platt = calibration.fit(logits, labels, prevalence)

    assert np.average(platt(logits), weights=prevalence_weights(labels, prevalence)) == pytest.approx(prevalence)


def test_scores_are_meant_for_even_odds_unless_told_otherwise() -> None:
    logits, labels = drawn(0.7, 1.3, 300)

    assert calibration.fit(logits, labels) == calibration.fit(logits, labels, 0.5)


def test_the_fit_is_the_best_of_its_neighbours() -> None:
    """Held against the penalised likelihood itself, written anew: the slope is pulled to 1 by two halves."""
    logits, labels = drawn(0.3, 0.5, 60)
    weights = prevalence_weights(labels, 0.5)

    def cost(slope: float, intercept: float) -> float:
        said = sigmoid(slope * logits + intercept)
        likelihood = labels * np.log(said) + (1 - labels) * np.log(1 - said)
        return float((slope - 1) ** 2 - (weights * likelihood).sum())

    platt = calibration.fit(logits, labels)

    best = cost(platt.slope, platt.intercept)
    for over, beside in ((0.02, 0), (-0.02, 0), (0, 0.02), (0, -0.02)):
        assert best < cost(platt.slope + over, platt.intercept + beside)


def test_classes_that_are_apart_do_not_give_an_endless_slope() -> None:
    platt = calibration.fit(np.array([-1.0, -2.0, 1.0, 2.0]), np.array([0, 0, 1, 1]))

    assert 1 < platt.slope < 5


def test_logits_far_out_and_wrong_do_not_break_the_fit() -> None:
    logits, labels = np.array([-16.0, -15.0, 16.0, 15.0]), np.array([1, 1, 0, 0])

    platt = calibration.fit(logits, labels)

    assert np.isfinite([platt.slope, platt.intercept]).all()
    assert platt.slope < 0


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(ValueError, match="both classes"):
        calibration.fit(np.arange(3.0), np.ones(3, np.int64))


def test_a_calibration_multiplies_and_moves_the_logit() -> None:
    np.testing.assert_allclose(Platt(2.0, -1.0)(np.array([0.5, 1.0])), sigmoid(np.array([0.0, 1.0])))
    np.testing.assert_allclose(Platt()(np.array([0.3])), sigmoid(np.array([0.3])))


def test_another_prevalence_multiplies_the_odds() -> None:
    """Odds of 3 to 1 at even odds are 27 to 1 where nine of ten are suspicious."""
    assert shift(np.array([0.75]), 0.9) == pytest.approx(27 / 28)
    assert shift(np.array([0.5]), 0.8) == pytest.approx(0.8)


def test_scores_for_the_prevalence_that_they_are_meant_for_stay() -> None:
    scores = np.array([0.1, 0.5, 0.9])

    np.testing.assert_allclose(shift(scores, 0.5), scores)
    np.testing.assert_allclose(shift(shift(scores, 0.2), 0.5, meant_for=0.2), scores)


def test_a_calibrated_network_gives_the_calibrated_scores() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    network.layers[-1].set_weights([np.array([[0.5], [-1.0], [2.0], [0.1]]), np.array([0.3])])
    images = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    before = logit(np.asarray(network(images), np.float64)[:, 0])

    calibration.merge_into(network, Platt(0.6, -0.8))

    np.testing.assert_allclose(np.asarray(network(images))[:, 0], sigmoid(0.6 * before - 0.8), atol=1e-6)
