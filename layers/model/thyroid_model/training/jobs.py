"""Runs jobs whose results are files, in one or several processes; a job whose file exists is not run again.

An interrupted run therefore resumes. The result of a job does not depend on the process that runs it: jobs pass data to
each other only by files.
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

Context = TypeVar("Context")


class JobError(Exception):
    """A process ended before its job was done; the message says what to do."""


@dataclass(frozen=True)
class Job(Generic[Context]):
    """One unit of work.

    Attributes
    ----------
    file : pathlib.Path
        The result. It exists when the job is done, and never before.
    run : callable
        Does the job, with the context of its process. It must be picklable: a function of a module, or a partial of
        one.
    needs : tuple of pathlib.Path
        Results of other jobs that must exist before.
    """

    file: Path
    run: Callable[[Context], object]
    needs: tuple[Path, ...] = ()


def run(jobs: Sequence[Job[Context]], set_up: Callable[[], Context], processes: int) -> None:
    """Run the jobs that are not done yet, in their order as far as their needs allow.

    Parameters
    ----------
    jobs : sequence of Job
        Each one after those that it needs.
    set_up : callable
        Returns the context of the jobs. Called once in each process, and not at all if every job is done.
    processes : int
        1 runs the jobs in this process; otherwise the number of worker processes.

    Raises
    ------
    JobError
        If a process ended before its job was done.
    Exception
        What the first failing job raised; the other processes are terminated.
    """
    pending = [job for job in jobs if not job.file.exists()]
    if pending and processes == 1:
        context = set_up()
        for job in pending:
            job.run(context)
    elif pending:
        _run_in_pool(pending, set_up, min(processes, len(pending)))


def _run_in_pool(pending: list[Job[Context]], set_up: Callable[[], Context], processes: int) -> None:
    spawn = multiprocessing.get_context("spawn")  # TensorFlow's threads do not survive a fork
    positions = spawn.SimpleQueue()
    for position in range(1, processes + 1):
        positions.put(position)
    with (
        ProcessPoolExecutor(processes, spawn, _initialize, (set_up, positions, spawn.RLock())) as pool,
        tqdm(total=len(pending), desc="all", unit="job", smoothing=0) as bar,
    ):
        running: dict[Future[None], Job[Context]] = {}
        try:
            while pending or running:
                ready = [job for job in pending if all(file.exists() for file in job.needs)]
                for job in ready[: processes - len(running)]:
                    pending.remove(job)
                    running[pool.submit(_run_job, job)] = job
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    future.result()
                    bar.update()
        except BaseException as error:
            for child in multiprocessing.active_children():
                child.terminate()
            if isinstance(error, BrokenProcessPool):
                raise JobError(
                    "A process ended before it was done; was there enough memory? "
                    "The same command resumes the run; --processes 1 needs the least memory."
                ) from error
            raise


_context: Any = None  # of this process


def _initialize(set_up: Callable[[], object], positions: Any, lock: Any) -> None:
    """Set up a worker process. It ignores SIGINT: the parent process handles it and terminates the workers."""
    global _context  # a process pool has no other place for the state of a worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.set_position(positions.get(), lock)
    _context = set_up()


def _run_job(job: Job[Any]) -> None:
    job.run(_context)
