"""The pictures of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thyroid.core import formats
from thyroid.files.lock import LOCK_FILE


@dataclass(frozen=True)
class Found:
    """What lies in a folder and the folders below.

    Attributes
    ----------
    keys : list of str
        Paths of the picture files, from the folder on, with ``/`` between; sorted.
    others : int
        How many other files were passed over.
    closed : int
        How many folders could not be read.
    """

    keys: list[str]
    others: int
    closed: int


def find(root: Path, results: Path, patterns: Sequence[str] = ()) -> Found:
    """Look for pictures in a folder and the folders below.

    Hidden files and folders are passed over, and so are results of this program. A link to a file is followed; one to a
    folder is not, so that no picture is found twice and no circle is walked.

    Parameters
    ----------
    root : pathlib.Path
        Where to look; resolved.
    results : pathlib.Path
        Folder of the results; resolved.
    patterns : sequence of str
        If there are any, a picture's path has to match one of them, as in :meth:`pathlib.PurePath.match`.
    """
    keys: list[str] = []
    others = closed = 0
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            is_folder = {entry: not entry.is_symlink() and entry.is_dir() for entry in folder.iterdir()}
        except OSError:
            closed += 1
            continue
        # Results of this run or of an earlier one: their heatmaps would be scored, too.
        if folder == results or folder / LOCK_FILE in is_folder:
            continue
        for entry in is_folder:
            hidden = entry.name.startswith(".")
            if is_folder[entry]:
                if not hidden:
                    folders.append(entry)
            elif not hidden and _is_picture(entry, patterns):
                keys.append(entry.relative_to(root).as_posix())
            else:
                others += 1
    return Found(sorted(keys), others, closed)


def _is_picture(path: Path, patterns: Sequence[str]) -> bool:
    # The name decides only which files are read. Whether one is an image, and of which format, its bytes tell.
    if path.suffix.lower() not in formats.SUFFIXES or (
        patterns and not any(path.match(pattern) for pattern in patterns)
    ):
        return False
    # A link that leads nowhere, or to where this user may not look, is taken as well: it fails when it is read, and so
    # is told of. Devices, pipes and links to folders are not.
    try:
        return path.is_file() or not path.exists()
    except OSError:
        return True
