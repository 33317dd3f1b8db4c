"""File names on a terminal: one line each, whatever they hold, and of known width."""

import unicodedata

from thyroid.files.names import readable


def printable(name: str) -> str:
    r"""Escape what is not printable: a name must not break lines or control the terminal.

    ``new\nline`` stays one line, and bytes that are not text become ``\xff``.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in readable(name)
    )


def width(text: str) -> int:
    """Return how many columns a text takes: East Asian letters take two, combining accents none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def pad(text: str, columns: int) -> str:
    """Fill a text up with spaces to a number of columns."""
    return text + " " * (columns - width(text))
