"""Reads the pins of lock files, with and without hashes."""

import re
from pathlib import Path
from typing import NamedTuple

# A continued line ends in a backslash, as pip and uv write the hashes of a pin.
_CONTINUED = re.compile(r"\\\n\s*")
_HASH = re.compile(r"\s--hash=(\S+)")


class Pin(NamedTuple):
    """One package of a lock file.

    Attributes
    ----------
    name, version : str
        As the file writes them.
    hashes : tuple of str
        ``sha256:…`` of each file of the release that may be installed; empty in a lock without hashes.
    """

    name: str
    version: str
    hashes: tuple[str, ...]

    def __str__(self) -> str:
        """Return ``name==version``."""
        return f"{self.name}=={self.version}"


class LockError(Exception):
    """A lock file cannot be read; the message says what to do."""


def pins(lock: Path) -> list[Pin]:
    """Return the pins of a lock file, in its order, without environment markers.

    Parameters
    ----------
    lock : pathlib.Path
        A requirements file that ``make lock`` wrote.

    Raises
    ------
    LockError
        If a line does not pin one version.
    """
    found = []
    for line in _CONTINUED.sub(" ", lock.read_text("utf-8")).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin = re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)", _HASH.sub("", line).partition(";")[0].strip())
        if not pin:
            raise LockError(f"{lock.name} has a line that pins no version: {line!r}; rewrite it with `make lock`.")
        found.append(Pin(pin.group(1), pin.group(2), tuple(_HASH.findall(line))))
    return found
