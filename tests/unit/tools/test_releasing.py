"""docs/releasing.md and CHANGELOG.md say of the versions what the code says."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import thyroid

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "releasing.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
VERSIONS = re.findall(r"^\| .+ \| `([\w.]+)` in `([\w./]+)` \| (\S+) \|$", PAGE, re.MULTILINE)
RELEASES = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\](.*)$", CHANGELOG, re.MULTILINE)
SERVING = "layers/inference/python/"

FIRST = (3, 0, 0)  # has no date


def test_the_page_names_every_version() -> None:
    assert {path for name, path, _ in VERSIONS if not name.endswith(".schema_version")} == {
        "layers/inference/python/thyroid/__init__.py",
        "client/thyroid_client/version.py",
        "layers/model/thyroid_model/networks/sources.py",
    }


def constant(path: str, name: str) -> object:
    """Return a constant of a module without importing it, for what it needs may be large."""
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.Assign):
            names, values = ast.unparse(node.targets[0]).strip("()").split(", "), node.value
            if name in names:
                read = ast.literal_eval(values)
                return read[names.index(name)] if isinstance(read, tuple) else read
    raise LookupError(name)


@pytest.mark.parametrize(("name", "path", "told"), VERSIONS)
def test_a_version_is_where_and_what_the_page_says(name: str, path: str, told: str) -> None:
    if "." not in name:
        assert constant(path, name) == told
        return
    model, field = name.split(".")
    module = importlib.import_module(path.removeprefix(SERVING).removesuffix(".py").replace("/", "."))
    assert str(getattr(module, model).model_fields[field].default) == told


def test_every_schema_version_is_on_the_page() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / SERVING).rglob("*.py")
        for _ in re.findall(r"^    schema_version: .*= ", path.read_text("utf-8"), re.MULTILINE)
    }
    assert found == {path for name, path, _ in VERSIONS if name.endswith(".schema_version")}


def test_the_latest_release_in_the_changelog_is_the_version_of_the_service() -> None:
    latest, *older = [tuple(int(part) for part in numbers) for *numbers, _ in RELEASES]
    assert thyroid.__version__ == ".".join(str(part) for part in latest)
    assert sorted([latest, *older], reverse=True) == [latest, *older]


def test_what_is_not_released_stands_first() -> None:
    first, *_ = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)
    assert first == "Unreleased"


def test_a_release_has_a_date() -> None:
    for major, minor, patch, date in RELEASES:
        if (int(major), int(minor), int(patch)) != FIRST:
            assert re.fullmatch(r" - \d{4}-\d{2}-\d{2}", date)


def test_the_page_says_which_version_the_service_has_and_which_comes_next() -> None:
    (said,) = re.findall(r"the service reports the\s+version\s+(\d+\.\d+\.\d+)\.", PAGE)
    (following,) = re.findall(r"The next release of the service is (\d+\.\d+\.\d+)\.", PAGE)
    assert said == thyroid.__version__
    assert [int(part) for part in following.split(".")] > [int(part) for part in said.split(".")]
