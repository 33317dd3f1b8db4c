import numpy as np
import pytest

from thyroid_model.metrics import auc, brier, ece, interval_by_case, sensitivity_at


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


def test_brier_is_the_mean_squared_error() -> None:
    assert brier(np.array([1, 0]), np.array([0.8, 0.4])) == pytest.approx((0.04 + 0.16) / 2)


def test_ece_weighs_each_bins_gap_with_its_share() -> None:
    """Two bins: .2 and .4 with labels 0 and 1 (mean .3 against .5), .9 and 1.0 with labels 1 and 1 (.95 against 1)."""
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.2, 0.4, 0.9, 1.0])

    assert ece(labels, scores, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.05)


def test_ece_of_a_calibrated_score_is_zero() -> None:
    assert ece(np.array([1, 0, 0, 0]), np.full(4, 0.25)) == 0


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
