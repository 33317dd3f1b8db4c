"""A run over the pictures of a folder: what is done already stays, all else is judged and written down.

A picture gets its line in ``results.jsonl`` once all its files are in their place, so that no line tells of something
that is not there.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from thyroid.batch.interrupts import interrupts_ignored
from thyroid.batch.ledger import Ledger, Line
from thyroid.batch.process_pool import CannotStartError, replies
from thyroid.batch.summary import Tally
from thyroid.batch.worker import Failed, Job, Judged, Reply, Task, open_worker, refuse_deadly
from thyroid.core.input_check import RULE_SHA256
from thyroid.core.manifest import Manifest
from thyroid.errors import ThyroidError
from thyroid.files.atomic import placed
from thyroid.files.json_lines import JsonLines

RESULTS, LINES, TABLE, AUDIT, FAILED = "results", "results.jsonl", "results.csv", "audit.jsonl", "failed.jsonl"


def run(
    job: Job,
    manifest: Manifest,
    out: Path,
    keys: Sequence[str],
    *,
    jobs: int,
    tell: Callable[[Tally], None] = lambda _tally: None,
    make: Callable[[Job], Callable[[Task], Reply]] = open_worker,
) -> Tally:
    """Judge the pictures of a folder, and write down what became of them.

    Parameters
    ----------
    job : Job
        Where they are, and how they are judged.
    manifest : Manifest
        Of the model.
    out : pathlib.Path
        Folder of all that is written, held for this run alone (:func:`thyroid.files.lock.held`).
    keys : sequence of str
        Which pictures.
    jobs : int
        How many processes.
    tell : callable, optional
        Is told of the tally after each picture.
    make : callable, optional
        Makes a process ready to judge.

    Raises
    ------
    OSError
        If the files that tell of the run cannot be written.
    """
    tally = Tally()
    with Ledger(out / LINES) as ledger, JsonLines(out / AUDIT) as audit:
        book = _Book(_recipe(job, manifest), ledger, audit, tally)
        tasks = [book.task(key) for key in keys]
        try:
            with closing(replies(partial(make, job), tasks, jobs)) as answers:
                for task, answer in answers:
                    reply = answer or refuse_deadly(job, task.key)
                    book.enter(task, reply)
                    tell(tally)
                    if isinstance(reply, Failed) and reply.is_final:
                        tally.stopped = f"The results cannot be written: {reply.reason}."
                        break
        except KeyboardInterrupt:
            tally.interrupted = True
        except ThyroidError as error:
            tally.stopped = error.detail
        except CannotStartError:
            tally.stopped = "A process died before it had its first picture."
        with interrupts_ignored():
            ledger.write_table(out / TABLE)
            _write_failures(out / FAILED, tally)
    return tally


class _Book:
    """Enters what became of the pictures into the files of a run and into its tally."""

    def __init__(self, recipe_sha256: str, ledger: Ledger, audit: JsonLines, tally: Tally) -> None:
        self._recipe_sha256 = recipe_sha256
        self._ledger = ledger
        self._audit = audit
        self._tally = tally

    def task(self, key: str) -> Task:
        """Return what is to be done about a picture, from what is known of it."""
        line = self._ledger.latest.get(key)
        # Whether an internal error was the picture's fault is not known, so the next run tries again.
        if line is None or line.recipe_sha256 != self._recipe_sha256 or line.code == ThyroidError.code:
            return Task(key)
        return Task(key, known=(line.bytes, line.sha256, line.decision_sha256))

    def enter(self, task: Task, reply: Reply) -> None:
        """Enter what became of a picture."""
        if isinstance(reply, Failed):
            self._tally.failures[task.key] = reply.reason
            return
        if isinstance(reply, Judged):
            for record in reply.audit:
                self._audit.append(record.model_dump_json())
            outcome = reply.outcome.model_dump()
            self._ledger.append(
                Line(
                    task.key,
                    reply.bytes,
                    reply.sha256,
                    **outcome,
                    recipe_sha256=self._recipe_sha256,
                    decision_sha256=reply.decision_sha256,
                )
            )
        self._tally.count(self._ledger.latest[task.key], is_new=isinstance(reply, Judged))


def _recipe(job: Job, manifest: Manifest) -> str:
    """Return the hash of all that decides a result besides the file."""
    recipe = [
        manifest.model_dump_json(),
        job.layer,
        job.target,
        job.size,
        job.settings.results_recipe(),
        RULE_SHA256,
    ]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def _write_failures(path: Path, tally: Tally) -> None:
    """Write down which pictures could not be done, or take away what an earlier run wrote of that."""
    if not tally.failures:
        path.unlink(missing_ok=True)
        return
    with placed(path) as file:
        for key, reason in sorted(tally.failures.items()):
            file.write(json.dumps({"key": key, "reason": reason}).encode() + b"\n")
