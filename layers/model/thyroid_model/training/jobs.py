"""Runs jobs that keep their results in files, in as many processes as there are; none is done twice.

A job whose file is there is done, so what was interrupted goes on where it stopped. Which process does a job does not
matter to its result: all that one takes from another goes through files.
"""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tqdm import tqdm

from thyroid_model import progress

Bench = TypeVar("Bench")


class JobError(Exception):
    """A process ended before its job was done: a sentence that says what to do."""


@dataclass(frozen=True)
class Job(Generic[Bench]):
    """Something to do at a bench.

    Attributes
    ----------
    file : pathlib.Path
        Is there when the job is done, and never before.
    run : callable
        Does it. It is handed to another process, so pickle must know it: a function of a module, or a partial of one.
    needs : tuple of pathlib.Path
        Files of the jobs that come before.
    """

    file: Path
    run: Callable[[Bench], object]
    needs: tuple[Path, ...] = ()


def run(jobs: Sequence[Job[Bench]], set_up: Callable[[], Bench], processes: int) -> None:
    """Do what is not done yet, the first that is possible first.

    Parameters
    ----------
    jobs : sequence of Job
        Each after those that it needs.
    set_up : callable
        Makes what the jobs run on: once in each process, and not at all if nothing is to be done.
    processes : int
        1 for this one; otherwise so many others.

    Raises
    ------
    JobError
        If a process ended before its job was done.
    Exception
        What the first job that failed raised; the others are ended.
    """
    left = [job for job in jobs if not job.file.exists()]
    if left and processes == 1:
        bench = set_up()
        for job in left:
            job.run(bench)
    elif left:
        _share(left, set_up, min(processes, len(left)))


def _share(left: list[Job[Bench]], set_up: Callable[[], Bench], processes: int) -> None:
    fresh = multiprocessing.get_context("spawn")  # TensorFlow's threads do not survive a fork
    lines = fresh.SimpleQueue()
    for line in range(1, processes + 1):
        lines.put(line)
    with (
        ProcessPoolExecutor(processes, fresh, _begin, (set_up, lines, fresh.RLock())) as pool,
        tqdm(total=len(left), desc="all", unit="job", smoothing=0) as bar,
    ):
        running: dict[Future[None], Job[Bench]] = {}
        try:
            while left or running:
                ready = [job for job in left if all(file.exists() for file in job.needs)]
                for job in ready[: processes - len(running)]:
                    left.remove(job)
                    running[pool.submit(_do, job)] = job
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    future.result()
                    bar.update()
        except BaseException as error:
            for child in multiprocessing.active_children():
                child.terminate()
            if isinstance(error, BrokenProcessPool):
                raise JobError(
                    "A process ended before it was done; was there memory enough? "
                    "The same command goes on where it stopped; --processes 1 needs the least."
                ) from error
            raise


_bench: Any = None  # of this process


def _begin(set_up: Callable[[], object], lines: Any, lock: Any) -> None:
    """Begin a process: the parent alone is interrupted, and ends the others."""
    global _bench  # a pool gives a process no other place to keep it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.stand_on(lines.get(), lock)
    _bench = set_up()


def _do(job: Job[Any]) -> None:
    job.run(_bench)
