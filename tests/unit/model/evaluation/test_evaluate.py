"""An evaluation of a training in miniature, whose `Trainer.fit` only moves the weights."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.model.lesion_training import NOT_SUSPICIOUS, SUSPICIOUS, TINY, make_data, move_weights, small_network
from thyroid_model.data import ddti
from thyroid_model.data.examples import Examples
from thyroid_model.data.findings import DataError
from thyroid_model.evaluation import captions, evaluate, model_card
from thyroid_model.evaluation.evaluate import by_seed
from thyroid_model.evaluation.figures import operating_point
from thyroid_model.evaluation.plots import RELIABILITY_FILE, ROC_FILE
from thyroid_model.metrics import auc
from thyroid_model.networks import hub
from thyroid_model.networks.hub import HubFile
from thyroid_model.record import (
    EVALUATION_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    TRAINING_FILE,
    RecordError,
    read_evaluation,
    read_table,
    sha256,
)
from thyroid_model.training import input_check, train
from thyroid_model.training.fit import Trainer
from thyroid_model.training.train import NETWORK, PRETRAINED, SCRATCH, STATISTICS

FRAMES, CASES = NOT_SUSPICIOUS + SUSPICIOUS + 1, NOT_SUSPICIOUS + SUSPICIOUS
INPUT_CHECK = {
    "ultrasound": {"DDTI": {"flagged": 0.0}},
    "photographs_flagged": 1.0,
    "photographs": {},
    "kinds_kept_out_flagged": 0.5,
    "kinds_kept_out": {"maze": {"flagged": 0.5}},
}


def moved(
    trainer: Any,
    examples: Examples,
    seed: int,
    title: str,
    stops: Sequence[int] = (),
    look: Callable[[], Any] = lambda: None,
) -> list[Any]:
    move_weights(trainer._network, seed, 0.05)
    return [look() for _ in stops]


def painted(images: Iterator[Any], draws: int, seed: int) -> dict[str, int]:
    return {
        "images": sum(1 for _ in images),
        "changed_by_erasing": 0,
        "changed_by_painting": 0,
        "painted": draws,
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training left; no test may write to it."""
    output = tmp_path_factory.mktemp("output")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "fit", moved)
        train.train(data, tmp_path_factory.mktemp("work"), output, TINY, build=small_network)
    return output


@pytest.fixture(autouse=True)
def _small_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "measure", painted)
    monkeypatch.setattr(input_check, "measure", lambda _: INPUT_CHECK)


@pytest.fixture
def output(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "output"))


