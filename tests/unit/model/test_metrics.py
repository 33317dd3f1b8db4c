import numpy as np
import pytest

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
    threshold_for,
)


def test_auc_counts_the_pairs_in_the_right_order() -> None:
    """Positives .8 and .4, negatives .6 and .2: three of four pairs are right."""
    assert auc(np.array([1, 1, 0, 0]), np.array([0.8, 0.4, 0.6, 0.2])) == 0.75


def test_auc_counts_a_tie_as_half() -> None:
    """Of six pairs, .5 is above .1 twice and .5 = .5 four times: (2 + 4 / 2) / 6."""
    assert auc(np.array([1, 1, 0, 0, 0]), np.array([0.5, 0.5, 0.5, 0.5, 0.1])) == pytest.approx(4 / 6)


def test_auc_of_all_right_all_wrong_and_no_idea() -> None:
    labels = np.array([1, 1, 0, 0])

    assert auc(labels, np.array([4, 3, 2, 1])) == 1
    assert auc(labels, np.array([1, 2, 3, 4])) == 0
    assert auc(labels, np.zeros(4)) == 0.5


def test_auc_equals_the_sum_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 30, 200) / 30
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels == 1] for n in scores[labels == 0]]

    assert auc(labels, scores) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_auc_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(np.ones(3), np.arange(3))


def test_sensitivity_at_a_specificity() -> None:
    """Ten negatives at 0 … 9: 90 % stay at or under 8, and two of four positives are above it."""
    labels = np.array([0] * 10 + [1] * 4)
    scores = np.array([*range(10), 3.0, 8.0, 8.5, 20.0])

    assert sensitivity_at(0.90, labels, scores) == 0.5
    assert sensitivity_at(1.00, labels, scores) == 0.25


@pytest.mark.parametrize(("specificity", "threshold"), [(1.0, 9), (0.9, 8), (0.85, 8), (0.5, 4), (0.0, 0)])
def test_a_threshold_is_the_lowest_score_of_a_negative_that_keeps_the_specificity(
    specificity: float, threshold: float
) -> None:
    """Ten negatives at 0 … 9, in any order; what the positives score does not matter."""
    labels = np.array([0] * 10 + [1] * 3)
    scores = np.array([3, 9, 1, 0, 2, 8, 7, 5, 6, 4, 0.5, 8.5, 100])

    assert threshold_for(specificity, labels, scores) == threshold


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("specificity", [0.8, 0.9])
def test_no_lower_threshold_keeps_the_specificity(seed: int, specificity: float) -> None:
    """GIVEN many ties THEN the share of negatives that are not above it is as asked for, and a lower one's is not."""
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 80), rng.integers(0, 12, 80) / 12
    negative = scores[labels == 0]

    threshold = threshold_for(specificity, labels, scores)

    assert np.mean(negative <= threshold) >= specificity
    assert np.mean(negative < threshold) < specificity


def test_weights_make_the_prevalence_what_it_should_be() -> None:
    """Three of four are positive; for even odds each counts .5 / .75, and the negative one .5 / .25."""
    labels = np.array([1, 1, 0, 1])

    weights = prevalence_weights(labels, 0.5)

    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2, 2 / 3])
    assert weights.mean() == pytest.approx(1)
    assert np.average(labels, weights=prevalence_weights(labels, 0.1)) == pytest.approx(0.1)


def test_weights_for_a_sets_own_prevalence_are_one() -> None:
    np.testing.assert_allclose(prevalence_weights(np.array([1, 0, 0, 0, 0]), 0.2), 1)


@pytest.mark.parametrize("label", [0, 1])
def test_weights_of_one_class_are_refused(label: int) -> None:
    with pytest.raises(ValueError, match="both classes"):
        prevalence_weights(np.full(4, label), 0.5)


def test_brier_is_the_mean_squared_error() -> None:
    assert brier(np.array([1, 0]), np.array([0.8, 0.4])) == pytest.approx((0.04 + 0.16) / 2)


def test_brier_counts_an_image_as_its_weight_says() -> None:
    """Errors of .04 and .16, the second counted three times."""
    weighted = brier(np.array([1, 0]), np.array([0.8, 0.4]), np.array([1.0, 3.0]))

    assert weighted == pytest.approx((0.04 + 3 * 0.16) / 4)


def test_brier_skill_is_one_if_all_is_right_and_none_at_the_base_rate() -> None:
    labels = np.array([1, 1, 1, 0])

    assert brier_skill(labels, labels) == 1
    assert brier_skill(labels, np.full(4, 0.75)) == pytest.approx(0)
    assert brier_skill(labels, 1 - labels) < 0


def test_brier_skill_is_the_share_of_the_base_rates_error_that_is_gone() -> None:
    """Errors of .04 and .16 (mean .1) against .25 of an even base rate."""
    assert brier_skill(np.array([1, 0]), np.array([0.8, 0.4])) == pytest.approx(1 - 0.1 / 0.25)


