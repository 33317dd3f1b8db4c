import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from thyroid.batch.process_pool import CannotStartError, run_tasks
from thyroid.errors import ModelUnavailableError

# Each of these runs in a process of its own.


def double() -> Callable[[int], int]:
    return lambda number: 2 * number


def die_of(deadly: tuple[int, ...], times: int, folder: Path) -> Callable[[int], int]:
    """Double numbers, and die of some of them the first times."""

    def do(number: int) -> int:
        tries = folder / str(number)
        with tries.open("ab") as file:
            file.write(b".")
        if number in deadly and len(tries.read_bytes()) <= times:
            signal.raise_signal(signal.SIGKILL)
        return 2 * number

    return do


def no_model() -> Callable[[int], int]:
    raise ModelUnavailableError("no model")


def dead_on_arrival() -> Callable[[int], int]:
    signal.raise_signal(signal.SIGKILL)
    return double()


def tries(folder: Path) -> dict[int, int]:
    return {int(path.name): len(path.read_bytes()) for path in folder.iterdir()}


def test_each_task_is_done_once(tmp_path: Path) -> None:
    done = dict(run_tasks(partial(die_of, (), 0, tmp_path), range(20), 3))

    assert done == {number: 2 * number for number in range(20)}
    assert tries(tmp_path) == dict.fromkeys(range(20), 1)


def test_there_may_be_more_processes_than_tasks_and_no_task() -> None:
    assert dict(run_tasks(double, [1], 3)) == {1: 2}
    assert list(run_tasks(double, [], 3)) == []


def test_a_task_that_kills_its_process_twice_has_no_reply_and_the_others_have(tmp_path: Path) -> None:
    done = list(run_tasks(partial(die_of, (3, 7), 2, tmp_path), range(9), 2))

    assert dict(done) == {number: None if number in (3, 7) else 2 * number for number in range(9)}
    assert len(done) == 9
    assert tries(tmp_path) == {number: 2 if number in (3, 7) else 1 for number in range(9)}


def test_a_task_whose_process_died_once_is_tried_again_after_all_others(tmp_path: Path) -> None:
    done = list(run_tasks(partial(die_of, (0,), 1, tmp_path), range(5), 2))

    assert done[-1] == (0, 0)
    assert sorted(done) == [(number, 2 * number) for number in range(5)]


def test_what_keeps_a_process_from_starting_is_raised() -> None:
    with pytest.raises(ModelUnavailableError, match="no model"):
        list(run_tasks(no_model, range(3), 2))
    with pytest.raises(CannotStartError):
        list(run_tasks(dead_on_arrival, range(3), 2))


def test_no_process_outlives_a_parent_that_is_killed() -> None:
    # GIVEN a parent, whose output its processes hold open as well, that kills itself in the middle
    code = (
        "import signal\nfrom thyroid.batch.process_pool import run_tasks\n"
        "from tests.unit.batch.test_process_pool import double\n"
        "if __name__ == '__main__':\n"
        "    for number, _ in enumerate(run_tasks(double, range(1000), 2)):\n"
        "        if number == 5: signal.raise_signal(signal.SIGKILL)"
    )
    root = Path(__file__).parents[3]

    # THEN the output ends, since nobody holds it any more
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "", "")
