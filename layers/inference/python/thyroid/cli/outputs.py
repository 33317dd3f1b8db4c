"""How the result files of an image are named, and that none is overwritten."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from thyroid.cli.exit import UsageError
from thyroid.cli.inputs import FileRefusedError, check_names
from thyroid.cli.options import STANDARD_INPUT
from thyroid.cli.text import printable

STDIN = "stdin"


def stem(name: str) -> str:
    """Return the name of an image without folders and suffix."""
    return STDIN if name == STANDARD_INPUT else Path(name).stem


def base(name: str) -> str:
    """Return the name of an image without folders."""
    return STDIN if name == STANDARD_INPUT else Path(name).name


def check_distinct(files: Sequence[str], result_name: Callable[[str], str]) -> None:
    """Refuse images whose results would overwrite each other.

    Parameters
    ----------
    files : sequence of str
        As on the command line.
    result_name : callable
        Returns the name of an image's results.

    Raises
    ------
    UsageError
        If standard input is named twice, or two names are the same. Case does not count, as on some file systems.
    """
    check_names(files)
    first: dict[str, str] = {}
    for name in files:
        key = result_name(name).casefold()
        if key in first:
            raise UsageError(
                f"The results of {printable(first[key])} and {printable(name)} would have the same name; give them one "
                "by one, each with an --out of its own."
            )
        first[key] = name


def check_folder(path: Path, name: str = "DIR") -> None:
    """Refuse a path that exists and is not a folder.

    Parameters
    ----------
    path : pathlib.Path
        Where files are to be written.
    name : str
        What the command line calls it.

    Raises
    ------
    UsageError
        If it is a file, or anything else than a folder.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"{name} is not a folder; name another one.")


def check_free(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to overwrite existing files, unless that was asked for.

    Raises
    ------
    FileRefusedError
        If one of the files exists; the sentence names it.
    """
    existing = next((path for path in paths if path.exists()), None)
    if existing is not None and not overwrite:
        raise FileRefusedError(f"{printable(str(existing))} exists already; give another --out, or --overwrite.")
