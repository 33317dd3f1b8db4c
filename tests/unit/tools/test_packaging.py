"""What is installed is whole: the code, the files that it reads, and the mark that says that it has types."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LEFT = ("__pycache__", "*.egg-info", "build")

# Project: where the packages of its wheel lie.
PROJECTS = {
    ".": {"thyroid": "layers/inference/python/thyroid", "thyroid_model": "layers/model/thyroid_model"},
    "client": {"thyroid_client": "client/thyroid_client"},
}


def files_of(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module", params=PROJECTS)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """Build a project from a copy, since a build leaves files beside the code; give its name and the wheel's files."""
    project: str = request.param
    copy = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / project / name, copy)
    for folder in PROJECTS[project].values():
        place = copy / Path(folder).relative_to(project)
        shutil.copytree(ROOT / folder, place, ignore=shutil.ignore_patterns(*LEFT))
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, "wheels"], cwd=copy, capture_output=True, text=True, check=True)
    (file,) = (copy / "wheels").glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        return project, set(opened.namelist())


def test_every_file_of_the_packages_is_installed(wheel: tuple[str, set[str]]) -> None:
    project, installed = wheel
    wanted = {f"{name}/{file}" for name, folder in PROJECTS[project].items() for file in files_of(ROOT / folder)}
    assert wanted - installed == set()


def test_nothing_else_is_installed(wheel: tuple[str, set[str]]) -> None:
    project, installed = wheel
    tops = {file.partition("/")[0] for file in installed if ".dist-info/" not in file}
    assert tops == set(PROJECTS[project])


@pytest.mark.parametrize("folder", ["layers/inference/python/thyroid", "client/thyroid_client"])
def test_a_type_checker_is_told_that_there_are_types(folder: str) -> None:
    """Without this file a type checker takes everything of the package for Any (PEP 561)."""
    assert (ROOT / folder / "py.typed").is_file()
