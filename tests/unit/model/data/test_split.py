import numpy as np
import pytest

from thyroid_model.data.split import folds_by_case


@pytest.mark.parametrize("seed", range(20))
def test_no_case_is_ever_on_both_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label_of = {case: int(case % 6 > 0) for case in range(100)}
    cases = rng.integers(0, 100, 150).tolist()

    fold_of = folds_by_case(cases, [label_of[case] for case in cases], seed=seed)

    for fold in range(5):
        inside = {case for case, other in zip(cases, fold_of, strict=True) if other == fold}
        outside = {case for case, other in zip(cases, fold_of, strict=True) if other != fold}
        assert inside
        assert not inside & outside


def test_each_fold_has_its_share_of_each_class() -> None:
    cases = list(range(60))
    labels = [int(case >= 10) for case in cases]

    fold_of = folds_by_case(cases, labels)

    for fold in range(5):
        assert sum(1 - label for label, other in zip(labels, fold_of, strict=True) if other == fold) == 2
        assert sum(label for label, other in zip(labels, fold_of, strict=True) if other == fold) == 10


def test_the_split_is_the_seeds_and_not_the_orders() -> None:
    cases, labels = list(range(40)), [case % 2 for case in range(40)]
    forwards = folds_by_case(cases, labels, seed=1)

    np.testing.assert_array_equal(forwards, folds_by_case(cases, labels, seed=1))
    np.testing.assert_array_equal(forwards[::-1], folds_by_case(cases[::-1], labels[::-1], seed=1))
    assert not np.array_equal(forwards, folds_by_case(cases, labels, seed=2))


def test_a_case_with_one_positive_frame_is_positive() -> None:
    """GIVEN five positive cases by that rule THEN each fold gets one."""
    cases = [case for case in range(10) for _ in range(2)]
    labels = [int(case < 5 and view == 1) for case in range(10) for view in range(2)]

    fold_of = folds_by_case(cases, labels)

    assert sorted({int(fold_of[2 * case]) for case in range(5)}) == [0, 1, 2, 3, 4]


def test_too_few_cases_of_a_class_are_refused() -> None:
    with pytest.raises(ValueError, match="Class 0 has 1 cases"):
        folds_by_case([1, 2, 3], [0, 1, 1], folds=2)
