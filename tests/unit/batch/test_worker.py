import errno
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.images import image_file, noise_file, png_that_claims
from thyroid.batch import worker as work
from thyroid.batch.worker import Failed, Job, Processed, Task, Unchanged, Worker, record_crash, start_worker
from thyroid.core.analyzer import Analyzer
from thyroid.core.manifest import Manifest
from thyroid.core.options import ExplainOptions
from thyroid.errors import ModelUnavailableError
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT
from thyroid.settings import Settings
from thyroid.web import responses


@pytest.fixture
def job(artifact: Path, tmp_path: Path) -> Job:
    (tmp_path / "scans").mkdir()
    settings = Settings(model_dir=artifact, max_upload_bytes=100_000)
    options = ExplainOptions(Manifest.load(artifact).default_layer)
    return Job(tmp_path / "scans", tmp_path / "results", settings, options)


@pytest.fixture
def worker(job: Job) -> Worker:
    return Worker(job)


def put(job: Job, key: str, data: bytes) -> Task:
    path = job.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Task(key)


def written(job: Job, key: str, name: str) -> Any:
    return json.loads((job.results / key / name).read_bytes())


def names(job: Job, key: str) -> set[str]:
    return {path.name for path in (job.results / key).iterdir()}


def test_an_image_gets_what_the_api_answers(job: Job) -> None:
    data = noise_file(200, 300)
    options = replace(job.options, target="benign", size=96)
    job = replace(job, options=options, settings=replace(job.settings, max_upload_bytes=1_000_000))

    reply = Worker(job)(put(job, "a/scan.png", data))

    analysis = Analyzer(job.settings).explain(data, options)
    assert analysis.explanation is not None
    response = responses.analyze(analysis, "scan.png")
    result = written(job, "a/scan.png", RESULT)
    expected = response.model_dump(mode="json", by_alias=True, exclude={"gradcam", "timestamp"})
    assert {name: result[name] for name in expected} == expected
    assert result["gradcam"]["target"] == "benign"
    assert result["input"] == {
        "bucket": None,
        "key": "a/scan.png",
        "version_id": None,
        "etag": None,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    folder = job.results / "a/scan.png"
    assert (folder / HEATMAP).read_bytes() == analysis.explanation.images.heatmap
    assert (folder / OVERLAY).read_bytes() == analysis.explanation.images.overlay
    # AND what is recorded of it is the same, its audit record with it
    assert isinstance(reply, Processed)
    assert (reply.outcome.status, reply.outcome.score) == ("analysed", analysis.assessment.score)
    assert reply.record is not None
    assert reply.record.score == reply.outcome.score


BROKEN = {
    "empty": (b"", "invalid_request"),
    "text": (b"I am no image", "unsupported_media_type"),
    "truncated": (noise_file(40, 40)[:2000], "unreadable_image"),
    "too many pixels": (png_that_claims(30_000, 30_000), "payload_too_large"),
    "too many bytes": (bytes(100_001), "payload_too_large"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_image_that_cannot_be_read_gets_an_error_with_the_apis_code(job: Job, worker: Worker, kind: str) -> None:
    data, code = BROKEN[kind]

    reply = worker(put(job, "scan.png", data))

    assert isinstance(reply, Processed)
    assert (reply.outcome.status, reply.outcome.code, reply.record) == ("refused", code, None)
    assert names(job, "scan.png") == {ERROR}
    assert written(job, "scan.png", ERROR)["code"] == code


def test_a_file_that_is_too_large_is_not_read(job: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    task = put(job, "scan.png", bytes(100_001))
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        assert path != job.root / "scan.png"
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)

    reply = worker(task)

    assert isinstance(reply, Processed)
    assert (reply.bytes, reply.sha256) == (100_001, None)
    assert worker(replace(task, known=(100_001, None, reply.decision_sha256))) == Unchanged()


def test_only_the_file_that_is_known_and_whose_results_are_there_stays_as_it_is(job: Job, worker: Worker) -> None:
    task = put(job, "scan.png", image_file())
    first = worker(task)
    assert isinstance(first, Processed)
    known = replace(task, known=(first.bytes, first.sha256, first.decision_sha256))

    assert worker(known) == Unchanged()

    # WHEN the file is another one of the same length
    put(job, "scan.png", image_file()[:-1] + b"x")
    assert isinstance(worker(known), Processed)
    # WHEN its results are gone
    put(job, "scan.png", image_file())
    (job.results / "scan.png" / RESULT).unlink()
    assert isinstance(worker(known), Processed)


def test_a_file_that_is_gone_is_no_fault_of_an_image(job: Job, worker: Worker) -> None:
    assert worker(Task("gone.png")) == Failed("No such file or directory")
    assert record_crash(job, "gone.png") == Failed("No such file or directory")
    assert not job.results.exists()


@pytest.mark.parametrize(("code", "is_final"), [(errno.ENOSPC, True), (errno.EACCES, False)])
def test_a_full_disk_is_the_end_and_another_error_is_not(
    job: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch, code: int, is_final: bool
) -> None:
    def write(*_: object) -> None:
        raise OSError(code, "the reason", "name-of-a-patient.png")

    task = put(job, "scan.png", image_file())
    monkeypatch.setattr(work, "write_result_files", write)

    assert worker(task) == Failed("the reason", is_final)


def test_an_error_that_was_not_expected_is_told_of_by_its_kind_alone(
    job: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def process(*_: object, **__: object) -> None:
        raise ZeroDivisionError("name of a patient")

    task = put(job, "scan.png", image_file())
    monkeypatch.setattr(work, "process_image", process)

    reply = worker(task)

    assert isinstance(reply, Processed)
    assert reply.outcome.code == "internal_error"
    assert "ZeroDivisionError" in written(job, "scan.png", ERROR)["detail"]
    assert "patient" not in written(job, "scan.png", ERROR)["detail"]


def test_a_deadly_image_gets_an_error_that_says_so(job: Job) -> None:
    data = image_file()
    put(job, "scan.png", data)

    reply = record_crash(job, "scan.png")

    assert isinstance(reply, Processed)
    assert (reply.bytes, reply.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert written(job, "scan.png", ERROR)["code"] == "internal_error"


@pytest.mark.parametrize("name", ["\udcff" * 250 + ".png", "甲" * 80 + ".png", 'a\n,"b".png'])
def test_a_name_of_any_kind_gets_its_result(job: Job, worker: Worker, name: str) -> None:
    reply = worker(put(job, f"{'d' * 255}/{'e' * 255}/{'f' * 255}/{name}", image_file()))

    assert isinstance(reply, Processed)
    assert reply.outcome.status == "analysed"
    assert (job.results / ("d" * 255) / ("e" * 255) / ("f" * 255) / name / RESULT).exists()


@pytest.mark.filterwarnings("default")
def test_nobody_is_made_ready_without_a_model(job: Job, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError):
        start_worker(replace(job, settings=Settings(model_dir=tmp_path)))
