"""Files put in their place whole, or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from thyroid.files.result_files import NAMES


@contextmanager
def placed(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written that comes to its name only once it is whole; of one that is not, nothing is left."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):  # it may be this that is in the way
            unfinished.unlink(missing_ok=True)
        raise


def place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put what became of a picture into its folder, instead of what lay there.

    Wherever this is cut short, a decision (``result.json`` or ``error.json``) that lies there is a whole one, and the
    pictures that it speaks of lie there as well.

    Parameters
    ----------
    folder : pathlib.Path
        It is made if it is not there.
    files : mapping of str to bytes
        In the order in which they are to be written, as :class:`thyroid.files.result_files.Judgement` has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in reversed(NAMES):  # the decision first: without its pictures it must not stay
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        with placed(folder / name) as file:
            file.write(content)
