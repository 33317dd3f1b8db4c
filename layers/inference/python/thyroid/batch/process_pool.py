"""Work on all cores by processes of which any may die, of a picture that is too much for it, say.

Each process has a pipe of its own, so it is known what the one that died was at, and a process whose parent was killed
ends by itself. Python's own pools know neither: they break as a whole, and may leave orphans.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from thyroid.batch.interrupts import interrupts_ignored
from thyroid.errors import ThyroidError

Task = TypeVar("Task")
Reply = TypeVar("Reply")

# The runtime has threads; a process forked from one with threads may hang.
CONTEXT = get_context("spawn")


class CannotStartError(Exception):
    """A process died before its first task, so the fault is in no task."""


def replies(
    make: Callable[[], Callable[[Task], Reply]], tasks: Sequence[Task], jobs: int
) -> Generator[tuple[Task, Reply | None]]:
    """Have tasks done by processes, and give the replies as they come.

    A task whose process dies is tried once more when all others are done, with nothing beside it: it may be innocent
    of a lack of memory.

    Parameters
    ----------
    make : callable
        Makes a process ready and returns what does its tasks, which raises nothing; both travel to the process.
    tasks : sequence
        What to do.
    jobs : int
        How many processes there are at most.

    Yields
    ------
    task, reply
        No reply where two processes died of the task.

    Raises
    ------
    ThyroidError
        If `make` raised it.
    CannotStartError
        If a process died before its first task.
    """
    suspects = []
    with closing(_round(make, tasks, jobs)) as answers:
        for task, reply in answers:
            if reply is None:
                suspects.append(task)
            else:
                yield task, reply
    with closing(_round(make, suspects, 1)) as answers:
        yield from answers


@dataclass
class _Member(Generic[Task]):
    process: SpawnProcess
    task: Task | None = None  # none until it is ready


def _round(
    make: Callable[[], Callable[[Task], Reply]], tasks: Sequence[Task], jobs: int
) -> Generator[tuple[Task, Reply | None]]:
    """Try each task once; no reply where the process died of it."""
    waiting = deque(tasks)
    crew: dict[Connection, _Member[Task]] = {}
    try:
        for _ in range(min(jobs, len(tasks))):
            _hire(crew, make)
        while crew:
            heard = wait(list(crew))
            for connection in [one for one in crew if one in heard]:
                done = crew[connection].task
                try:
                    message = connection.recv()
                except (EOFError, OSError):
                    _dismiss(crew, connection)
                    if done is None:
                        raise CannotStartError from None
                    if waiting:
                        _hire(crew, make)
                    yield done, None
                    continue
                if isinstance(message, ThyroidError):
                    raise message
                if waiting:
                    crew[connection].task = task = waiting.popleft()
                    with suppress(OSError):  # should it be dead, its pipe says so in the next turn
                        connection.send(task)
                else:
                    _dismiss(crew, connection)
                if done is not None:
                    yield done, message
    finally:
        for connection, member in crew.items():
            member.process.kill()
            member.process.join()
            connection.close()


def _hire(crew: dict[Connection, _Member[Task]], make: Callable[[], Callable[[Task], Reply]]) -> None:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(make, theirs), daemon=True)
    # Ctrl-C goes to all processes of a terminal; this one alone is to act on it, and ends the others.
    with interrupts_ignored():
        process.start()
        crew[ours] = _Member(process)
    theirs.close()  # held open here, it would not tell when the process dies


def _dismiss(crew: dict[Connection, _Member[Task]], connection: Connection) -> None:
    member = crew.pop(connection)
    connection.close()
    member.process.join()


def _serve(  # pragma: no cover - runs in the members' processes, where it is not counted
    make: Callable[[], Callable[[Task], Reply]], connection: Connection
) -> None:
    """Do tasks until the pipe is closed, by the parent or by its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        do = make()
    except ThyroidError as error:
        connection.send(error)
        return
    with suppress(EOFError, OSError):
        connection.send(None)
        while True:
            connection.send(do(connection.recv()))
