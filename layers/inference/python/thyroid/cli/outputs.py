"""What the files of a picture are called, and that no two pictures are written over each other."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from thyroid.cli.exit import UsageError
from thyroid.cli.inputs import NotDoneError, check_names
from thyroid.cli.options import STANDARD_INPUT
from thyroid.cli.text import shown

STDIN = "stdin"


def stem(name: str) -> str:
    """Return the name of a picture without folders and ending."""
    return STDIN if name == STANDARD_INPUT else Path(name).stem


def base(name: str) -> str:
    """Return the name of a picture without folders."""
    return STDIN if name == STANDARD_INPUT else Path(name).name


def all_different(files: Sequence[str], called: Callable[[str], str]) -> None:
    """Refuse pictures whose results would be written over each other.

    Parameters
    ----------
    files : sequence of str
        As on the command line.
    called : callable
        Returns what the results of a picture are called.

    Raises
    ------
    UsageError
        If standard input is named twice, or two would be called the same, also where only case differs: some systems
        make no difference of it.
    """
    check_names(files)
    first: dict[str, str] = {}
    for name in files:
        key = called(name).casefold()
        if key in first:
            raise UsageError(
                f"The results of {shown(first[key])} and {shown(name)} would be called the same; give them one by one, "
                "each with an --out of its own."
            )
        first[key] = name


def check_folder(out: Path) -> None:
    """Refuse a folder that is something else.

    Raises
    ------
    UsageError
        If it is there and no folder.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("DIR is no folder.")


def check_free(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to write over what is there, unless that was asked for.

    Raises
    ------
    NotDoneError
        If one of the files is there already; the message names it.
    """
    there = next((path for path in paths if path.exists()), None)
    if there is not None and not overwrite:
        raise NotDoneError(f"{shown(str(there))} is there already; give another --out, or --overwrite.")
