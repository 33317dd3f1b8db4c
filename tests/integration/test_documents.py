"""What the documents tell a reader to type is run here, or stands in a short list with the reason beside it."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.documents import ROOT, Block, Command, blocks, commands, targets
from tests.images import saved
from thyroid.files.result_files import Outcome
from thyroid.s3.events import Upload
from thyroid.s3.notify import notify
from thyroid.s3.store import ResultStore
from thyroid_model.compiling.meaning import RISK_BANDS

# Commands that are not run, by how they begin. `make` is at least asked whether it knows them, with these variables.
NOT_RUN = {
    "make run": "serves until it is stopped; the server that answers the examples here is the same application",
    "make test": "is what runs this",
    "make build": "needs a container engine; tests/e2e builds and runs the image",
    "make e2e": "needs a container engine; it is a step of .ci/run",
    "make deploy": "needs an account; tests/e2e deploys the same template to a local AWS",
    "make destroy": "needs an account; tests/e2e takes the deployed stack away",
    "make archive": "needs a deployed stack; tests/e2e/test_uploads.py runs it on a local AWS",
    "make replay": "needs a deployed stack; tests/e2e/test_uploads.py runs it on a local AWS",
    "make train": "needs the data sets and hours; tests/unit/model/training/test_train.py trains in miniature",
    "make evaluate": "needs the data sets; tests/unit/model/evaluation/test_evaluate.py evaluates in miniature",
    "aws ": "needs an account",
    "KEY=$(aws ": "needs an account",
    'curl -s -H "X-Api-Key': "needs a deployed stack and its key; tests/e2e/test_deployed.py sends one",
    "git checkout THE-COMMIT-BEFORE": "goes back to a commit of the reader's own choice",
}
NOT_COMPARED = {
    "yaml": "tests/stack/test_api.py applies the change to the template",
    "powershell": "is for Windows; nothing here runs there",
    "": "is a drawing, or a query of CloudWatch Logs Insights",
    "diff": "tests/unit/tools/test_mutants_kept.py holds what mutants changed to the code",
}
LOCAL, DEPLOYED = "http://localhost:8000", "https://ADDRESS/prod"


@pytest.fixture
def desk(scan: bytes, artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder: the checkout's environment, client and make, and the images that the examples name."""
    image = Image.open(io.BytesIO(scan)).convert("RGB")
    for name, kind in (("scan.jpg", "JPEG"), ("other.png", "PNG"), ("large.tif", "TIFF")):
        (tmp_path / name).write_bytes(saved(image, kind))
    (tmp_path / "FOLDER").mkdir()
    shutil.copy(tmp_path / "scan.jpg", tmp_path / "FOLDER")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "client", tmp_path / "client", ignore=shutil.ignore_patterns("*.egg-info", "build"))
    for name, value in (
        ("THYROID_MODEL_DIR", str(artifact.resolve())),
        ("PYTHONPATH", os.pathsep.join(str(ROOT / f) for f in ("layers/inference/python", "layers/model", "client"))),
        ("PATH", f"{tmp_path / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"),
        ("NO_PROXY", "127.0.0.1"),
        # A reader's pip would fetch what the client needs, and leave its files in the environment.
        *(("PIP_NO_DEPS", "1"), ("PIP_NO_BUILD_ISOLATION", "0"), ("PIP_TARGET", str(tmp_path / "installed"))),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def reason(command: Command) -> str | None:
    return next((begin for begin in NOT_RUN if command.text.startswith(begin)), None)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_an_example_in_python_runs(block: Block, desk: Path, server: tuple[str, Path]) -> None:
    code = block.text.replace(LOCAL, server[0]).replace(DEPLOYED, server[0])
    assert code != block.text, "it asks the service"

    printed = run(sys.executable, "-c", code).stdout

    assert any(band.label in printed for band in RISK_BANDS)
    for name in re.findall(r'save\("(.*?)"\)', block.text):
        with Image.open(desk / name) as image:
            assert min(image.size) > 0


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("command", [command for command in commands() if reason(command) is None], ids=str)
def test_a_command_runs(command: Command, server: tuple[str, Path]) -> None:
    if command.text.startswith("curl ") and not shutil.which("curl"):
        pytest.skip("there is no curl on this machine")

    done = run("bash", "-c", command.text.replace(LOCAL, server[0]))

    assert done.stdout + done.stderr, "it says something"


@pytest.mark.parametrize("told", sorted(targets().items()), ids=lambda told: f"make {told[0]}")
def test_whatever_is_to_be_made_make_knows(told: tuple[str, str]) -> None:
    target, document = told
    variables = ("DATA=x", "PUBLISHED=x", "PREFIX=x", "STACK=x", "REGION=x", "BUILDER=x")

    done = subprocess.run(["make", "-n", target, *variables], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{document}: {done.stderr}"


def test_the_answer_in_the_readme_has_the_fields_of_a_real_one(server: tuple[str, Path], scan: bytes) -> None:
    (told,) = [json.loads(block.text) for block in blocks("json") if block.document == "README.md"]

    answer = httpx.post(
        f"{server[0]}/api/v1/predict", content=scan, headers={"Content-Type": "image/png"}, trust_env=False
    ).json()

    assert names(told) == names(answer)


def test_the_event_in_the_documents_has_the_fields_of_a_real_one() -> None:
    (told,) = [json.loads(block.text) for block in blocks("json") if block.document == "docs/uploads.md"]
    entries: list[dict[str, Any]] = []

    class Fake:
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803 - as boto3 has it
            entries.extend(Entries)
            return {"FailedEntryCount": 0}

    outcome = Outcome(status="analysed", score=0.63, label="x", risk="y", model_sha256="z")
    bus: Any = Fake()
    s3: Any = None  # nothing is asked of it
    notify(bus, ResultStore(s3, "results", "uploads"), Upload("uploads", "2026/scan.jpg", "v", "e"), outcome)

    (entry,) = entries
    assert (told["source"], told["detail-type"]) == (entry["Source"], entry["DetailType"])
    assert names(told["detail"]) == names(json.loads(entry["Detail"]))


def names(value: object) -> object:
    """Leave the names of the fields, without what is in them."""
    return {name: names(part) for name, part in value.items()} if isinstance(value, dict) else None


def test_all_other_blocks_are_known_and_why_they_are_not_run() -> None:
    languages = {block.language for block in blocks()} - {"python", "bash", "json"}
    assert languages == set(NOT_COMPARED)
    assert {block.document for block in blocks("json")} == {"README.md", "docs/uploads.md"}


def test_no_reason_stands_there_without_a_command() -> None:
    assert {reason(command) for command in commands()} - {None} == set(NOT_RUN)
