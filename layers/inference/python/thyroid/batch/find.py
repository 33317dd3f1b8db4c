"""The images of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thyroid.core import formats
from thyroid.files.lock import LOCK_FILE


@dataclass(frozen=True)
class Found:
    """What a folder and the folders below hold.

    Attributes
    ----------
    keys : list of str
        Paths of the image files, relative to the folder, with ``/`` between; sorted.
    ignored : int
        How many other files there are.
    unreadable : int
        How many folders could not be read.
    """

    keys: list[str]
    ignored: int
    unreadable: int


def find(root: Path, results: Path, patterns: Sequence[str] = ()) -> Found:
    """Look for images in a folder and the folders below.

    Hidden files and folders are ignored, and so are results of this program. A link to a file is followed. A link to a
    folder is not, so that no image is found twice and no circle is walked.

    Parameters
    ----------
    root : pathlib.Path
        Where to look; resolved.
    results : pathlib.Path
        Folder of the results; resolved.
    patterns : sequence of str
        If there are any, an image's path must match one of them, as in :meth:`pathlib.PurePath.match`.
    """
    keys: list[str] = []
    ignored = unreadable = 0
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            is_folder = {entry: not entry.is_symlink() and entry.is_dir() for entry in folder.iterdir()}
        except OSError:
            unreadable += 1
            continue
        # Results of this run or of an earlier one: their heatmaps would be scored, too.
        if folder == results or folder / LOCK_FILE in is_folder:
            continue
        for entry in is_folder:
            hidden = entry.name.startswith(".")
            if is_folder[entry]:
                if not hidden:
                    folders.append(entry)
            elif not hidden and _is_image(entry, patterns):
                keys.append(entry.relative_to(root).as_posix())
            else:
                ignored += 1
    return Found(sorted(keys), ignored, unreadable)


def _is_image(path: Path, patterns: Sequence[str]) -> bool:
    if path.suffix.lower() not in formats.SUFFIXES or (
        patterns and not any(path.match(pattern) for pattern in patterns)
    ):
        return False
    # A broken link, or one to a file that this user may not see, counts as an image: reading it fails, which is
    # reported. Devices, pipes and links to folders do not count.
    try:
        return path.is_file() or not path.exists()
    except OSError:
        return True
