"""The lock files say the same: what is tested on a laptop is what is served, byte for byte what was locked."""

import re
import tomllib
from pathlib import Path

import pytest

from deploy.locks import LockError, Pin, pins

ROOT = Path(__file__).parents[3]
SERVED = "functions/requirements.txt"
COMPILE_STAGE = "layers/model/requirements.txt"
IN_THE_IMAGE = [SERVED, COMPILE_STAGE]
DOCKERFILE = (ROOT / "functions" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")


def versions(file: str) -> set[str]:
    """Return the ``name==version`` of a lock file."""
    return {str(pin) for pin in pins(ROOT / file)}


def names(file: str) -> set[str]:
    return {pin.name for pin in pins(ROOT / file)}


def wanted(requirements: list[str]) -> set[str]:
    """Return the names in a list of `pyproject.toml`, as lock files write them."""
    found = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in found if match}


@pytest.mark.parametrize("file", IN_THE_IMAGE)
def test_a_version_in_the_image_is_the_version_on_a_laptop(file: str) -> None:
    assert versions(file) <= versions("requirements.txt")


def test_everything_is_pinned() -> None:
    tools = [f"tests/tools/{tool}.txt" for tool in ("sam", "aws", "lint", "audit", "mutants")]
    for file in (*IN_THE_IMAGE, "requirements.txt", *tools):
        assert pins(ROOT / file)  # it raises where a line pins no version


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    served, model = wanted(project["dependencies"]), wanted(project["optional-dependencies"]["model"])
    assert served <= names(SERVED)
    assert served | model <= names(COMPILE_STAGE)
    assert served | model | wanted(project["optional-dependencies"]["dev"]) <= names("requirements.txt")


def test_what_makes_models_is_not_served() -> None:
    assert not {name for name in names(SERVED) if name.startswith(("tensorflow", "keras", "h5py", "huggingface"))}


@pytest.mark.parametrize("file", IN_THE_IMAGE)
def test_a_pin_in_the_image_has_the_hashes_of_its_files(file: str) -> None:
    found = pins(ROOT / file)
    assert [pin for pin in found if not pin.hashes] == []
    assert [pin for pin in found for one in pin.hashes if not re.fullmatch(r"sha256:[0-9a-f]{64}", one)] == []


@pytest.mark.parametrize("file", IN_THE_IMAGE)
def test_no_package_has_the_hash_of_another(file: str) -> None:
    hashes = [one for pin in pins(ROOT / file) for one in pin.hashes]
    assert len(hashes) == len(set(hashes))


@pytest.mark.parametrize("name", ["ai-edge-litert", "numpy", "pillow", "pydantic-core"])
def test_hashes_are_those_of_many_files_and_not_of_one_machines_alone(name: str) -> None:
    """Compiled packages have a wheel for each Python, system and processor; a lock for one alone would hold a few."""
    served, compiled = ({pin.name: pin for pin in pins(ROOT / file)} for file in IN_THE_IMAGE)
    assert len(served[name].hashes) >= 10
    assert served[name] == compiled[name]


def test_the_image_installs_nothing_whose_hash_is_not_locked() -> None:
    installs = re.findall(r"pip install [^&]*", DOCKERFILE)
    assert [re.findall(r"(?<= -r )\S+", install) for install in installs] == [
        [COMPILE_STAGE],
        ["/tmp/requirements.txt"],
    ]
    assert all(" --require-hashes " in install for install in installs)


def test_the_laptops_lock_stays_readable() -> None:
    assert not [pin for pin in pins(ROOT / "requirements.txt") if pin.hashes]


def test_a_pin_is_read_over_its_lines(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# a comment\n\none==1.0 ; python_version < '3.14' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ntwo==2\n",
        "utf-8",
    )
    assert pins(lock) == [Pin("one", "1.0", ("sha256:aa", "sha256:bb")), Pin("two", "2", ())]
    assert [str(pin) for pin in pins(lock)] == ["one==1.0", "two==2"]


@pytest.mark.parametrize("line", ["one>=1.0", "-r other.txt", "one", "one @ https://example.org/one.whl"])
def test_a_line_that_pins_no_version_is_named(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"{line}\n", "utf-8")
    with pytest.raises(LockError, match="make lock"):
        pins(lock)
