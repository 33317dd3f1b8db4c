"""What a function's start does without, and that it is there again once a request comes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.stem for path in (ROOT / "functions").glob("*.py") if path.stem != "__init__")
OVER_HTTP = [name for name in FUNCTIONS if name not in ("uploads", "archive_summary")]


def said_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("function", FUNCTIONS)
def test_garbage_is_looked_for_once_all_is_imported(function: str) -> None:
    said = said_by(f"import gc, functions.{function}; print(gc.isenabled(), gc.get_freeze_count() > 10_000)")

    assert said == "True True\n"


@pytest.mark.parametrize("function", OVER_HTTP)
def test_schemas_that_only_the_documentation_needs_are_not_built(function: str) -> None:
    said = said_by(
        f"import functions.{function}, fastapi.openapi.models as m; "
        "print(m.OpenAPI.__pydantic_complete__, m.Info.__pydantic_complete__)"
    )

    assert said == "False False\n"
