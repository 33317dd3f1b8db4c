"""One run at a time in a folder of results."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# It stays after the run, and so marks a folder of results: no image is looked for in one.
LOCK_FILE = ".thyroid.lock"


class InUseError(Exception):
    """Another run is writing into the folder."""


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder for this process alone.

    The system releases the lock when the process ends, in whatever way, so a killed run does not block the next one.
    SQLite is used for its lock alone: Python has no other one that works on Linux, macOS and Windows alike.

    Raises
    ------
    InUseError
        If another run has locked it.
    OSError
        If it cannot be locked.
    """
    try:
        # Without a journal there is no second file beside it; nothing is ever written that would need one.
        with closing(sqlite3.connect(folder / LOCK_FILE, timeout=0, isolation_level=None)) as lock:
            lock.execute("PRAGMA journal_mode = OFF")
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise InUseError from None
        raise OSError(error.sqlite_errorcode, "it cannot be locked") from error
