"""Names of tests are the same each time they are collected: processes that share a run have to agree on them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SLOWEST_FILES

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/unit", "tests/integration", "tests/slow", "tests/browser")  # which processes share


def collected(hash_seed: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *FOLDERS]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_the_files_that_are_to_run_first_are_there() -> None:
    files = {path.stem for folder in FOLDERS for path in (ROOT / folder).rglob("test_*.py")}

    assert set(SLOWEST_FILES) <= files


def test_two_collections_have_the_same_names_in_the_same_order() -> None:
    first, second = collected("1"), collected("2")

    assert len(first) > 5000
    assert first == second
