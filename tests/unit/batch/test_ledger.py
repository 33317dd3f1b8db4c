import csv
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from thyroid.batch.ledger import Ledger, Line
from thyroid.files.result_files import SCHEMA_VERSION

LINE = Line(
    key="a/scan.png",
    bytes=1234,
    sha256="0" * 64,
    status="analysed",
    code=None,
    score=0.12345678,
    label="Benign (Non-Cancerous)",
    risk="Low Risk",
    model_sha256="1" * 64,
    input_reasons=None,
    recipe_sha256="2" * 64,
    decision_sha256="3" * 64,
)
REFUSED = replace(
    LINE, status="refused", code="payload_too_large", sha256=None, score=None, label=None, risk=None, model_sha256=None
)


def table(ledger: Ledger, tmp_path: Path) -> list[dict[str, str]]:
    ledger.write_table(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_last_line_of_an_image_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(LINE)
        ledger.append(REFUSED)
        ledger.append(replace(LINE, key="Z.png"))

    with Ledger(tmp_path / "lines") as ledger:
        assert ledger.latest == {LINE.key: REFUSED, "Z.png": replace(LINE, key="Z.png")}
        rows = table(ledger, tmp_path)

    assert [(row["key"], row["status"], row["code"], row["score"]) for row in rows] == [
        ("Z.png", "analysed", "", "0.12345678"),
        ("a/scan.png", "refused", "payload_too_large", ""),
    ]


@pytest.mark.parametrize(
    "key",
    [
        "new\nline\r.png",
        'comma, "quote"; \'.png',
        "Schilddrüse 甲状腺 🦋.png",
        "line\u2028separator.png",
        "bad\udcff.png",
    ],
)
def test_a_key_of_any_kind_survives(tmp_path: Path, key: str) -> None:
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(replace(LINE, key=key))

    assert len((tmp_path / "lines").read_text("ascii").splitlines()) == 1
    with Ledger(tmp_path / "lines") as ledger:
        assert set(ledger.latest) == {key}
        assert [row["key"] for row in table(ledger, tmp_path)] == [key.replace("\udcff", r"\xff")]


def test_no_cell_is_a_formula_whatever_separates_the_cells(tmp_path: Path) -> None:
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(replace(LINE, key="=cmd|' /C calc'!A0.png"))
        ledger.append(replace(LINE, key="a;=cmd.png"))
        ledger.write_table(tmp_path / "table.csv")

    for separator in ",;\t":
        with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file, delimiter=separator):
                assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize("broken", [b"{}", b"[]", b"7", b'{"key": 7}', b"\xff", b"", json.dumps({"key": []}).encode()])
def test_a_line_that_is_none_counts_for_nothing(tmp_path: Path, broken: bytes) -> None:
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(LINE)
    with (tmp_path / "lines").open("ab") as file:
        file.write(broken + b"\n" + b'{"key": "half')

    with Ledger(tmp_path / "lines") as ledger:
        assert ledger.latest == {LINE.key: LINE}


def test_a_line_of_another_version_is_counted_until_its_image_has_a_new_one(tmp_path: Path) -> None:
    older = asdict(LINE) | {"key": "old.png"}
    newer = asdict(LINE) | {"key": "new.png", "schema_version": SCHEMA_VERSION + 1}
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(LINE)
    with (tmp_path / "lines").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in (older, newer, older))

    with Ledger(tmp_path / "lines") as ledger:
        assert ledger.latest == {LINE.key: LINE}
        assert ledger.count_other_version([LINE.key, "old.png", "new.png"]) == 2
        assert ledger.count_other_version([LINE.key, "old.png"]) == 1
        ledger.append(replace(LINE, key="old.png"))

    with Ledger(tmp_path / "lines") as ledger:
        assert ledger.count_other_version(["old.png", "new.png"]) == 1
        assert set(ledger.latest) == {LINE.key, "old.png"}


def test_the_table_has_no_column_for_the_version(tmp_path: Path) -> None:
    with Ledger(tmp_path / "lines") as ledger:
        ledger.append(LINE)

        assert list(table(ledger, tmp_path)[0]) == [field.name for field in fields(Line)]
    assert json.loads((tmp_path / "lines").read_text()) == asdict(LINE) | {"schema_version": SCHEMA_VERSION}
