"""What docs/mutants.md says of the surviving mutants agrees with itself and with the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "mutants.md").read_text("utf-8")
FIGURES = {
    module: [int(figure) for figure in figures.split("|")]
    for module, figures in re.findall(r"^\| (\w+) \| ([\d |]+) \|$", PAGE, re.MULTILINE)
}
# Where each mutated module is, by its name.
MUTATED = {
    Path(path).stem: path
    for path in re.findall(r'"src/(thyroid/\w+/\w+\.py)"', (ROOT / "pyproject.toml").read_text("utf-8"))
}


def lines(module: str, sign: str) -> list[str]:
    """Return the lines of a module's listed changes that begin with a sign, without the sign."""
    section = PAGE.partition(f"### {module}\n")[2].partition("\n### ")[0]
    changes = "".join(re.findall(r"^```diff\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    return [line[1:] for line in changes.splitlines() if line.startswith(sign)]


def unexplained(module: str) -> list[str]:
    """Return the changes of a module that no sentence explains."""
    section = PAGE.partition(f"### {module}\n")[2].partition("\n### ")[0]
    return re.findall(r"^```diff\n(.*?)^```\s*(?=```|\Z)", section, re.MULTILINE | re.DOTALL)


def test_figures_are_told_of_what_is_tried() -> None:
    assert list(FIGURES) == list(MUTATED)


@pytest.mark.parametrize("module", FIGURES)
def test_each_mutant_was_killed_or_timed_out_or_is_explained(module: str) -> None:
    mutants, killed, timed_out, survived = FIGURES[module]
    assert mutants == killed + timed_out + survived
    assert len(lines(module, "+")) == survived
    assert unexplained(module) == []


@pytest.mark.parametrize("module", FIGURES)
def test_what_a_surviving_mutant_changes_is_still_there(module: str) -> None:
    code = (ROOT / "layers/inference/python" / MUTATED[module]).read_text("utf-8").splitlines()
    assert set(lines(module, "-")) <= set(code)
