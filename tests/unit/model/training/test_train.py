"""A whole training in miniature: a small network, a step or two for each training."""

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.unit.model.lesion_training import TINY, make_data, move_weights, small_network
from thyroid_model.data import ddti
from thyroid_model.data.examples import Examples, thyroid_examples, views
from thyroid_model.data.split import folds_by_case
from thyroid_model.networks import whole_image
from thyroid_model.networks.weights import load_model
from thyroid_model.record import MAPS_FILE, MODEL_FILE, SCORES_FILE, TRAINING_FILE, read_table, read_training
from thyroid_model.training import calibration, map_check, train
from thyroid_model.training.fit import Trainer
from thyroid_model.training.jobs import JobError
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.train import NETWORK, PRETRAINED, SCRATCH, STATISTICS

FINAL, FOLDS, PAIRS = 1, 3, 3
TRAININGS = 1 + FOLDS + PAIRS + FOLDS + FINAL  # on the breast sets; cross-validation; from scratch; the bundled one


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("sets"))


class Trainings:
    """Stands before `Trainer.fit`: keeps what each training was on, and moves the weights by its seed."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, Examples]] = []
        self.stop_at: int | None = None

    def fit(
        self,
        trainer: Any,
        examples: Examples,
        seed: int,
        title: str,
        stops: Sequence[int] = (),
        at_stop: Callable[[], Any] = lambda: None,
    ) -> list[Any]:
        if len(self.done) == self.stop_at:
            raise KeyboardInterrupt
        self.done.append((title, seed, examples))
        move_weights(trainer._network, seed, 0.02)
        return [at_stop() for _ in stops]

    def titled(self, title: str) -> Examples:
        (found,) = [examples for other, _, examples in self.done if other == title]
        return found


def run(data: Path, work: Path, output: Path, recipe: Recipe = TINY, processes: int = 1) -> None:
    train.train(data, work, output, recipe, processes, small_network)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    trainings = Trainings()
    monkeypatch.setattr(Trainer, "fit", lambda self, *args: trainings.fit(self, *args))
    return trainings


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Trainings]:
    """Work folder, output folder and trainings of one run; no test may write to them."""
    trainings = Trainings()
    work, output = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("output")
    with pytest.MonkeyPatch.context() as own:
        own.setattr(Trainer, "fit", lambda self, *args: trainings.fit(self, *args))
        run(data, work, output)
    return work, output, trainings


def folds_of(data: Path) -> tuple[list[ddti.Frame], npt.NDArray[np.int64]]:
    frames = ddti.read(data)
    return frames, folds_by_case([f.case for f in frames], [f.label for f in frames], TINY.folds, 0)


def trained_on(examples: Examples, data: Path) -> set[str]:
    """Name the frames of DDTI whose very images are among the examples."""
    frames, _ = folds_of(data)
    seen = thyroid_examples(views(frames, TINY.input_size), np.zeros(len(frames), np.float32))
    inside = {image.tobytes() for image in examples.images}
    names = {f.path.name for f, image in zip(frames, seen.images, strict=True) if image.tobytes() in inside}
    assert len(names) == len(examples)
    return names


def test_each_fold_is_left_out_of_the_trainings_that_score_it(
    data: Path, finished: tuple[Path, Path, Trainings]
) -> None:
    frames, folds = folds_of(data)
    _, _, trainings = finished

    for fold in range(FOLDS):
        outside = {f.path.name for f, of in zip(frames, folds, strict=True) if of != fold}
        for title in (f"seed 0, without fold {fold}", f"seed 0, scratch, without fold {fold}"):
            assert trained_on(trainings.titled(title), data) == outside


def test_the_trainings_that_calibrate_a_fold_hold_neither_it_nor_what_they_score(
    data: Path, finished: tuple[Path, Path, Trainings]
) -> None:
    frames, folds = folds_of(data)
    _, _, trainings = finished

    for pair in ((0, 1), (0, 2), (1, 2)):
        outside = {f.path.name for f, of in zip(frames, folds, strict=True) if of not in pair}
        assert trained_on(trainings.titled(f"seed 0, without {pair}"), data) == outside


def test_no_case_is_on_both_sides(data: Path, finished: tuple[Path, Path, Trainings]) -> None:
    """Case 12 has two views."""
    for title, _, examples in finished[2].done:
        if "without" in title:
            cases = {name.split("_")[0] for name in trained_on(examples, data)}
            both = {"12_1.jpg", "12_2.jpg"} & trained_on(examples, data)
            assert len(both) == (2 if "12" in cases else 0)


def test_the_bundled_network_is_trained_on_all_frames_after_the_breast_lesions(
    data: Path, finished: tuple[Path, Path, Trainings]
) -> None:
    trainings = finished[2]

    first, last = trainings.done[0], trainings.done[-1]
    assert len(trainings.done) == TRAININGS
    assert first[0] == "seed 0, breast lesions"
    assert len(first[2]) == 6
    assert first[2].images.shape[1] > TINY.input_size, "windows are cut from finer images"
    assert last[0] == "final, all frames"
    assert len(trained_on(last[2], data)) == len(ddti.read(data)) == 13


def test_labels_and_outlines_go_with_their_images(data: Path, finished: tuple[Path, Path, Trainings]) -> None:
    frames = ddti.read(data)
    examples = finished[2].titled("final, all frames")

    np.testing.assert_array_equal(examples.labels, [frame.label for frame in frames])
    assert examples.masks.max(axis=(1, 2)).min() == 255, "every frame has an outline"


def rows_of(output: Path, start: str) -> list[dict[str, str]]:
    return [row for row in read_table(output / SCORES_FILE) if row["start"] == start]


def test_the_table_has_every_frame_in_its_fold_once_a_round(data: Path, finished: tuple[Path, Path, Trainings]) -> None:
    frames, folds = folds_of(data)

    for start in (PRETRAINED, NETWORK, STATISTICS, SCRATCH):
        rows = rows_of(finished[1], start)
        assert [row["frame"] for row in rows] == [frame.path.name for frame in frames]
        assert [int(row["fold"]) for row in rows] == folds.tolist()
        assert {row["seed"] for row in rows} == {"0"}


def test_a_frames_logit_is_of_a_network_and_of_statistics_that_did_not_see_its_fold(
    data: Path, finished: tuple[Path, Path, Trainings]
) -> None:
    """The networks are kept: they are asked again; the line of the statistics is fitted again."""
    work, output, _ = finished
    frames, folds = folds_of(data)
    tensors = np.stack([view.tensor for view in views(frames, TINY.input_size)])
    networks = [load_model(path) for path in sorted(work.glob("*/seed-0-fold-*.keras"))]
    assert len(networks) == FOLDS

    scores = np.stack([np.asarray(network(tensors), np.float64)[:, 0] for network in networks])

    logits = [float(row["logit"]) for row in rows_of(output, PRETRAINED)]
    own = calibration.logit(scores[folds, np.arange(len(folds))])
    numbers, labels = whole_image.statistics(tensors), np.array([frame.label for frame in frames])
    fitted = [whole_image.fit(numbers[folds != fold], labels[folds != fold]) for fold in range(FOLDS)]
    said = np.array([fitted[fold](numbers[[place]])[0] for place, fold in enumerate(folds)])
    np.testing.assert_allclose(logits, own + said, atol=2e-3)


def test_scores_are_calibrated_and_have_thresholds_where_they_started_from_breast_lesions(
    finished: tuple[Path, Path, Trainings],
) -> None:
    for row in rows_of(finished[1], PRETRAINED):
        assert 0 < float(row["score"]) < 1
        assert np.isfinite([float(row["threshold_0.80"]), float(row["threshold_0.90"])]).all()
    for start in (NETWORK, STATISTICS, SCRATCH):
        for row in rows_of(finished[1], start):
            assert 0 < float(row["score"]) < 1
            assert row["threshold_0.80"] == "nan"


def test_the_two_halves_logits_add_up_to_the_wholes(finished: tuple[Path, Path, Trainings]) -> None:
    network, statistics, whole = (
        np.array([float(row["logit"]) for row in rows_of(finished[1], start)])
        for start in (NETWORK, STATISTICS, PRETRAINED)
    )

    np.testing.assert_allclose(network + statistics, whole, atol=1e-4)
    assert np.abs(network).max() > 1e-3 < np.abs(statistics).max()


def test_maps_are_of_the_frames_that_a_network_did_not_see(data: Path, finished: tuple[Path, Path, Trainings]) -> None:
    frames, folds = folds_of(data)
    rows = read_table(finished[1] / MAPS_FILE)

    fold_of = {frame.path.name: str(fold) for frame, fold in zip(frames, folds, strict=True)}
    assert {row["frame"]: row["fold"] for row in rows} == fold_of
    assert {row["name"] for row in rows if row["kind"] == map_check.GRAD_CAM} >= {"patches", "lesion_evidence"}


def test_the_records_hashes_are_those_of_what_was_written(finished: tuple[Path, Path, Trainings]) -> None:
    _, output, _ = finished
    record = read_training(output)

    assert set(record["sha256"]) == {MODEL_FILE, SCORES_FILE, MAPS_FILE}
    for name, expected in record["sha256"].items():
        assert hashlib.sha256((output / name).read_bytes()).hexdigest() == expected
    assert record["recipe"]["input_size"] == 32
    assert record["data"]["DDTI"]["used"] == 13
    assert (record["data"]["BUS-BRA"]["used"], record["data"]["BrEaST"]["used"]) == (4, 2)


def test_the_bundled_network_is_calibrated_with_scores_of_cases_not_seen(
    data: Path, finished: tuple[Path, Path, Trainings]
) -> None:
    """By the record's numbers, which are those of a fit to the table's logits."""
    _, output, _ = finished
    record = json.loads((output / TRAINING_FILE).read_text())["calibration"]
    rows = rows_of(output, PRETRAINED)
    labels = np.array([frame.label for frame in ddti.read(data)])

    platt = calibration.fit(np.array([float(row["logit"]) for row in rows]), labels)

    assert (record["slope"], record["intercept"]) == pytest.approx((platt.slope, platt.intercept), abs=1e-3)
    assert record["prevalence"] == 0.5
    assert load_model(output / MODEL_FILE).input_shape == (None, 32, 32, 3)


def test_a_finished_run_trains_nothing_again_and_writes_the_same(
    data: Path, finished: tuple[Path, Path, Trainings], trainings: Trainings, tmp_path: Path
) -> None:
    work, output, _ = finished

    run(data, work, tmp_path)

    assert trainings.done == []
    for name in (MODEL_FILE, SCORES_FILE, MAPS_FILE, TRAINING_FILE):
        assert (tmp_path / name).read_bytes() == (output / name).read_bytes()


@pytest.mark.parametrize("stop_at", [5, TRAININGS - 1])
def test_an_interrupted_run_goes_on_where_it_stopped(
    data: Path, finished: tuple[Path, Path, Trainings], trainings: Trainings, tmp_path: Path, stop_at: int
) -> None:
    trainings.stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "work", tmp_path / "out")
    assert not (tmp_path / "out" / MODEL_FILE).exists(), "nothing half-done is handed out"
    trainings.stop_at = None

    run(data, tmp_path / "work", tmp_path / "out")

    assert len(trainings.done) == TRAININGS
    assert [title for title, _, _ in trainings.done] == [title for title, _, _ in finished[2].done]
    assert (tmp_path / "out" / SCORES_FILE).read_text() == (finished[1] / SCORES_FILE).read_text()


def test_another_recipe_takes_nothing_over(
    data: Path, finished: tuple[Path, Path, Trainings], trainings: Trainings, tmp_path: Path
) -> None:
    """Not even the training on the breast sets, which comes first."""
    trainings.stop_at = 0

    with pytest.raises(KeyboardInterrupt):
        run(data, finished[0], tmp_path / "out", replace(TINY, learning_rate=1e-4))


def test_another_label_takes_nothing_over(
    data: Path, finished: tuple[Path, Path, Trainings], trainings: Trainings, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(data, tmp_path / "sets"))
    report = other / "ddti" / "annotations" / "12.xml"
    report.write_text(report.read_text().replace("4b", "4c"))
    trainings.stop_at = 0

    with pytest.raises(KeyboardInterrupt):
        run(other, finished[0], tmp_path / "out")


@pytest.mark.parametrize("changed", ["pixels", "outline", "breast mask"])
def test_other_images_under_the_same_names_take_nothing_over(
    changed: str, data: Path, finished: tuple[Path, Path, Trainings], trainings: Trainings, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(data, tmp_path / "sets"))
    if changed == "outline":
        report = other / "ddti" / "annotations" / "12.xml"
        outlined = report.read_text()
        report.write_text(re.sub(r"<svg>.*?</svg>", "<svg>[]</svg>", outlined))
        assert report.read_text() != outlined
    else:
        folder = other / "ddti" / "images" if changed == "pixels" else other / "breast" / "masks"
        file = sorted(folder.iterdir())[0]
        with Image.open(file) as image:
            turned = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        turned.save(file)
    trainings.stop_at = 0

    with pytest.raises(KeyboardInterrupt):
        run(other, finished[0], tmp_path / "out")


def test_the_record_says_after_how_many_epochs_networks_were_taken(finished: tuple[Path, Path, Trainings]) -> None:
    assert read_training(finished[1])["epochs"] == {"taken_after": 1, "chosen_in_folds": {"1": FOLDS}}


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--folds", "2", "must be 3 or more, not 2"),
        ("--epochs", "0", "must be 1 or more, not 0"),
        ("--batch", "-1", "must be 1 or more, not -1"),
        ("--input-size", "100", "must be a positive multiple of 32, not 100"),
        ("--learning-rate", "nan", "must be a number over 0, not nan"),
        ("--pretraining-rate", "-1", "must be a number over 0, not -1"),
        ("--scratch-rate", "inf", "must be a number over 0, not inf"),
        ("--processes", "0", "must be 1 or more, not 0"),
    ],
)
def test_what_cant_be_trained_is_refused_in_a_sentence(
    option: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        train.main(["--data", str(tmp_path), f"{option}={value}"])

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("absent", ["ddti", "bus-bra", "breast"])
def test_a_missing_set_ends_the_command_with_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], absent: str
) -> None:
    other = Path(shutil.copytree(data, tmp_path / "sets"))
    shutil.rmtree(other / absent)

    status = train.main(
        ["--data", str(other), "--work", str(tmp_path / "work"), "--output", str(tmp_path / "out"), "--folds", "3"]
    )

    assert status == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_sets_too_small_for_a_batch_end_the_command_with_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["--data", str(data), "--work", str(tmp_path / "work"), "--output", str(tmp_path / "out")]

    assert train.main([*paths, "--folds", "3", "--input-size", "32", "--batch", "7", "--processes", "1"]) == 1

    assert "breast lesions: a training needs at least 7 images, not 6" in capsys.readouterr().err


def test_the_commands_options_are_the_recipes(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(train, "train", lambda **how: asked.update(how))

    status = train.main(["--data", str(data), "--work", "w", "--output", "o", "--learning-rate", "0.5", "--seeds", "2"])

    assert status == 0
    assert asked["recipe"] == replace(Recipe(), learning_rate=0.5, seeds=2)
    assert (asked["data"], asked["work"], asked["output"]) == (data, Path("w"), Path("o"))
    assert 1 <= asked["processes"] <= 4


def test_a_process_that_is_killed_ends_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(**how: Any) -> None:
        raise JobError("A process ended before it was done.")

    monkeypatch.setattr(train, "train", killed)

    assert train.main(["--data", str(data), "--processes", "2"]) == 1

    assert capsys.readouterr().err == "error: A process ended before it was done.\n"


def test_two_processes_train_what_one_does(data: Path, tmp_path: Path) -> None:
    """Really, not by a stand-in. Other threads add in another order: the last bits differ."""
    small = replace(TINY, batch=2)
    for processes in (1, 2):
        run(data, tmp_path / f"work {processes}", tmp_path / f"{processes}", small, processes)

    one, two = (read_table(tmp_path / f"{processes}" / SCORES_FILE) for processes in (1, 2))
    assert [(row["start"], row["frame"], row["fold"]) for row in one] == [
        (row["start"], row["frame"], row["fold"]) for row in two
    ]
    for column in ("logit", "score", "threshold_0.80"):
        by_one, by_two = ([float(row[column]) for row in rows] for rows in (one, two))
        np.testing.assert_allclose(by_one, by_two, atol=1e-3)
    for processes in (1, 2):
        assert read_training(tmp_path / f"{processes}")["recipe"]["batch"] == 2


def test_the_table_is_plain_csv(finished: tuple[Path, Path, Trainings]) -> None:
    with (finished[1] / SCORES_FILE).open(newline="") as file:
        header = next(csv.reader(file))

    assert header == ["start", "seed", "frame", "fold", "logit", "score", "threshold_0.80", "threshold_0.90"]
