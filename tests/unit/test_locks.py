"""The lock files say the same: what is tested on a laptop is what is served."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVED = "functions/requirements.txt"
COMPILE_STAGE = "layers/model/requirements.txt"


def pins(file: str) -> set[str]:
    """Return the ``name==version`` of a lock file, without the markers."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return {line.partition(";")[0].strip() for line in lines if line and not line.startswith("#")}


def names(file: str) -> set[str]:
    return {pin.partition("==")[0] for pin in pins(file)}


def wanted(requirements: list[str]) -> set[str]:
    """Return the names in a list of `pyproject.toml`, as lock files write them."""
    found = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in found if match}


@pytest.mark.parametrize("file", [SERVED, COMPILE_STAGE])
def test_a_version_in_the_image_is_the_version_on_a_laptop(file: str) -> None:
    assert pins(file) <= pins("requirements.txt")


def test_everything_is_pinned() -> None:
    for file in (
        SERVED,
        COMPILE_STAGE,
        "requirements.txt",
        *(f"tests/tools/{tool}.txt" for tool in ("sam", "aws", "lint", "audit", "mutants")),
    ):
        assert all(re.fullmatch(r"[a-z0-9-]+==\S+", pin) for pin in pins(file))


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    served, model = wanted(project["dependencies"]), wanted(project["optional-dependencies"]["model"])
    assert served <= names(SERVED)
    assert served | model <= names(COMPILE_STAGE)
    assert served | model | wanted(project["optional-dependencies"]["dev"]) <= names("requirements.txt")


def test_what_makes_models_is_not_served() -> None:
    assert not {name for name in names(SERVED) if name.startswith(("tensorflow", "keras", "h5py", "huggingface"))}
