"""Progress bars, on a line of its own for each of several processes."""

from typing import Any

from tqdm import tqdm

_line: int | None = None  # of this process; tqdm finds one where it is the only one


def stand_on(line: int, lock: Any) -> None:
    """Draw this process's bars on a line under the first; the lock keeps the processes from writing into each other."""
    global _line  # a terminal's line is a process's own
    _line = line
    tqdm.set_lock(lock)


def bar(*what: Any, title: str, unit: str, **how: Any) -> Any:
    """Return a bar for what is gone through, or for a ``total``; one of several processes' goes when it is done."""
    return tqdm(*what, desc=title, unit=unit, position=_line, leave=None, **how)
