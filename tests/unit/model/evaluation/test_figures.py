import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.evaluation import figures
from thyroid_model.metrics import auc, ece, prevalence_weights, sensitivity_at
from thyroid_model.training.calibration import shift

Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def labels() -> Labels:
    """Four of five suspicious."""
    return (np.arange(100) % 5 > 0).astype(np.int64)


@pytest.fixture(scope="module")
def scores(labels: Labels) -> Scores:
    """Two seeds."""
    return np.clip(0.3 + 0.2 * labels + np.random.default_rng(0).normal(0, 0.2, (2, 100)), 0.01, 0.99)


def test_discrimination_is_a_mean_over_seeds() -> None:
    """The first seed is always right, the second in three of four pairs."""
    labels, cases = np.array([1, 1, 0, 0]), np.arange(4)
    scores = np.array([[0.9, 0.8, 0.2, 0.1], [0.9, 0.3, 0.4, 0.1]])

    said = figures.discrimination(labels, cases, scores)

    assert said["auc"] == 0.875
    assert said["sensitivity_at_specificity_0.90"] == 0.75
    assert set(said) == {
        "auc",
        "auc_95_interval",
        "sensitivity_at_specificity_0.80",
        "sensitivity_at_specificity_0.90",
    }


def test_sensitivities_are_those_of_the_roc_curve(labels: Labels, scores: Scores) -> None:
    said = figures.discrimination(labels, np.arange(100), scores)

    for specificity in (0.80, 0.90):
        expected = np.mean([sensitivity_at(specificity, labels, one) for one in scores])
        assert said[f"sensitivity_at_specificity_{specificity:.2f}"] == pytest.approx(expected, abs=1e-4)


def test_the_interval_is_of_the_mean_and_by_case(labels: Labels, scores: Scores) -> None:
    """GIVEN each frame twice, as one case THEN the interval is the same; as cases of their own, it is narrower."""
    low, high = figures.discrimination(labels, np.arange(100), scores)["auc_95_interval"]
    twice, twice_labels = np.repeat(scores, 2, axis=1), np.repeat(labels, 2)

    as_one = figures.discrimination(twice_labels, np.repeat(np.arange(100), 2), twice)
    as_two = figures.discrimination(twice_labels, np.arange(200), twice)

    assert low < as_one["auc"] < high
    assert as_one["auc_95_interval"] == [low, high]
    assert np.diff(as_two["auc_95_interval"])[0] < high - low


def test_one_seeds_auc_is_its_own(labels: Labels, scores: Scores) -> None:
    assert figures.discrimination_of_one(labels, scores[1]) == round(auc(labels, scores[1]), 4)


def test_an_operating_point_holds_each_frame_against_its_own_threshold() -> None:
    """Seed 1 finds one of two and leaves one of two; seed 2 finds both and leaves both."""
    labels = np.array([1, 1, 0, 0])
    scores = np.array([[0.9, 0.4, 0.6, 0.1], [0.9, 0.4, 0.6, 0.1]])
    thresholds = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.3, 0.7, 0.7]])

    assert figures.operating_point(labels, scores > thresholds) == {"sensitivity": 0.75, "specificity": 0.75}


def test_calibration_is_told_at_even_odds_and_at_the_sets_own(labels: Labels, scores: Scores) -> None:
    said = figures.calibrated(labels, scores)

    meant, there = said["meant_for"], said["at_the_sets_prevalence"]
    weights = prevalence_weights(labels, 0.5)
    assert (meant["prevalence"], there["prevalence"]) == (0.5, 0.8)
    assert meant["ece15"] == pytest.approx(np.mean([ece(labels, one, weights) for one in scores]), abs=1e-4)
    assert there["ece15"] == pytest.approx(np.mean([ece(labels, one) for one in shift(scores, 0.8)]), abs=1e-4)
    for place in (meant, there):
        assert set(place) == {"prevalence", "ece15", "brier", "brier_skill", "ece15_by_chance_alone"}


def test_a_base_rate_has_no_skill_and_no_error_at_either_prevalence(labels: Labels) -> None:
    """.5 said of all is .8 where four of five are suspicious."""
    said = figures.calibrated(labels, np.full((1, 100), 0.5))

    for place, brier in (("meant_for", 0.25), ("at_the_sets_prevalence", 0.16)):
        assert said[place]["brier"] == pytest.approx(brier)
        assert said[place]["brier_skill"] == pytest.approx(0, abs=1e-4)
        assert said[place]["ece15"] == pytest.approx(0, abs=1e-4)


