import csv
import hashlib
import json
from pathlib import Path

import pytest

from thyroid_model.record import (
    EVALUATION_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    TRAINING_FILE,
    RecordError,
    read_evaluation,
    read_table,
    read_training,
    sha256,
    write_table,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a training and an evaluation leave."""
    (tmp_path / MODEL_FILE).write_bytes(b"weights")
    (tmp_path / SCORES_FILE).write_bytes(b"scores")
    (tmp_path / MAPS_FILE).write_bytes(b"maps")
    hashes = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in (MODEL_FILE, SCORES_FILE, MAPS_FILE)
    }
    (tmp_path / TRAINING_FILE).write_text(
        json.dumps(
            {"recipe": {"folds": 5}, "epochs": {}, "calibration": {}, "data": {}, "labels_sha256": "", "sha256": hashes}
        )
    )
    (tmp_path / EVALUATION_FILE).write_text(
        json.dumps({"auc": 0.7, "weights_sha256": hashes[MODEL_FILE], "sha256": hashes})
    )
    return tmp_path


def test_a_table_comes_back_as_text_with_six_digits(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"

    write_table(path, ({"frame": f"{n}_1.jpg", "score": n / 3, "hit": n, "none": None} for n in (1, 2000)))

    assert read_table(path) == [
        {"frame": "1_1.jpg", "score": "0.333333", "hit": "1", "none": ""},
        {"frame": "2000_1.jpg", "score": "666.667", "hit": "2000", "none": ""},
    ]


def test_a_table_has_a_header_and_the_same_bytes_on_every_system(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", [{"name": "é, comma", "value": float("nan")}])

    assert (tmp_path / "table.csv").read_bytes() == 'name,value\n"é, comma",nan\n'.encode()
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["name", "value"]


def test_a_table_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no .*table\.csv; run `make train"):
        read_table(tmp_path / "table.csv")


def test_the_hash_of_a_file_is_its_contents(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")

    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_training_whose_files_are_whole_is_read(folder: Path) -> None:
    assert read_training(folder)["recipe"] == {"folds": 5}


def test_a_training_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"training\.json; run `make train"):
        read_training(tmp_path)


@pytest.mark.parametrize("name", [MODEL_FILE, SCORES_FILE])
def test_a_file_that_is_not_the_trainings_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"another")

    with pytest.raises(RecordError, match=rf"{name} does not match its hash in training\.json"):
        read_training(folder)


@pytest.mark.parametrize("name", [MODEL_FILE, SCORES_FILE])
def test_a_file_of_the_training_that_is_missing_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(RecordError, match=name):
        read_training(folder)


def test_figures_of_this_network_are_read(folder: Path) -> None:
    assert read_evaluation(folder)["auc"] == 0.7


def test_figures_of_another_network_are_refused(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"other weights")

    with pytest.raises(RecordError, match="other weights than"):
        read_evaluation(folder)


def test_figures_that_are_not_there_say_what_to_do(folder: Path) -> None:
    (folder / EVALUATION_FILE).unlink()

    with pytest.raises(RecordError, match=r"evaluation\.json; run `make evaluate"):
        read_evaluation(folder)


@pytest.mark.parametrize("name", [MODEL_FILE, SCORES_FILE])
def test_figures_without_the_files_that_they_are_of_are_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(RecordError, match=name):
        read_evaluation(folder)


def test_a_training_that_does_not_vouch_for_all_its_files_is_refused(folder: Path) -> None:
    path = folder / TRAINING_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": {}}))

    with pytest.raises(RecordError, match="another version"):
        read_training(folder)


def test_figures_of_other_tables_are_refused(folder: Path) -> None:
    said = json.loads((folder / EVALUATION_FILE).read_text())
    (folder / EVALUATION_FILE).write_text(json.dumps(said | {"sha256": said["sha256"] | {SCORES_FILE: "0" * 64}}))

    with pytest.raises(RecordError, match="other tables than"):
        read_evaluation(folder)


def test_a_training_of_an_earlier_version_says_what_to_do(folder: Path) -> None:
    said = json.loads((folder / TRAINING_FILE).read_text())
    del said["labels_sha256"]
    (folder / TRAINING_FILE).write_text(json.dumps(said))

    with pytest.raises(RecordError, match="of another version; run `make train"):
        read_training(folder)
