import csv
import json
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.images import image_file, noise_file
from thyroid.batch.run import run_batch
from thyroid.batch.summary import RunSummary
from thyroid.batch.worker import Failed, Job, Task, TaskResult, Worker, start_worker
from thyroid.core.manifest import MANIFEST_FILE, Manifest
from thyroid.core.options import ExplainOptions
from thyroid.errors import ModelUnavailableError
from thyroid.files.result_files import ERROR, RESULT
from thyroid.settings import Settings

KEYS = [f"{number}.png" for number in range(6)]


class Fragile(Worker):
    """Dies of some images."""

    def __call__(self, task: Task) -> TaskResult:
        if task.key == "3.png":
            signal.raise_signal(signal.SIGKILL)
        return super().__call__(task)


class FullDisk(Worker):
    """Finds the disk full from some image on."""

    def __call__(self, task: Task) -> TaskResult:
        return Failed("No space left on device", is_final=True) if task.key >= "2.png" else super().__call__(task)


@pytest.fixture
def job(artifact: Path, tmp_path: Path) -> Job:
    root, out = tmp_path / "scans", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    for number, key in enumerate(KEYS):
        (root / key).write_bytes(noise_file(40, 40, seed=number))
    return Job(
        root, out / "results", Settings(model_dir=artifact), ExplainOptions(Manifest.load(artifact).default_layer)
    )


def run(job: Job, processes: int = 1, **options: object) -> RunSummary:
    manifest = Manifest.load(job.settings.model_dir)
    return run_batch(job, manifest, job.results.parent, KEYS, processes=processes, **options)  # type: ignore[arg-type]


def table(job: Job) -> dict[str, dict[str, str]]:
    with (job.results.parent / "results.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def scored(job: Job) -> Counter[str]:
    """How many times each file was scored."""
    lines = (job.results.parent / "audit.jsonl").read_text().splitlines()
    return Counter(json.loads(line)["input_sha256"] for line in lines)


def test_what_is_done_is_not_done_again(job: Job) -> None:
    summary = run(job, processes=2)
    assert (summary.processed, summary.unchanged) == (Counter(analysed=6), Counter())
    assert summary.risks.total() == 6

    again = run(job)

    assert (again.processed, again.unchanged, again.risks) == (Counter(), Counter(analysed=6), summary.risks)
    assert list(table(job)) == KEYS
    assert set(scored(job).values()) == {1}


def test_a_file_that_changed_is_done_again_and_so_is_what_was_broken(job: Job) -> None:
    (job.root / "1.png").write_bytes(b"broken")
    assert run(job).processed == Counter(analysed=5, refused=1)
    assert run(job).refused == 1
    (job.root / "1.png").write_bytes(image_file())
    (job.root / "2.png").write_bytes(b"broken")

    summary = run(job)

    assert (summary.processed, summary.unchanged) == (Counter(analysed=1, refused=1), Counter(analysed=4))
    assert {key: row["status"] for key, row in table(job).items() if row["status"] != "analysed"} == {
        "2.png": "refused"
    }
    assert not (job.results / "1.png" / ERROR).exists()
    assert not (job.results / "2.png" / RESULT).exists()


def test_with_another_model_all_is_done_again(job: Job, copied_artifact: Path) -> None:
    run(job)
    manifest = copied_artifact / MANIFEST_FILE
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"version": "9.9.9"}), "utf-8")

    summary = run(replace(job, settings=Settings(model_dir=copied_artifact)))

    assert summary.processed == Counter(analysed=6)
    assert json.loads((job.results / "0.png" / RESULT).read_text())["model"]["version"] == "9.9.9"
    assert len(table(job)) == 6


def test_with_other_options_or_limits_all_is_done_again(job: Job) -> None:
    run(job)
    layer = Manifest.load(job.settings.model_dir).conv_layers[0].name
    others = [
        replace(job, options=replace(job.options, layer_name=layer)),
        replace(job, options=replace(job.options, target="benign")),
        replace(job, options=replace(job.options, size=64)),
        replace(job, settings=replace(job.settings, max_pixels=1599)),
        replace(job, settings=replace(job.settings, max_upload_bytes=100)),
    ]
    for other in others:
        assert run(other).processed.total() == 6, other


