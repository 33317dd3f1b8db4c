"""What a start and a picture may cost, counted in things that are the same on any machine.

Each bound is what was counted, and a little: who breaks one has added something that every first call waits for.
Ratios to TensorFlow in the same run are in tests/slow/test_speed.py, the image's bytes in tests/e2e/test_image.py.
"""

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from thyroid import phantom
from thyroid.service import Service
from thyroid.settings import Settings

ROOT = Path(__file__).parents[2]
ENDPOINTS = ("predict", "gradcam", "analyze", "health", "model_info", "report", "upload_links")
# Counted: 634 to 639, 674, 747 and 662. Another Python has some more or less.
MOST_MODULES = {**dict.fromkeys(ENDPOINTS, 670), "site": 710, "uploads": 785, "archive_summary": 695}
PACKAGES_OF_A_START = {
    *("PIL", "aws_lambda_powertools", "fastapi", "mangum", "numpy", "python_multipart"),  # ours
    *("annotated_doc", "annotated_types", "anyio", "opentelemetry", "pydantic", "pydantic_core"),  # FastAPI's
    *("starlette", "typing_extensions", "typing_inspection"),  # FastAPI's
    *("botocore", "jmespath"),  # Powertools', of which hardly anything is loaded
}


def said_by(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("function", MOST_MODULES)
def test_a_start_loads_few_modules(function: str) -> None:
    (count,) = said_by(f"import functions.{function}, sys; print(len(sys.modules))")

    assert int(count) <= MOST_MODULES[function]


@pytest.mark.parametrize("function", ENDPOINTS)
def test_a_start_loads_these_packages_and_no_other(function: str) -> None:
    code = f"""
import sys
before = set(sys.modules)
import functions.{function}
print(*{{name.split(".")[0] for name in sys.modules.keys() - before}} - set(sys.stdlib_module_names))
"""
    found = {name for name in said_by(code) if not name.startswith("_")}

    assert found - {"functions", "thyroid"} <= PACKAGES_OF_A_START


def grey_jpeg() -> bytes:
    picture = phantom.make(1, suspicious=True, height=400, width=600)
    file = io.BytesIO()
    Image.fromarray(np.asarray(Image.fromarray(picture).resize((3000, 2000)))).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("endpoint", ["predict", "gradcam"])
def test_a_picture_is_copied_out_of_the_decoder_once(artifact: Path, endpoint: str) -> None:
    """Pillow hands its pixels over in pieces that it joins: for that moment they are there twice, and never again."""
    service = Service(Settings(model_dir=artifact))
    ask = getattr(service, endpoint)
    data = grey_jpeg()
    ask(data)

    tracemalloc.start()
    ask(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak / (3000 * 2000) < 2.1  # one byte a pixel: it has no colour


def test_the_network_runs_in_two_pieces_of_compiled_kernels(artifact: Path) -> None:
    """XNNPACK takes what it can of a graph in one piece; each operator that it can't splits it."""
    interpreter = Interpreter(model_path=str(artifact / "score.tflite"))
    interpreter.allocate_tensors()
    operators = [each["op_name"] for each in interpreter._get_ops_details()]

    assert operators.count("DELEGATE") <= 2
    assert len(operators) <= 230


def test_the_artifact_is_small(artifact: Path) -> None:
    assert (artifact / "score.tflite").stat().st_size < 1.9e6
    assert sum(file.stat().st_size for file in artifact.iterdir()) < 18e6
