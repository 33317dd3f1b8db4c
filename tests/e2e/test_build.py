"""A build that fails says why in one sentence, and leaves the last build unchanged."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.commands import ROOT, base_image
from tests.unit.model.networks.test_hub import PROXIES, Running

BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
MODEL_FILE = "/vaidehibh/fibonacci_cnn/resolve/main/thyroid_cancer_model.h5"


def build(model: str, tmp_path: Path, hub: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    """Run ``make build`` with an empty hub cache and another address of the hub."""
    kept = {name: value for name, value in os.environ.items() if name not in PROXIES}
    environment = {**kept, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "BASE_IMAGE": base_image()}
    command = ["make", "build", f"MODEL={model}"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def told_by(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one error message of a failed build."""
    assert done.returncode != 0, done.stdout[-2000:]
    assert "Build Succeeded" not in done.stdout + done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith(("error: ", "Makefile:")))
    return sentence


@pytest.fixture(autouse=True)
def build_before(image: str) -> Iterator[None]:
    """The last build, which no failed build may change."""
    before = BUILT.stat().st_mtime_ns
    yield
    assert BUILT.stat().st_mtime_ns == before


def test_a_model_without_a_name(tmp_path: Path) -> None:
    assert "MODEL has to be bundled, published or a path" in told_by(build("", tmp_path))


def test_a_model_file_that_is_not_there(tmp_path: Path) -> None:
    assert "There is no model file at no_such.h5" in told_by(build("no_such.h5", tmp_path))


@pytest.mark.timeout(120)  # the hub's client tries again for half a minute
def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    sentence = told_by(build("published", tmp_path))
    assert "cannot be reached" in sentence
    assert "MODEL=PATH" in sentence  # what to do instead


def test_a_hub_that_gives_another_file_than_was_pinned(tmp_path: Path) -> None:
    running = Running()
    running.hub.route = MODEL_FILE
    try:
        sentence = told_by(build("published", tmp_path, running.hub.address))
    finally:
        running.stop()
    assert "is not the pinned one" in sentence
    assert not list((ROOT / "build" / "weights").iterdir())


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("", "error: MODEL is empty"),
        ("build/weights/none.h5", "error: There is no model file at build/weights/none.h5"),
    ],
)
def test_the_image_alone_is_not_built_without_a_model_either(model: str, told: str) -> None:
    command = ["docker", "build", "--force-rm", "--file", "functions/Dockerfile", "--target", "compile", "--build-arg"]
    command += [f"BASE_IMAGE={base_image()}", "--build-arg", f"MODEL={model}", "."]
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}  # SAM's builder, whose layers are there already
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
