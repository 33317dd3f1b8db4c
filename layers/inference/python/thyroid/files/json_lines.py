"""A file of JSON Lines that grows by one line at a time and outlives a process that is killed meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self


class JsonLines:
    """A file that lines are added to. A last line that a killed process left unfinished is cut off.

    Parameters
    ----------
    path : pathlib.Path
        It is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        self._file.truncate(sum(len(line) for line in self if line.endswith(b"\n")))

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines that are there."""
        self._file.seek(0)
        yield from self._file

    def append(self, line: str) -> None:
        """Add a line; it is with the system when this returns, so a process that is killed later has not lost it."""
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()
