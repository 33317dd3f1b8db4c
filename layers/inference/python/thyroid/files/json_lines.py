"""A file of JSON Lines that grows line by line and survives a process that is killed while it writes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self


class JsonLines:
    """A file that lines are appended to. A last line that a killed process left unfinished is cut off.

    Parameters
    ----------
    path : pathlib.Path
        Is made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        self._file.truncate(sum(len(line) for line in self if line.endswith(b"\n")))

    def __iter__(self) -> Iterator[bytes]:
        """Yield the existing lines."""
        self._file.seek(0)
        yield from self._file

    def append(self, line: str) -> None:
        """Append a line. It is with the system when this returns: a process that is killed later does not lose it."""
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()
