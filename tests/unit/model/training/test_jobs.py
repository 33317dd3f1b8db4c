"""Jobs that write down who did them; the processes are real ones."""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from thyroid_model.training.jobs import Job, JobError, run


class Context:
    """Stands for what takes a process long to set up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / f"process-{os.getpid()}").touch()

    def write(self, name: str) -> None:
        (self.folder / name).write_text(str(os.getpid()))

    def add(self, name: str, parts: tuple[str, ...]) -> None:
        (self.folder / name).write_text("+".join((self.folder / part).read_text() for part in parts))

    def meet(self, name: str, other: str) -> None:
        """Be done once another job has begun: alone, never."""
        (self.folder / f"{name} is here").touch()
        while not (self.folder / f"{other} is here").exists():
            time.sleep(0.01)
        self.write(name)

    def fail(self) -> None:
        raise ValueError("this can't be trained")

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def wait_for_ever(self) -> None:
        (self.folder / "waits").touch()
        time.sleep(3600)


@pytest.fixture
def set_up(tmp_path: Path) -> Callable[[], Context]:
    return partial(Context, tmp_path)


def writing(folder: Path, name: str, *needs: str) -> Job[Context]:
    how = partial(Context.add, name=name, parts=needs) if needs else partial(Context.write, name=name)
    return Job(folder / name, how, tuple(folder / need for need in needs))


@pytest.mark.parametrize("processes", [1, 2])
def test_all_is_done_each_after_what_it_needs(processes: int, tmp_path: Path, set_up: Callable[[], Context]) -> None:
    jobs = [
        writing(tmp_path, "a"),
        writing(tmp_path, "b", "a"),
        writing(tmp_path, "c"),
        writing(tmp_path, "d", "b", "c"),
    ]

    run(jobs, set_up, processes)

    by = {name: (tmp_path / name).read_text() for name in "abcd"}
    assert by["b"] == by["a"]
    assert by["d"] == f"{by['a']}+{by['c']}"
    assert len(list(tmp_path.glob("process-*"))) <= processes, "a context is set up once in a process"
    assert (str(os.getpid()) in by.values()) == (processes == 1)


def test_two_processes_work_beside_each_other(tmp_path: Path, set_up: Callable[[], Context]) -> None:
    jobs = [
        Job(tmp_path / name, partial(Context.meet, name=name, other=other)) for name, other in (("a", "b"), ("b", "a"))
    ]

    run(jobs, set_up, 2)

    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_done_is_not_done_again(processes: int, tmp_path: Path, set_up: Callable[[], Context]) -> None:
    (tmp_path / "a").write_text("before")

    run([writing(tmp_path, "a"), writing(tmp_path, "b", "a")], set_up, processes)

    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == "before"


@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_is_set_up_where_all_is_done(processes: int, tmp_path: Path, set_up: Callable[[], Context]) -> None:
    (tmp_path / "a").touch()

    run([writing(tmp_path, "a")], set_up, processes)

    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_fails_ends_all_and_says_why(processes: int, tmp_path: Path, set_up: Callable[[], Context]) -> None:
    """GIVEN a job that would never end beside it THEN that is not waited for."""
    jobs = [Job(tmp_path / "a", Context.fail), Job(tmp_path / "b", Context.wait_for_ever)]

    with pytest.raises(ValueError, match="can't be trained"):
        run(jobs, set_up, processes)


def test_a_process_that_is_killed_ends_all_with_a_sentence(tmp_path: Path, set_up: Callable[[], Context]) -> None:
    jobs = [writing(tmp_path, "a"), Job(tmp_path / "b", Context.die, (tmp_path / "a",)), writing(tmp_path, "c", "b")]

    with pytest.raises(JobError, match=r"enough memory.*resumes the run.*--processes 1"):
        run(jobs, set_up, 2)

    assert (tmp_path / "a").exists()
    assert not (tmp_path / "c").exists()


def test_an_interrupt_ends_the_other_processes_too(tmp_path: Path, set_up: Callable[[], Context]) -> None:
    """As Ctrl-C does; the other processes are not asked to end what may take an hour."""
    jobs = [Job(tmp_path / name, Context.wait_for_ever) for name in "ab"]

    def interrupt() -> None:
        while not (tmp_path / "waits").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(jobs, set_up, 2)

    assert not (tmp_path / "a").exists()
    for file in tmp_path.glob("process-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name.removeprefix("process-")), 0)