def test_chance_alone_gives_scores_that_are_right_an_error_too() -> None:
    """Of many frames a small one, of few a large one; scores that are right are not far from it."""
    rng = np.random.default_rng(1)

    def said(count: int) -> dict[str, float]:
        right = rng.random(count)
        labels = (rng.random(count) < right).astype(np.int64)
        meant: dict[str, float] = figures.calibrated(labels, right[np.newaxis])["meant_for"]
        return meant

    few, many = said(80), said(4000)

    assert few["ece15_by_chance_alone"] > 4 * many["ece15_by_chance_alone"] > 0
    assert many["ece15"] == pytest.approx(many["ece15_by_chance_alone"], abs=0.02)


def test_bands_count_each_labels_frames_the_highest_band_first() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0])
    scores = np.array([[0.75, 0.74, 0.5, 0.25, 0.2, 1.0]])

    assert figures.bands(labels, scores) == {
        "high": {"suspicious": 1, "not_suspicious": 1},
        "moderate": {"suspicious": 2, "not_suspicious": 0},
        "borderline": {"suspicious": 0, "not_suspicious": 1},
        "low": {"suspicious": 0, "not_suspicious": 1},
    }
    assert next(iter(figures.bands(labels, scores))) == "high"


def test_bands_of_several_seeds_are_mean_counts(labels: Labels, scores: Scores) -> None:
    both = figures.bands(labels, np.array([[0.9], [0.1]]).repeat(100, axis=1))

    assert both["high"] == both["low"] == {"suspicious": 40, "not_suspicious": 10}
    counts = figures.bands(labels, scores).values()
    assert sum(band["suspicious"] for band in counts) == pytest.approx(80)
    assert sum(band["not_suspicious"] for band in counts) == pytest.approx(20)


def test_a_group_has_its_own_size_and_auc() -> None:
    labels = np.array([1, 0, 1, 0, 0])
    scores = np.array([[0.9, 0.1, 0.1, 0.9, 0.9], [0.9, 0.1, 0.9, 0.1, 0.1]])

    said = figures.group(labels, scores, np.array([False, False, True, True, True]))

    assert said == {"suspicious": 1, "not_suspicious": 2, "auc": 0.5}


def test_a_group_without_a_class_has_no_auc() -> None:
    said = figures.group(np.array([1, 1, 0]), np.array([[0.9, 0.1, 0.1]]), np.array([True, True, False]))

    assert said == {"suspicious": 2, "not_suspicious": 0, "auc": None}


def test_a_group_without_frames_has_no_auc() -> None:
    said = figures.group(np.array([1, 0]), np.array([[0.9, 0.1]]), np.zeros(2, np.bool_))

    assert said == {"suspicious": 0, "not_suspicious": 0, "auc": None}


def test_curves_are_each_seeds_own(labels: Labels, scores: Scores) -> None:
    drawn = figures.curves(labels, scores)

    assert len(drawn["roc"]) == len(drawn["reliability"]) == 2
    for (false, true), one in zip(drawn["roc"], scores, strict=True):
        area = np.sum(np.diff(false) * (np.array(true[1:]) + np.array(true[:-1])) / 2)
        assert area == pytest.approx(auc(labels, one))


def test_the_reliability_diagram_is_at_even_odds_in_the_bins_of_the_error(labels: Labels) -> None:
    """GIVEN .55 said of all, four of five suspicious THEN half are, as counted for even odds."""
    ((bin_,),) = figures.curves(labels, np.full((1, 100), 0.55))["reliability"]

    assert bin_ == pytest.approx((0.55, 0.5, 1.0))
    spread = np.linspace(0.01, 0.99, 100)[np.newaxis]
    assert len(figures.curves(labels, spread)["reliability"][0]) == 15


def test_the_auc_within_folds_is_the_mean_of_their_own() -> None:
    """GIVEN a fold that parts the classes, one that has them reversed, and one of a single class."""
    labels, scores = np.array([0, 1, 0, 1, 1]), np.array([[0.1, 0.2, 0.9, 0.8, 0.5]])
    folds = np.array([[0, 0, 1, 1, 2]])

    assert figures.auc_within_folds(labels, scores, folds) == 0.5


def test_scores_that_are_the_same_in_all_rounds_are_held_against_the_folds_of_each() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.array([[0.1, 0.2, 0.9, 0.8]])
    folds = np.array([[0, 0, 1, 1], [0, 1, 1, 0]])

    assert figures.auc_within_folds(labels, scores, folds) == pytest.approx((1 + 0 + 1 + 0) / 4)


def test_without_a_fold_of_both_classes_there_is_no_auc_within_folds() -> None:
    assert figures.auc_within_folds(np.array([0, 1]), np.array([[0.1, 0.2]]), np.array([[0, 1]])) is None