def test_what_a_killed_run_with_other_options_left_is_not_taken_for_an_earlier_result(job: Job) -> None:
    # GIVEN a run, and one with other options that was killed between an image's files and its line
    run(job)
    Worker(replace(job, options=replace(job.options, target="benign")))(Task("0.png"))

    # WHEN the first command is given again
    summary = run(job)

    # THEN the image's files are its own again
    assert (summary.processed, summary.unchanged) == (Counter(analysed=1), Counter(analysed=5))
    assert json.loads((job.results / "0.png" / RESULT).read_text())["gradcam"]["target"] == "malignant"


def test_a_deadly_image_is_refused_the_others_are_analysed_and_the_next_run_tries_again(job: Job) -> None:
    summary = run(job, processes=2, start=Fragile)

    assert summary.processed == Counter(analysed=5, refused=1)
    assert json.loads((job.results / "3.png" / ERROR).read_text())["code"] == "internal_error"
    assert table(job)["3.png"]["code"] == "internal_error"

    assert run(job).processed == Counter(analysed=1)
    assert set(scored(job).values()) == {1}


def test_a_file_that_cannot_be_read_fails_and_the_next_run_tries_again(job: Job) -> None:
    (job.root / "4.png").rename(job.root / "away")
    summary = run(job)

    assert summary.failures == {"4.png": "No such file or directory"}
    assert "4.png" not in table(job)
    failed = job.results.parent / "failed.jsonl"
    assert json.loads(failed.read_text()) == {"key": "4.png", "reason": "No such file or directory"}

    (job.root / "away").rename(job.root / "4.png")
    assert run(job).processed == Counter(analysed=1)
    assert not failed.exists()


def test_a_full_disk_ends_the_run(job: Job) -> None:
    summary = run(job, start=FullDisk)

    assert summary.stopped == "The results cannot be written: No space left on device."
    assert summary.failures == {"2.png": "No space left on device"}
    assert list(table(job)) == KEYS[:2]


def no_model(_job: Job) -> Worker:
    raise ModelUnavailableError("The model does not reproduce its golden score here.")


def dead_on_arrival(job: Job) -> Worker:
    signal.raise_signal(signal.SIGKILL)
    return start_worker(job)


def test_a_model_that_fails_or_kills_ends_the_run_and_is_no_fault_of_an_image(job: Job) -> None:
    assert run(job, start=no_model).stopped == "The model does not reproduce its golden score here."
    assert run(job, start=dead_on_arrival).stopped == "A process died before it had its first image."
    assert table(job) == {}


def test_interrupted_the_table_tells_of_what_is_done_and_the_next_run_does_the_rest(job: Job) -> None:
    def interrupt(summary: RunSummary) -> None:
        if summary.processed.total() == 2:
            signal.raise_signal(signal.SIGINT)

    summary = run(job, on_progress=interrupt)

    assert summary.interrupted
    assert list(table(job)) == KEYS[:2]
    assert run(job).processed == Counter(analysed=4)
    assert list(table(job)) == KEYS


def test_a_run_that_was_killed_while_writing_a_line_goes_on(job: Job) -> None:
    run(job)
    for name in ("results.jsonl", "audit.jsonl"):
        path = job.results.parent / name
        path.write_bytes(path.read_bytes()[:-20])

    summary = run(job)

    assert (summary.processed, summary.unchanged) == (Counter(analysed=1), Counter(analysed=5))
    assert list(table(job)) == KEYS
    assert set(scored(job).values()) == {1}


def older(line: dict[str, object]) -> dict[str, object]:
    """A line as a version wrote it that had other fields."""
    return {name: value for name, value in line.items() if name not in ("schema_version", "input_reasons")}


@pytest.mark.parametrize(
    "changed", [older, lambda line: line | {"schema_version": 0}], ids=["other fields", "another number"]
)
def test_results_of_another_version_are_counted_and_made_again(
    job: Job, changed: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    # GIVEN results of which three are of another version, one of these of an image that is gone
    run(job)
    path = job.results.parent / "results.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[:2] = [changed(line) for line in lines[:2]]
    lines.append(changed(lines[2] | {"key": "gone.png"}))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    started: list[int] = []

    summary = run(job, on_start=lambda summary: started.append(summary.other_version))

    # THEN the first thing said is how many are made again, and they are
    assert started == [2]
    assert (summary.processed, summary.unchanged) == (Counter(analysed=2), Counter(analysed=4))
    assert list(table(job)) == KEYS
    # AND only once
    assert run(job).other_version == 0
    assert run(job).unchanged == Counter(analysed=6)
