"""What became of each image of a folder: ``results.jsonl``, a line each, and ``results.csv``, the same as a table.

A later run reads the lines. An image that was processed again has several; the last one counts.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from thyroid.files.atomic import atomic_file
from thyroid.files.json_lines import JsonLines
from thyroid.files.names import in_spreadsheet, readable
from thyroid.files.result_files import SCHEMA_VERSION


@dataclass(frozen=True)
class Line:
    """What became of an image.

    Attributes
    ----------
    key : str
        Its path below the folder; bytes that are not text as lone surrogates, as Python has them.
    bytes, sha256 : int, str or None
        Of the file. A file that was too large was not read and has no hash.
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
VERSION = "schema_version"  # a field of each line besides those of `Line`


class Ledger:
    """The lines of a folder, those of earlier runs among them.

    Parameters
    ----------
    path : pathlib.Path
        The file of JSON Lines.

    Attributes
    ----------
    latest : dict of str to Line
        The last line of each image.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonLines(path)
        self.latest: dict[str, Line] = {}
        self._other_version: set[str] = set()
        for text in self._file:
            self._read(text)

    def _read(self, text: bytes) -> None:
        """Read a line. One that is none of ours counts for nothing, and its image is processed again."""
        try:
            values: dict[str, Any] = json.loads(text)
            key, version = values["key"], values.pop(VERSION, None)
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        if not isinstance(key, str):
            return
        if version == SCHEMA_VERSION and values.keys() == set(COLUMNS):
            self.latest[key] = Line(**values)
            self._other_version.discard(key)
        else:
            self.latest.pop(key, None)
            self._other_version.add(key)

    def count_other_version(self, keys: Iterable[str]) -> int:
        """Return how many of these images have a result of another version of this program."""
        return len(self._other_version.intersection(keys))

    def append(self, line: Line) -> None:
        """Append a line."""
        # ASCII alone: a name that is not text is kept, and no other character of Unicode can end the line.
        self._file.append(json.dumps(asdict(line) | {VERSION: SCHEMA_VERSION}))
        self.latest[line.key] = line

    def write_table(self, path: Path) -> None:
        """Write the last line of each image as CSV, in the order of the keys.

        All text is quoted, so that no character of a name ends its cell in a spreadsheet with another separator.
        """
        with atomic_file(path) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            writer.writeheader()
            for key in sorted(self.latest):
                writer.writerow(asdict(self.latest[key]) | {"key": in_spreadsheet(readable(key))})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.__exit__(*exception)
