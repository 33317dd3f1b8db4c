"""The licence table says of every package that is served under which terms."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from deploy.licences import BEGIN, END, SERVED, TABLE, is_spdx, licence_of, main
from deploy.locks import pins

COPYLEFT = re.compile(r"\b(A?GPL|LGPL|SSPL|EUPL|OSL|CC-BY-SA|CC-BY-NC)\b")


def table() -> dict[str, tuple[str, str]]:
    """Return the packages of the table, with version and licence."""
    between = TABLE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in between.split("\n") if line]
    return {name: (version, licence) for name, version, licence, _ in rows[2:]}


def test_the_table_names_what_is_served() -> None:
    named = {f"{name}=={version}" for name, (version, _) in table().items()}
    assert named == {str(pin) for pin in pins(SERVED)}


@pytest.mark.parametrize("name", table())
def test_a_package_has_a_licence_with_a_name(name: str) -> None:
    _, licence = table()[name]
    assert is_spdx(licence)


@pytest.mark.parametrize("name", table())
def test_no_licence_binds_our_own_code(name: str) -> None:
    _, licence = table()[name]
    assert not COPYLEFT.search(licence)


@pytest.mark.parametrize("name", table())
def test_a_licence_is_the_one_that_the_package_states(name: str) -> None:
    version, licence = table()[name]
    installed = distribution(name)
    if installed.version != version:
        pytest.skip(f"This Python has version {installed.version}.")
    assert licence == licence_of(installed.metadata.json)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"license_expression": "MIT-CMU", "license": "HPND"}, "MIT-CMU"),
        ({"license": "Apache 2.0", "classifier": ["License :: OSI Approved :: MIT License"]}, "Apache-2.0"),
        ({"license": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT"),
        ({"license": "mit"}, "MIT"),
        (
            {"license": "The licence's text,\nline by line", "classifier": ["License :: OSI Approved :: MIT License"]},
            "MIT",
        ),
        ({"classifier": ["Topic :: Software", "License :: OSI Approved :: Apache Software License"]}, "Apache-2.0"),
        ({"license": "Something of our own"}, "Something of our own"),
        ({"license": "", "classifier": ["Topic :: Software"]}, None),
        ({"name": "python_dateutil", "license": "Dual License"}, "BSD-3-Clause OR Apache-2.0"),
        ({}, None),
    ],
)
def test_the_expression_counts_more_than_the_text_and_that_more_than_the_classifiers(
    metadata: dict[str, object], licence: str | None
) -> None:
    assert licence_of(metadata) == licence


@pytest.mark.parametrize("licence", ["UNKNOWN", "Something of our own", "BSD License", "MIT-ish AND MIT"])
def test_a_name_that_spdx_does_not_know_is_no_licence(licence: str) -> None:
    assert not is_spdx(licence)


def test_writing_the_table_anew_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a copy of the document whose table was lost
    before = TABLE.read_text("utf-8")
    copy = tmp_path / "licences.md"
    copy.write_text(re.sub(f"{BEGIN}.*{END}", f"{BEGIN}{END}", before, flags=re.DOTALL), "utf-8")
    monkeypatch.setattr("deploy.licences.TABLE", copy)
    # THEN it is written the same again
    assert main() == 0
    assert copy.read_text("utf-8") == before


def test_a_document_without_markers_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "licences.md"
    copy.write_text("# Licences\n", "utf-8")
    monkeypatch.setattr("deploy.licences.TABLE", copy)

    assert main() == 1
    assert "markers" in capsys.readouterr().err
    assert copy.read_text("utf-8") == "# Licences\n"
