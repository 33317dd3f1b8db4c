"""Tasks on all cores, in processes of which any may die, for instance of an image that takes too much memory.

Each process has a pipe of its own. So it is known which task a dead process was at, and a process whose parent was
killed ends by itself. Python's own pools do neither: they break as a whole, and may leave orphans.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from thyroid.errors import ThyroidError

Task = TypeVar("Task")
Result = TypeVar("Result")

# The runtime has threads; a process forked from one with threads may hang.
CONTEXT = get_context("spawn")


class CannotStartError(Exception):
    """A process died before its first task, so no task is at fault."""


def run_tasks(
    start_worker: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task], processes: int
) -> Generator[tuple[Task, Result | None]]:
    """Have tasks done by processes, and yield the results as they come.

    A task whose process dies is tried once more when all others are done, with nothing running beside it: the memory
    may have been short for another reason.

    Parameters
    ----------
    start_worker : callable
        Prepares a process and returns what does its tasks, which raises nothing; both are sent to the process.
    tasks : sequence
        What to do.
    processes : int
        How many processes there are at most.

    Yields
    ------
    task, result
        The result is None where two processes died of the task.

    Raises
    ------
    ThyroidError
        If `start_worker` raised it.
    CannotStartError
        If a process died before its first task.
    """
    retries = []
    with closing(_run_once(start_worker, tasks, processes)) as results:
        for task, result in results:
            if result is None:
                retries.append(task)
            else:
                yield task, result
    with closing(_run_once(start_worker, retries, 1)) as results:
        yield from results


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C meanwhile; processes that are started meanwhile ignore it from their first moment on.

    Only the main thread may do so.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class _Worker(Generic[Task]):
    process: SpawnProcess
    task: Task | None = None  # None until the process is ready


def _run_once(
    start_worker: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task], processes: int
) -> Generator[tuple[Task, Result | None]]:
    """Try each task once; the result is None where the process died of it."""
    waiting = deque(tasks)
    pool: dict[Connection, _Worker[Task]] = {}
    try:
        for _ in range(min(processes, len(tasks))):
            _start(pool, start_worker)
        while pool:
            ready = wait(list(pool))
            for connection in [one for one in pool if one in ready]:
                done = pool[connection].task
                try:
                    message = connection.recv()
                except (EOFError, OSError):
                    _stop(pool, connection)
                    if done is None:
                        raise CannotStartError from None
                    if waiting:
                        _start(pool, start_worker)
                    yield done, None
                    continue
                if isinstance(message, ThyroidError):
                    raise message
                if waiting:
                    pool[connection].task = task = waiting.popleft()
                    with suppress(OSError):  # if the process is dead, its pipe says so in the next turn
                        connection.send(task)
                else:
                    _stop(pool, connection)
                if done is not None:
                    yield done, message
    finally:
        for connection, worker in pool.items():
            worker.process.kill()
            worker.process.join()
            connection.close()


def _start(pool: dict[Connection, _Worker[Task]], start_worker: Callable[[], Callable[[Task], Result]]) -> None:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(start_worker, theirs), daemon=True)
    # A terminal sends Ctrl-C to all processes; this one alone acts on it, and ends the others.
    with interrupts_ignored():
        process.start()
        pool[ours] = _Worker(process)
    theirs.close()  # open here, it would hide that the process died


def _stop(pool: dict[Connection, _Worker[Task]], connection: Connection) -> None:
    worker = pool.pop(connection)
    connection.close()
    worker.process.join()


def _serve(  # pragma: no cover - runs in the processes of the pool, where it is not counted
    start_worker: Callable[[], Callable[[Task], Result]], connection: Connection
) -> None:
    """Do tasks until the pipe is closed, by the parent or by its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        do = start_worker()
    except ThyroidError as error:
        connection.send(error)
        return
    with suppress(EOFError, OSError):
        connection.send(None)
        while True:
            connection.send(do(connection.recv()))
