"""Files of a trained model and its evaluation: their names, CSV tables, and the hashes that tie them together."""

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MODEL_FILE = "model.keras"
SCORES_FILE = "out_of_fold.csv"
MAPS_FILE = "maps.csv"
TRAINING_FILE = "training.json"
EVALUATION_FILE = "evaluation.json"
_HASHED_FILES = {MODEL_FILE, SCORES_FILE, MAPS_FILE}
_REQUIRED_KEYS = {"recipe", "epochs", "calibration", "data", "labels_sha256"}  # beside the hashes


class RecordError(ValueError):
    """A record is missing, damaged, or does not match the other files; the message says what to do."""


def write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows, at least one and all with the same keys, as UTF-8 CSV; floats with six significant digits."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(
            {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows
        )


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV table, as text.

    Raises
    ------
    RecordError
        If the file does not exist.
    """
    if not path.is_file():
        raise RecordError(f"There is no {path}; run `make train DATA=…` first.")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_training(folder: Path) -> dict[str, Any]:
    """Read the training record, and check that the network and the tables match its hashes.

    Raises
    ------
    RecordError
        If a file is missing or a hash differs.
    """
    path = folder / TRAINING_FILE
    if not path.is_file():
        raise RecordError(f"There is no {path}; run `make train DATA=…` first.")
    record = _read_json(path)
    hashes = record.get("sha256")
    if not isinstance(hashes, dict) or hashes.keys() != _HASHED_FILES or not record.keys() >= _REQUIRED_KEYS:
        raise RecordError(f"{path} is of another version; run `make train DATA=…` again.")
    for name, expected in hashes.items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise RecordError(
                f"{folder / name} does not match its hash in {TRAINING_FILE}; run `make train DATA=…` again."
            )
    return record


def read_evaluation(folder: Path) -> dict[str, Any]:
    """Read the evaluation, and check that it is of this network and of these tables.

    Raises
    ------
    RecordError
        If a file is missing, or the evaluation is of another network or of other tables.
    """
    path = folder / EVALUATION_FILE
    if not path.is_file():
        raise RecordError(f"There is no {path}; run `make evaluate DATA=…` first.")
    evaluation = _read_json(path)
    if not (folder / MODEL_FILE).is_file():
        raise RecordError(f"There is no {folder / MODEL_FILE}, which {EVALUATION_FILE} evaluates.")
    if evaluation.get("weights_sha256") != sha256(folder / MODEL_FILE):
        raise RecordError(
            f"{EVALUATION_FILE} is an evaluation of other weights than {MODEL_FILE}; run `make evaluate DATA=…` again."
        )
    if evaluation.get("sha256") != read_training(folder)["sha256"]:
        raise RecordError(
            f"{EVALUATION_FILE} is an evaluation of other tables than {TRAINING_FILE} has; "
            "run `make evaluate DATA=…` again."
        )
    return evaluation


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise RecordError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise RecordError(f"{path} is damaged: it is not a JSON object.")
    return content


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
