"""What became of each picture of a folder: ``results.jsonl``, a line each, and ``results.csv``, the same as a table.

The lines are what a later run knows of this one. A picture that was done again has several; the last one counts.
"""

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from thyroid.files.atomic import placed
from thyroid.files.json_lines import JsonLines
from thyroid.files.names import in_spreadsheet, readable


@dataclass(frozen=True)
class Line:
    """What became of a picture.

    Attributes
    ----------
    key : str
        Its path below the folder; bytes that are no text as lone surrogates, as Python has them.
    bytes, sha256 : int, str or None
        Of the file. One that was too large was not read and has no hash.
    status : str
        ``analysed`` or ``refused``.
    code : str or None
        Why it was refused, as in the API's problems.
    score, label, risk, model_sha256, input_reasons
        As in :class:`thyroid.files.result_files.Outcome`.
    recipe_sha256 : str
        Of all that decides a result besides the file: model, options, limits.
    decision_sha256 : str
        Of its ``result.json`` or ``error.json``.
    """

    key: str
    bytes: int
    sha256: str | None
    status: str
    code: str | None
    score: float | None
    label: str | None
    risk: str | None
    model_sha256: str | None
    input_reasons: str | None
    recipe_sha256: str
    decision_sha256: str


COLUMNS = [field.name for field in fields(Line)]


class Ledger:
    """The lines of a folder, those of earlier runs among them.

    Parameters
    ----------
    path : pathlib.Path
        The file of JSON Lines.

    Attributes
    ----------
    latest : dict of str to Line
        The last line of each picture.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonLines(path)
        self.latest: dict[str, Line] = {}
        for text in self._file:
            line = _parsed(text)
            if line:
                self.latest[line.key] = line

    def append(self, line: Line) -> None:
        """Add a line."""
        # ASCII alone: a name that is no text goes through, and what else may end a line in Unicode ends none here.
        self._file.append(json.dumps(asdict(line)))
        self.latest[line.key] = line

    def write_table(self, path: Path) -> None:
        """Write the last line of each picture as CSV, in the order of the keys.

        All text is quoted, so that no character of a name ends its cell in a spreadsheet that separates by another one.
        """
        with placed(path) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            writer.writeheader()
            for key in sorted(self.latest):
                writer.writerow(asdict(self.latest[key]) | {"key": in_spreadsheet(readable(key))})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.__exit__(*exception)


def _parsed(text: bytes) -> Line | None:
    """Read a line; one that is none of ours counts for nothing, and its picture is done again."""
    try:
        line = Line(**json.loads(text))
    except (ValueError, TypeError):
        return None
    return line if isinstance(line.key, str) else None
