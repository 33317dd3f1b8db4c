"""The nesting, with a fake `train` whose result tells which frames it was trained on."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.metrics import threshold_for
from thyroid_model.training import calibration
from thyroid_model.training.cross_validation import (
    SPECIFICITIES,
    AddedLogits,
    Logits,
    OutOfFold,
    Round,
    Selection,
    calibrate_across_folds,
    load_or_compute,
    network_file,
    pairs,
)

FOLDS = np.arange(60) % 3
STOPS = (2, 5)
LABELS = ((np.arange(60) // 3) % 4 > 0).astype(np.int64)


class Trainings:
    """Stands for a training: its logits are drawn by its seed, a little higher for suspicious frames.

    They part the classes best after ``best`` epochs.
    """

    def __init__(self, stop_at: int | None = None, best: int = STOPS[-1]) -> None:
        self.calls: list[tuple[Selection, int, str, Path | None]] = []
        self.stops: list[tuple[int, ...]] = []
        self.stop_at, self.best = stop_at, best

    def __call__(self, chosen: Selection, seed: int, title: str, keep: Path | None, stops: Sequence[int]) -> Logits:
        if len(self.calls) == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append((chosen.copy(), seed, title, keep))
        self.stops.append(tuple(stops))
        if keep is not None:
            keep.write_text(title)
        return np.stack([logits_of(seed, 1.0 if stop == self.best else 0.5) for stop in stops])

    def without(self, *folds: int) -> int:
        """Return the seed of the training that saw all but these folds."""
        (seed,) = [seed for chosen, seed, _, _ in self.calls if np.array_equal(chosen, ~np.isin(FOLDS, folds))]
        return seed


def logits_of(seed: int, share: float = 1.0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 2, 60) + share * LABELS


def cross_validate(
    labels: npt.NDArray[np.int64], seed: int, train: Trainings, work: Path, *add: AddedLogits
) -> OutOfFold:
    """Do what is not done of a whole round, in its order, and put it together."""
    one = Round(labels, FOLDS, seed, work, STOPS, *add)
    for pair in pairs(one.fold_numbers):
        one.train_pair(pair, train)
    for fold in one.fold_numbers:
        one.train_fold(fold, train)
    return one.result()


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


@pytest.fixture
def trainings() -> Trainings:
    return Trainings()


@pytest.fixture
def done(trainings: Trainings, tmp_path: Path) -> OutOfFold:
    return cross_validate(LABELS, 2, trainings, tmp_path)


def test_a_network_is_trained_without_each_fold_and_without_each_pair(done: OutOfFold, trainings: Trainings) -> None:
    left_out = [tuple(np.unique(FOLDS[~chosen]).tolist()) for chosen, _, _, _ in trainings.calls]

    assert sorted(left_out) == sorted([(0,), (1,), (2,), *combinations(range(3), 2)])
    for chosen, _, _, _ in trainings.calls:
        assert not set(FOLDS[chosen]) & set(FOLDS[~chosen]), "a fold is left out whole"


def test_every_training_of_the_rounds_has_a_seed_of_its_own(trainings: Trainings, tmp_path: Path) -> None:
    for seed in range(3):
        cross_validate(LABELS, seed, trainings, tmp_path)

    seeds = [seed for _, seed, _, _ in trainings.calls]
    assert len(set(seeds)) == len(seeds) == 3 * 6


@pytest.mark.parametrize("fold", range(3))
def test_a_frame_is_scored_by_the_network_that_did_not_see_its_fold(
    done: OutOfFold, trainings: Trainings, fold: int
) -> None:
    out = fold == FOLDS

    np.testing.assert_array_equal(done.logits[out], logits_of(trainings.without(fold))[out])
    np.testing.assert_array_equal(done.folds, FOLDS)


@pytest.mark.parametrize("fold", range(3))
def test_calibration_and_thresholds_come_from_networks_that_saw_neither_the_fold_nor_what_they_are_fitted_on(
    done: OutOfFold, trainings: Trainings, fold: int
) -> None:
    """Worked out again: of each other fold, the scores of the network without the two."""
    out = fold == FOLDS
    inner = np.full(60, np.nan)
    for other in {0, 1, 2} - {fold}:
        inner[other == FOLDS] = logits_of(trainings.without(fold, other))[other == FOLDS]
    platt = calibration.fit(inner[~out], LABELS[~out])

    np.testing.assert_allclose(done.scores[out], platt(done.logits[out]))
    assert set(done.thresholds) == set(SPECIFICITIES)
    for specificity, thresholds in done.thresholds.items():
        expected = threshold_for(specificity, LABELS[~out], platt(inner[~out]))
        np.testing.assert_allclose(thresholds[out], expected)


def test_the_labels_of_a_fold_do_not_touch_its_scores(done: OutOfFold, trainings: Trainings, tmp_path: Path) -> None:
    """GIVEN a fold whose labels are exchanged THEN its own scores and thresholds stay as they were."""
    exchanged = np.where(FOLDS == 1, 1 - LABELS, LABELS)

    again = cross_validate(exchanged, 2, trainings, tmp_path)

    one = FOLDS == 1
    np.testing.assert_array_equal(again.scores[one], done.scores[one])
    assert not np.array_equal(again.scores[~one], done.scores[~one])
    for specificity in SPECIFICITIES:
        np.testing.assert_array_equal(again.thresholds[specificity][one], done.thresholds[specificity][one])


def test_a_folds_calibration_can_be_had_without_the_rest(done: OutOfFold, tmp_path: Path) -> None:
    one = Round(LABELS, FOLDS, 2, tmp_path, STOPS)

    assert tuple(one.fit_calibration(fold) for fold in range(3)) == done.calibrations


def test_a_fold_is_not_trained_before_the_trainings_that_choose_for_how_long(
    trainings: Trainings, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        Round(LABELS, FOLDS, 2, tmp_path, STOPS).train_fold(0, trainings)

    assert trainings.calls == []


def test_every_frame_has_a_score(done: OutOfFold) -> None:
    assert np.isfinite(done.logits).all()
    assert ((done.scores > 0) & (done.scores < 1)).all()
    assert all(np.isfinite(thresholds).all() for thresholds in done.thresholds.values())


def test_the_networks_that_score_are_kept_and_those_of_pairs_are_not(
    done: OutOfFold, trainings: Trainings, tmp_path: Path
) -> None:
    kept_at = {keep: np.unique(FOLDS[~chosen]).tolist() for chosen, _, _, keep in trainings.calls if keep is not None}

    assert kept_at == {network_file(tmp_path, 2, fold): [fold] for fold in range(3)}


def test_a_finished_round_is_not_trained_again(done: OutOfFold, trainings: Trainings, tmp_path: Path) -> None:
    again = cross_validate(LABELS, 2, trainings, tmp_path)

    assert len(trainings.calls) == 6
    np.testing.assert_array_equal(again.scores, done.scores)


@pytest.mark.parametrize("stop_at", range(6))
def test_an_interrupted_round_goes_on_where_it_stopped(done: OutOfFold, tmp_path: Path, stop_at: int) -> None:
    work = tmp_path / "other"
    work.mkdir()
    first, second = Trainings(stop_at), Trainings()
    with pytest.raises(KeyboardInterrupt):
        cross_validate(LABELS, 2, first, work)

    resumed = cross_validate(LABELS, 2, second, work)

    assert len(first.calls) + len(second.calls) == 6
    np.testing.assert_array_equal(resumed.scores, done.scores)


def test_another_round_takes_nothing_over(done: OutOfFold, trainings: Trainings, tmp_path: Path) -> None:
    other = cross_validate(LABELS, 3, trainings, tmp_path)

    assert len(trainings.calls) == 12
    assert not np.array_equal(other.logits, done.logits)


def test_what_is_kept_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> Logits:
        made.append(1)
        return np.array([0.1, 0.2])

    for _ in range(2):
        np.testing.assert_array_equal(load_or_compute(tmp_path / "logits.npy", make), [0.1, 0.2])
    assert len(made) == 1


def test_a_file_that_was_only_half_written_is_not_taken_for_a_finished_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, values: Logits) -> None:
        path.write_bytes(b"half of it")
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", broken)
        with pytest.raises(OSError, match="full"):
            load_or_compute(tmp_path / "logits.npy", lambda: np.zeros(2))

    np.testing.assert_array_equal(load_or_compute(tmp_path / "logits.npy", lambda: np.ones(2)), [1, 1])


def test_what_is_added_is_fitted_on_the_frames_that_each_network_saw(trainings: Trainings, tmp_path: Path) -> None:
    asked: list[Selection] = []

    def add(chosen: Selection) -> Logits:
        asked.append(chosen.copy())
        return np.full(len(chosen), 10.0)

    plain = cross_validate(LABELS, 2, trainings, tmp_path)
    added = cross_validate(LABELS, 2, trainings, tmp_path, add)

    assert {chosen.tobytes() for chosen in asked} == {chosen.tobytes() for chosen, *_ in trainings.calls}
    np.testing.assert_allclose(added.logits, plain.logits + 10)
    assert [platt.slope for platt in added.calibrations] == pytest.approx([p.slope for p in plain.calibrations])
    np.testing.assert_allclose(added.scores, plain.scores, atol=1e-6)


def test_what_stands_beside_is_calibrated_for_each_fold_by_the_others() -> None:
    logits = logits_of(7)

    said = calibrate_across_folds(LABELS, FOLDS, logits)

    for fold in range(3):
        out = fold == FOLDS
        np.testing.assert_array_equal(said.scores[out], calibration.fit(logits[~out], LABELS[~out])(logits[out]))
    np.testing.assert_array_equal(said.logits, logits)
    assert np.isnan(said.thresholds[0.8]).all()


def test_what_was_added_is_told_apart(trainings: Trainings, tmp_path: Path) -> None:
    alone = cross_validate(LABELS, 2, trainings, tmp_path)
    both = cross_validate(LABELS, 2, trainings, tmp_path, lambda chosen: np.full(60, float(chosen.sum())))

    np.testing.assert_array_equal(alone.added, 0)
    np.testing.assert_array_equal(both.added, 40)
    np.testing.assert_allclose(both.logits - both.added, alone.logits)


@pytest.mark.parametrize("best", STOPS)
def test_a_folds_network_is_taken_after_as_many_epochs_as_were_best_on_the_others(tmp_path: Path, best: int) -> None:
    trainings = Trainings(best=best)

    done = cross_validate(LABELS, 2, trainings, tmp_path)

    assert done.epochs == (best,) * 3
    assert trainings.stops == [STOPS] * 3 + [(best,)] * 3, (
        "pairs of folds look at all, a fold's own training ends there"
    )


def test_the_labels_of_a_fold_do_not_choose_its_epochs(trainings: Trainings, tmp_path: Path) -> None:
    """GIVEN reversed labels in fold 0 THEN its own choice stays, whatever becomes of the others."""
    other = np.where(FOLDS == 0, 1 - LABELS, LABELS)

    one = cross_validate(LABELS, 2, trainings, folder(tmp_path, "one"))
    two = cross_validate(other, 2, trainings, folder(tmp_path, "two"))

    assert one.epochs[0] == two.epochs[0]