@pytest.fixture(scope="module")
def result(data: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = Path(shutil.copytree(trained, tmp_path_factory.mktemp("evaluated") / "output"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captions, "measure", painted)
        patch.setattr(input_check, "measure", lambda _: INPUT_CHECK)
        patch.setattr(hub, "published", lambda: HubFile("a/b", "c", "main", sha256(output / MODEL_FILE), 1))
        return evaluate.evaluate(data, output, output, output / MODEL_FILE)


def test_frames_cases_and_labels_are_the_sets(result: dict[str, Any]) -> None:
    assert (result["frames"], result["cases"]) == (FRAMES, CASES)
    assert (result["suspicious"], result["not_suspicious"]) == (SUSPICIOUS + 1, NOT_SUSPICIOUS)
    assert "not biopsy" in result["label"]


def test_the_figures_are_of_the_scores_of_cases_not_seen(data: Path, trained: Path, result: dict[str, Any]) -> None:
    labels = {frame.path.name: frame.label for frame in ddti.read(data)}
    for start, said in (
        (PRETRAINED, result["auc"]),
        (NETWORK, result["compared"]["its network alone"]["auc"]),
        (STATISTICS, result["compared"]["its statistics of the whole image alone"]["auc"]),
        (SCRATCH, result["compared"]["its network alone, from scratch"]["auc"]),
    ):
        rows = [row for row in read_table(trained / SCORES_FILE) if row["start"] == start]
        truth = np.array([labels[row["frame"]] for row in rows])
        assert said == pytest.approx(auc(truth, np.array([float(row["score"]) for row in rows])), abs=1e-4)
    assert result["auc_of_seeds"] == [result["auc"]]
    low, high = result["auc_95_interval"]
    assert low <= result["auc"] <= high


def test_thresholds_are_those_that_the_training_folds_chose(data: Path, trained: Path, result: dict[str, Any]) -> None:
    frames, table = ddti.read(data), read_table(trained / SCORES_FILE)
    labels = np.array([frame.label for frame in frames])
    scores = by_seed(table, PRETRAINED, "score", frames)

    assert result["at_thresholds_chosen_in_training_folds"] == {
        f"specificity {name}": operating_point(labels, scores > by_seed(table, PRETRAINED, f"threshold_{name}", frames))
        for name in ("0.80", "0.90")
    }
    assert result["at_threshold_0.50"] == operating_point(labels, scores >= 0.5)


def test_other_ways_to_score_the_same_frames_stand_beside(result: dict[str, Any]) -> None:
    assert set(result["compared"]) == {
        "this model without the breast sets",
        "its network alone",
        "its statistics of the whole image alone",
        "its network alone, from scratch",
        "texture baseline, field of view",
        "published weights, whole frame",
        "published weights, field of view",
    }
    for said in result["compared"].values():
        assert 0 <= said["auc"] <= 1
        assert "meant_for" in said["calibration"]


def test_without_the_published_weights_their_rows_are_left_out(
    data: Path, output: Path, result: dict[str, Any]
) -> None:
    said = evaluate.evaluate(data, output, output)

    assert list(said["compared"]) == [name for name in result["compared"] if not name.startswith("published")]
    assert "PUBLISHED" not in said["command"]


def test_the_parts_of_the_frames_are_told_apart(result: dict[str, Any]) -> None:
    """Odd cases show two panes, every third case has a caption; case 12 has two views."""
    groups = {name: (g["suspicious"], g["not_suspicious"]) for name, g in result["groups"].items()}

    assert groups == {
        "one pane": (5, 2),
        "two panes": (4, 2),
        "no caption under the view": (5, 3),
        "a caption under the view": (4, 1),
    }


def test_maps_field_of_view_and_input_check_are_measured(result: dict[str, Any]) -> None:
    assert result["maps"]["frames_with_outline"] == FRAMES
    assert result["maps"]["last_layer"] == "lesion_evidence"
    assert result["field_of_view"]["images"] == FRAMES
    assert result["field_of_view"]["painted"] == evaluate.CAPTION_DRAWS
    assert result["input_check"] == INPUT_CHECK


def test_the_record_is_of_the_network_that_it_lies_beside(data: Path, output: Path) -> None:
    said = evaluate.evaluate(data, output, output)

    assert said["weights_sha256"] == sha256(output / MODEL_FILE)
    assert read_evaluation(output) == json.loads((output / EVALUATION_FILE).read_text("utf-8"))
    assert read_evaluation(output)["auc"] == said["auc"]
    assert said["sha256"] == json.loads((output / TRAINING_FILE).read_text("utf-8"))["sha256"]
    assert said["training"]["recipe"]["folds"] == 3
    assert "3-fold cross-validation" in said["protocol"]
    assert "in 1 rounds" in said["protocol"]


def test_the_plots_are_written_where_they_should_be(data: Path, output: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()

    evaluate.evaluate(data, output, docs)

    assert sorted(path.name for path in docs.iterdir()) == sorted([ROC_FILE, RELIABILITY_FILE])


def test_a_second_evaluation_says_the_same(data: Path, output: Path) -> None:
    evaluate.evaluate(data, output, output)
    first = (output / EVALUATION_FILE).read_bytes()

    evaluate.evaluate(data, output, output)

    assert (output / EVALUATION_FILE).read_bytes() == first


def test_other_labels_than_the_trainings_are_refused(data: Path, output: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "sets"))
    report = other / "ddti" / "annotations" / "12.xml"
    report.write_text(report.read_text().replace("4b", "2"))

    with pytest.raises(RecordError, match="others than the training's; run `make train"):
        evaluate.evaluate(other, output, output)
    assert not (output / EVALUATION_FILE).exists()


def test_other_frames_than_the_trainings_are_refused(data: Path, output: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "sets"))
    (other / "ddti" / "images" / "12_2.jpg").unlink()
    report = other / "ddti" / "annotations" / "12.xml"
    report.write_text(report.read_text().replace("<image>2</image>", "<image>1</image>"))

    with pytest.raises(RecordError, match="others than the training's; run `make train"):
        evaluate.evaluate(other, output, output)
    assert not (output / EVALUATION_FILE).exists()


@pytest.mark.parametrize("name", [MODEL_FILE, SCORES_FILE, MAPS_FILE])
def test_files_that_are_not_the_trainings_are_refused(data: Path, output: Path, name: str) -> None:
    with (output / name).open("ab") as file:
        file.write(b"\n")

    with pytest.raises(RecordError, match=f"{name} does not match its hash"):
        evaluate.evaluate(data, output, output)


@pytest.mark.parametrize("name", [MODEL_FILE, SCORES_FILE, MAPS_FILE, TRAINING_FILE])
def test_missing_records_are_refused(data: Path, output: Path, name: str) -> None:
    (output / name).unlink()

    with pytest.raises(RecordError, match=r"make train"):
        evaluate.evaluate(data, output, output)


@pytest.mark.parametrize("content", [None, b"no network"])
def test_published_weights_that_are_not_there_are_missed_before_anything_is_measured(
    data: Path, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    published = tmp_path / "published.h5"
    if content is not None:
        published.write_bytes(content)

    assert evaluate.main([*command(data, output, tmp_path / "card.md"), "--published", str(published)]) == 1

    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "published.h5" in said


def test_other_weights_than_the_published_are_not_measured_under_their_name(
    data: Path, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [*command(data, output, tmp_path / "card.md"), "--published", str(output / MODEL_FILE)]

    assert evaluate.main(others) == 1

    assert f"is not {hub.published().label}" in capsys.readouterr().err


def test_a_missing_set_is_named(output: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="DDTI"):
        evaluate.evaluate(tmp_path / "nowhere", output, output)


def test_a_column_comes_in_the_order_of_the_frames_round_by_round(data: Path) -> None:
    frames = ddti.read(data)
    names = [frame.path.name for frame in frames]
    table = [
        {"start": start, "seed": str(seed), "frame": name, "score": str(place + 100 * seed)}
        for start in (PRETRAINED, SCRATCH)
        for seed in range(2)
        for place, name in reversed(list(enumerate(names)))
    ]

    columns = by_seed(table, PRETRAINED, "score", frames)

    np.testing.assert_array_equal(columns, [np.arange(FRAMES), np.arange(FRAMES) + 100])


@pytest.mark.parametrize("change", ["start", "frame", "missing"])
def test_a_table_that_lacks_a_frame_of_a_round_is_refused(data: Path, trained: Path, change: str) -> None:
    table = [row for row in read_table(trained / SCORES_FILE) if row["start"] == PRETRAINED]
    table = table[1:] if change == "missing" else [table[0] | {"frame": "77_1.jpg"}, *table[1:]]

    with pytest.raises(RecordError, match="other frames"):
        by_seed(table, SCRATCH if change == "start" else PRETRAINED, "score", ddti.read(data))


def command(data: Path, output: Path, card: Path) -> list[str]:
    return ["--data", str(data), "--output", str(output), "--docs", str(output), "--card", str(card)]


def test_the_command_writes_the_card_and_says_the_auc(
    data: Path,
    output: Path,
    result: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tried.md").write_text("This and that.")
    monkeypatch.setattr(model_card, "_TRIED", tmp_path / "tried.md")
    card = tmp_path / "card.md"

    assert evaluate.main(command(data, output, card)) == 0

    assert card.read_text("utf-8") == model_card.render(read_evaluation(output))
    said = capsys.readouterr().out
    assert f"AUC {result['auc']:.3f}" in said
    assert f"on {FRAMES} frames" in said


def test_the_command_says_in_a_sentence_what_is_missing(
    data: Path, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (output / TRAINING_FILE).unlink()

    assert evaluate.main(command(data, output, tmp_path / "card.md")) == 1

    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "make train" in error
    assert not (tmp_path / "card.md").exists()
