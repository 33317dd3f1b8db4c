"""Images named on the command line, to bytes."""

import sys
from collections.abc import Sequence
from pathlib import Path

from thyroid.cli.exit import UsageError
from thyroid.cli.options import STANDARD_INPUT
from thyroid.files.process_image import check_size


class FileRefusedError(Exception):
    """A file cannot be read, or its results cannot be written; a sentence says why. Other files are not affected."""


def check_names(files: Sequence[str]) -> None:
    """Refuse standard input that is named twice.

    Raises
    ------
    UsageError
        If it is: the second time, nothing is left in it.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise UsageError(f"Standard input ({STANDARD_INPUT}) can be read only once.")


def read(name: str, limit: int) -> bytes:
    """Read an image file, or standard input; never more than one byte over the limit.

    Parameters
    ----------
    name : str
        A path, or ``-``.
    limit : int
        Maximum size of the file, in bytes.

    Raises
    ------
    FileRefusedError
        If it cannot be read.
    PayloadTooLargeError
        If it is over the limit.
    """
    try:
        data = _read(name, limit + 1)
    except IsADirectoryError as error:
        raise FileRefusedError("It is a folder; `analyze` takes one, given alone.") from error
    except OSError as error:
        raise FileRefusedError(f"{error.strerror or type(error).__name__}.") from error
    check_size(len(data), limit)
    return data


def _read(name: str, max_bytes: int) -> bytes:
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise FileRefusedError("There is no standard input.")
        return sys.stdin.buffer.read(max_bytes)
    path = Path(name)
    if path.is_dir():  # Windows reports this with another error
        raise IsADirectoryError
    with path.open("rb") as file:
        return file.read(max_bytes)  # a device may have no end