def test_with_weights_the_base_rate_is_the_weights() -> None:
    """GIVEN four of five positive, counted as even odds THEN .5 has no skill, and the set's own .8 less than none."""
    labels = np.array([1, 1, 1, 1, 0])
    weights = prevalence_weights(labels, 0.5)

    assert brier_skill(labels, np.full(5, 0.5), weights) == pytest.approx(0)
    assert brier_skill(labels, np.full(5, 0.8), weights) == pytest.approx(1 - (0.5 * 0.04 + 0.5 * 0.64) / 0.25)


def test_a_reliability_diagram_has_what_each_bin_says_finds_and_weighs() -> None:
    """Of four bins the second is empty; 1.0 belongs to the last."""
    labels, scores = np.array([0, 1, 0, 1, 1]), np.array([0.0, 0.2, 0.6, 0.8, 1.0])

    np.testing.assert_allclose(
        reliability(labels, scores, bins=4), [(0.1, 0.5, 0.4), (0.6, 0.0, 0.2), (0.9, 1.0, 0.4)], atol=1e-12
    )


def test_a_bin_begins_with_its_lower_bound() -> None:
    (first, second) = reliability(np.array([0, 1]), np.array([0.49, 0.5]), bins=2)

    assert (first, second) == ((0.49, 0.0, 0.5), (0.5, 1.0, 0.5))


def test_a_reliability_diagram_counts_images_as_their_weights_say() -> None:
    labels, scores, weights = np.array([0, 1, 1]), np.array([0.2, 0.4, 0.9]), np.array([3.0, 1.0, 4.0])

    np.testing.assert_allclose(
        reliability(labels, scores, weights, bins=2), [(0.25, 0.25, 0.5), (0.9, 1.0, 0.5)], atol=1e-12
    )


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_weights_of_a_reliability_diagrams_bins_sum_to_one(bins: int) -> None:
    rng = np.random.default_rng(bins)

    diagram = reliability(rng.integers(0, 2, 50), rng.random(50), rng.random(50) + 0.1, bins)

    assert sum(weight for _, _, weight in diagram) == pytest.approx(1)


def test_ece_weighs_each_bins_gap_with_its_share() -> None:
    """Two bins: .2 and .4 with labels 0 and 1 (mean .3 against .5), .9 and 1.0 with labels 1 and 1 (.95 against 1)."""
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.2, 0.4, 0.9, 1.0])

    assert ece(labels, scores, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.05)


def test_ece_of_a_calibrated_score_is_zero() -> None:
    assert ece(np.array([1, 0, 0, 0]), np.full(4, 0.25)) == 0


def test_ece_counts_images_as_their_weights_say() -> None:
    """GIVEN .5 said of all and four of five positive THEN the gap is .3, and none at even odds."""
    labels, scores = np.array([1, 1, 1, 1, 0]), np.full(5, 0.5)

    assert ece(labels, scores) == pytest.approx(0.3)
    assert ece(labels, scores, prevalence_weights(labels, 0.5)) == pytest.approx(0)


def test_roc_has_a_step_for_each_score() -> None:
    """From above, .9 (positive), .5 (one of each), .1 (negative)."""
    false, true = roc(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1]))

    np.testing.assert_array_equal(false, [0, 0, 0.5, 1])
    np.testing.assert_array_equal(true, [0, 0.5, 1, 1])


def test_the_area_under_the_roc_curve_is_the_auc() -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.integers(0, 2, 100), rng.integers(0, 20, 100) / 20

    false, true = roc(labels, scores)

    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2) == pytest.approx(auc(labels, scores))


def test_the_interval_holds_the_figure_and_is_the_seeds() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 120)
    scores = labels + rng.normal(0, 1, 120)
    cases = np.arange(120)

    low, high = interval_by_case(auc, labels, scores, cases, draws=300)

    assert low < auc(labels, scores) < high
    assert (low, high) == interval_by_case(auc, labels, scores, cases, draws=300)


def test_frames_of_one_case_do_not_make_the_interval_narrower() -> None:
    """GIVEN each case four times over THEN nothing has been learnt, and the interval stays as wide."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 60)
    scores = labels + rng.normal(0, 1, 60)
    cases = np.arange(60)
    once = interval_by_case(auc, labels, scores, cases, draws=300)

    four_times = interval_by_case(auc, np.repeat(labels, 4), np.repeat(scores, 4), np.repeat(cases, 4), draws=300)

    assert four_times == pytest.approx(once, abs=1e-12)


def test_a_draw_without_both_classes_is_drawn_again() -> None:
    low, high = interval_by_case(auc, np.array([0, 1]), np.array([0.1, 0.9]), np.array([1, 2]), draws=20)

    assert (low, high) == (1.0, 1.0)
