"""What a start and an image may cost, counted in things that are the same on any machine.

Each bound is what was counted, and a little: who breaks one has added something that every first call waits for.
Ratios to TensorFlow in the same run are in tests/slow/test_speed.py, the image's bytes in tests/e2e/test_image.py.
"""

import io
import json
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from tests.endpoints import FUNCTIONS
from thyroid import phantom
from thyroid.core.analyzer import Analyzer
from thyroid.settings import Settings

ROOT = Path(__file__).parents[3]
# Counted: 568 to 573, 608, 680 and 595. Another Python has some more or less.
MAX_MODULES = {**dict.fromkeys(FUNCTIONS, 600), "site": 640, "s3_worker": 715, "archive_summary": 625}
PACKAGES_OF_A_START = {
    *("PIL", "aws_lambda_powertools", "fastapi", "mangum", "numpy", "python_multipart"),  # ours
    *("annotated_doc", "annotated_types", "anyio", "opentelemetry", "pydantic", "pydantic_core"),  # FastAPI's
    *("starlette", "typing_extensions", "typing_inspection"),  # FastAPI's
    *("botocore", "jmespath"),  # Powertools', of which hardly anything is loaded
}


@dataclass(frozen=True)
class Start:
    """What a process has loaded once a function's module is imported."""

    modules: list[str]
    looks_for_garbage: bool
    kept_from_the_search: int
    built: list[str]


@cache
def start(function: str) -> Start:
    code = f"""
import gc, json, sys
before = set(sys.modules)
import functions.{function}
openapi = sys.modules.get("fastapi.openapi.models")
built = [name for name in ("OpenAPI", "Info") if openapi and getattr(openapi, name).__pydantic_complete__]
print(json.dumps([sorted(sys.modules.keys() - before), gc.isenabled(), gc.get_freeze_count(), built]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return Start(*json.loads(done.stdout))


@pytest.mark.parametrize("function", MAX_MODULES)
def test_a_start_loads_few_modules(function: str) -> None:
    assert len(start(function).modules) <= MAX_MODULES[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_start_loads_these_packages_and_no_other(function: str) -> None:
    found = {name.split(".")[0] for name in start(function).modules} - set(sys.stdlib_module_names)

    assert {name for name in found if not name.startswith("_")} - {"functions", "thyroid"} <= PACKAGES_OF_A_START


@pytest.mark.parametrize("function", MAX_MODULES)
def test_garbage_is_looked_for_once_all_is_imported_and_not_among_that(function: str) -> None:
    assert start(function).looks_for_garbage
    assert start(function).kept_from_the_search > 10_000


@pytest.mark.parametrize("function", [*FUNCTIONS, "site"])
def test_schemas_that_only_the_documentation_needs_are_not_built(function: str) -> None:
    assert start(function).built == []


def grey_jpeg() -> bytes:
    image = phantom.make(1, suspicious=True, height=400, width=600)
    file = io.BytesIO()
    Image.fromarray(np.asarray(Image.fromarray(image).resize((3000, 2000)))).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("endpoint", ["predict", "gradcam"])
def test_an_image_is_copied_out_of_the_decoder_once(artifact: Path, endpoint: str) -> None:
    """Pillow hands its pixels over in pieces that it joins: for that moment they are there twice, and never again."""
    analyzer = Analyzer(Settings(model_dir=artifact))
    ask = {"predict": analyzer.score, "gradcam": analyzer.explain}[endpoint]
    data = grey_jpeg()
    ask(data)

    tracemalloc.start()
    try:
        ask(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak / (3000 * 2000) < 2.1  # one byte a pixel: it has no colour


def test_the_network_runs_in_two_pieces_of_compiled_kernels(artifact: Path) -> None:
    """XNNPACK takes what it can of a graph in one piece; each operator that it can't splits it."""
    interpreter = Interpreter(model_path=str(artifact / "score.tflite"))
    interpreter.allocate_tensors()
    operators = [each["op_name"] for each in interpreter._get_ops_details()]

    assert 1 <= operators.count("DELEGATE") <= 2
    assert len(operators) <= 230


def test_the_artifact_is_small(artifact: Path) -> None:
    assert (artifact / "score.tflite").stat().st_size < 1.9e6
    assert sum(file.stat().st_size for file in artifact.iterdir()) < 18e6
