"""A picture named on the command line, to bytes."""

import sys
from collections.abc import Sequence
from pathlib import Path

from thyroid.cli.exit import UsageError
from thyroid.cli.options import STANDARD_INPUT
from thyroid.files.process_image import check_size


class NotDoneError(Exception):
    """Nothing could be done about a picture for what it is on this machine; a sentence says why."""


def check_names(files: Sequence[str]) -> None:
    """Refuse standard input twice.

    Raises
    ------
    UsageError
        If it is named twice: there is nothing in it the second time.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise UsageError(f"Standard input ({STANDARD_INPUT}) can be read only once.")


def read(name: str, limit: int) -> bytes:
    """Read a picture file, or standard input; never more than one byte over the limit.

    Parameters
    ----------
    name : str
        A path, or ``-``.
    limit : int
        Largest file, in bytes.

    Raises
    ------
    NotDoneError
        If it cannot be read.
    PayloadTooLargeError
        If it is over the limit.
    """
    try:
        data = _read(name, limit + 1)
    except IsADirectoryError as error:
        raise NotDoneError("It is a folder; `analyze` takes one, given alone.") from error
    except OSError as error:
        raise NotDoneError(f"{error.strerror or type(error).__name__}.") from error
    check_size(len(data), limit)
    return data


def _read(name: str, most: int) -> bytes:
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise NotDoneError("There is no standard input.")
        return sys.stdin.buffer.read(most)
    path = Path(name)
    if path.is_dir():  # which Windows tells in other words
        raise IsADirectoryError
    with path.open("rb") as file:
        return file.read(most)  # what a device gives has no end
