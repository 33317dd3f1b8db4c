"""A run over the images of a folder: existing results are kept, all other images are processed and recorded.

An image gets its line in ``results.jsonl`` once all its files are written, so no line is about files that do not exist.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import astuple
from functools import partial
from pathlib import Path

from thyroid.batch.ledger import Ledger, Line
from thyroid.batch.process_pool import CannotStartError, interrupts_ignored, run_tasks
from thyroid.batch.summary import RunSummary
from thyroid.batch.worker import Failed, Job, Processed, Task, TaskResult, record_crash, start_worker
from thyroid.core.input_check import RULE_SHA256
from thyroid.core.manifest import Manifest
from thyroid.errors import ThyroidError
from thyroid.files.atomic import atomic_file
from thyroid.files.json_lines import JsonLines

RESULTS, LINES, TABLE, AUDIT, FAILED = "results", "results.jsonl", "results.csv", "audit.jsonl", "failed.jsonl"


def run_batch(
    job: Job,
    manifest: Manifest,
    out: Path,
    keys: Sequence[str],
    *,
    processes: int,
    on_start: Callable[[RunSummary], None] = lambda _summary: None,
    on_progress: Callable[[RunSummary], None] = lambda _summary: None,
    start: Callable[[Job], Callable[[Task], TaskResult]] = start_worker,
) -> RunSummary:
    """Process the images of a folder, and record what became of them.

    Parameters
    ----------
    job : Job
        Where they are, and how they are processed.
    manifest : Manifest
        Of the model.
    out : pathlib.Path
        Folder of all that is written, locked for this run (:func:`thyroid.files.lock.lock_folder`).
    keys : sequence of str
        Which images.
    processes : int
        How many processes.
    on_start, on_progress : callable, optional
        Receive the summary before the first image, and after each image.
    start : callable, optional
        Prepares a process for images.

    Raises
    ------
    OSError
        If the files that record the run cannot be written.
    """
    summary = RunSummary()
    with Ledger(out / LINES) as ledger, JsonLines(out / AUDIT) as audit:
        recorder = _Recorder(_recipe(job, manifest), ledger, audit, summary)
        tasks = [recorder.task(key) for key in keys]
        summary.other_version = ledger.count_other_version(keys)
        on_start(summary)
        try:
            with closing(run_tasks(partial(start, job), tasks, processes)) as results:
                for task, task_result in results:
                    result = task_result or record_crash(job, task.key)
                    recorder.record(task, result)
                    on_progress(summary)
                    if isinstance(result, Failed) and result.is_final:
                        summary.stopped = f"The results cannot be written: {result.reason}."
                        break
        except KeyboardInterrupt:
            summary.interrupted = True
        except ThyroidError as error:
            summary.stopped = error.detail
        except CannotStartError:
            summary.stopped = "A process died before it had its first image."
        with interrupts_ignored():
            ledger.write_table(out / TABLE)
            _write_failures(out / FAILED, summary)
    return summary


class _Recorder:
    """Records what became of the images in the files of a run and in its summary."""

    def __init__(self, recipe_sha256: str, ledger: Ledger, audit: JsonLines, summary: RunSummary) -> None:
        self._recipe_sha256 = recipe_sha256
        self._ledger = ledger
        self._audit = audit
        self._summary = summary

    def task(self, key: str) -> Task:
        """Return what is to be done about an image, from what is known of it."""
        line = self._ledger.latest.get(key)
        # Whether an internal error was the image's fault is not known, so the next run tries again.
        if line is None or line.recipe_sha256 != self._recipe_sha256 or line.code == ThyroidError.code:
            return Task(key)
        return Task(key, known=(line.bytes, line.sha256, line.decision_sha256))

    def record(self, task: Task, result: TaskResult) -> None:
        """Record what became of an image."""
        if isinstance(result, Failed):
            self._summary.failures[task.key] = result.reason
            return
        if isinstance(result, Processed):
            if result.record is not None:
                self._audit.append(result.record.model_dump_json())
            outcome = result.outcome.model_dump()
            self._ledger.append(
                Line(
                    task.key,
                    result.bytes,
                    result.sha256,
                    **outcome,
                    recipe_sha256=self._recipe_sha256,
                    decision_sha256=result.decision_sha256,
                )
            )
        self._summary.count(self._ledger.latest[task.key], is_new=isinstance(result, Processed))


def _recipe(job: Job, manifest: Manifest) -> str:
    """Return the hash of all that decides a result besides the file."""
    recipe = [
        manifest.model_dump_json(),
        astuple(job.options),
        job.settings.results_recipe(),
        RULE_SHA256,
    ]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def _write_failures(path: Path, summary: RunSummary) -> None:
    """Write which images could not be processed, or remove what an earlier run wrote of that."""
    if not summary.failures:
        path.unlink(missing_ok=True)
        return
    with atomic_file(path) as file:
        for key, reason in sorted(summary.failures.items()):
            file.write(json.dumps({"key": key, "reason": reason}).encode() + b"\n")
