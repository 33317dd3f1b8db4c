"""The page about speed is that of the figures beside it, and the README tells no others."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import tables
from benchmarks.__main__ import WHOLE

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((ROOT / "docs/speed.json").read_text("utf-8"))
    return kept


def test_the_page_is_made_of_the_figures(figures: dict[str, Any]) -> None:
    assert (ROOT / "docs/speed.md").read_text("utf-8") == tables.document(figures)


def test_the_figures_are_of_a_whole_run(figures: dict[str, Any]) -> None:
    assert figures["effort"] == asdict(WHOLE)


def test_the_readme_tells_the_ratios_that_were_measured(figures: dict[str, Any]) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("### How fast")[2].partition("\n#")[0]
    told = {name.strip(): float(times) for name, times in re.findall(r"^\| ([^|]+) \| ([\d.]+) × \|", section, re.M)}

    assert told == {name: round(reached, 1) for name, (_, reached) in tables.goals(figures).items()}
