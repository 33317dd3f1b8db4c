"""Files written atomically: whole, or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from thyroid.files.result_files import NAMES


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its name once it is whole. Nothing is left of an unfinished one."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):  # it may be this file that cannot be touched
            unfinished.unlink(missing_ok=True)
        raise


def write_result_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the result files of an image into its folder; they replace those of an earlier run.

    Wherever this is interrupted, an existing decision (``result.json`` or ``error.json``) is whole, and the images that
    it names exist as well.

    Parameters
    ----------
    folder : pathlib.Path
        Is made if it does not exist.
    files : mapping of str to bytes
        In the order in which they are written, as :class:`thyroid.files.result_files.ProcessedImage` has them.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in reversed(NAMES):  # the decision first: it must not stay without its images
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        with atomic_file(folder / name) as file:
            file.write(content)
