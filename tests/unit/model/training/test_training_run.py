"""A training run of a small network; its trainings are real ones of a step or two."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.unit.model.lesion_training import TINY, make_data, small_network
from thyroid_model.data import breast, bus_bra, ddti
from thyroid_model.data.findings import DataError
from thyroid_model.training.cross_validation import network_file
from thyroid_model.training.training_data import TrainingData, prepare
from thyroid_model.training.training_run import TrainingRun, maps_file, most_frequent, pretrained_file

RECIPE = replace(TINY, batch=2)


@pytest.fixture(scope="module")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    data = make_data(tmp_path_factory.mktemp("sets"))
    return prepare(ddti.read(data), [*bus_bra.read(data), *breast.read(data)], RECIPE)


@pytest.fixture
def run(training_data: TrainingData, tmp_path: Path) -> TrainingRun:
    return TrainingRun(training_data, RECIPE, tmp_path, small_network)


def all_frames(run: TrainingRun) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(len(run.data.labels), np.bool_)


def test_a_training_from_scratch_starts_from_the_weights_of_its_own_seed(run: TrainingRun) -> None:
    """GIVEN a step that is too small to move anything."""
    still = TrainingRun(run.data, replace(RECIPE, scratch_rate=1e-30), run.work, small_network)
    after = []
    for seed in (1, 2, 1):
        still.train(None, all_frames(still), seed, "from scratch", None, (1,))
        after.append(still.network.training.get_weights()[0])

    np.testing.assert_array_equal(after[0], after[2])
    assert not np.array_equal(after[0], after[1])


def test_a_training_begins_with_the_kept_weights_and_moves_them(run: TrainingRun) -> None:
    run.pretrain(0)
    start = pretrained_file(run.work, 0)
    kept = run.network.training.get_weights()
    run.network.training.set_weights(small_network().training.get_weights())

    logits = run.train(start, all_frames(run), 7, "one", None, (1,))
    moved = run.network.training.get_weights()
    again = run.train(start, all_frames(run), 7, "again", None, (1,))

    change = np.abs(moved[0] - kept[0]).max()
    assert 0 < change < 0.05
    assert logits.shape == (1, len(run.data.labels))
    np.testing.assert_allclose(again, logits, atol=1e-4)


def test_what_is_measured_of_a_fold_does_not_depend_on_what_was_done_before(
    run: TrainingRun, training_data: TrainingData
) -> None:
    """GIVEN a run that trained everything, and one that was set up for the maps THEN their maps are the same."""
    run.pretrain(0)
    for pair in ((0, 1), (0, 2), (1, 2)):
        run.train_pair(0, pair)
    for fold in range(3):
        run.train_fold(0, fold)
    run.measure_maps(0, 0)
    run.measure_maps(0, 1)
    file = maps_file(run.work, 0, 1)
    before = json.loads(file.read_text())
    file.unlink()

    TrainingRun(training_data, RECIPE, run.work, small_network).measure_maps(0, 1)

    after = json.loads(file.read_text())
    assert {row["fold"] for row in after} == {1}
    for one, two in zip(before, after, strict=True):
        assert (one["frame"], one["name"], one["hit"]) == (two["frame"], two["name"], two["hit"])
        assert one["energy"] == pytest.approx(two["energy"], abs=1e-5)
        assert one["deletion"] == pytest.approx(two["deletion"], abs=1e-5)


def test_the_network_that_scored_a_fold_is_kept(run: TrainingRun) -> None:
    run.pretrain(0)
    for pair in ((0, 1), (0, 2), (1, 2)):
        run.train_pair(0, pair)
    run.train_fold(0, 2)

    kept = keras.models.load_model(network_file(run.work, 0, 2), compile=False)

    for one, two in zip(kept.get_weights(), run.network.score.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("chosen", "taken"), [((10, 20, 20), 20), ((20, 10), 10), ((15, 20, 15, 20), 15)])
def test_the_bundled_network_is_taken_after_as_many_epochs_as_most_folds_were(
    chosen: tuple[int, ...], taken: int
) -> None:
    assert most_frequent(chosen) == taken


def test_too_few_outlines_are_said_before_anything_is_trained(tmp_path: Path) -> None:
    data = make_data(tmp_path)
    frames = [replace(frame, outlines=()) for frame in ddti.read(data)]

    with pytest.raises(DataError, match="0 of its frames have an outline that can be read, too few"):
        prepare(frames, [*bus_bra.read(data), *breast.read(data)], RECIPE)
