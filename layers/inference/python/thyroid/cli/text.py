"""File names in lines of a terminal: one line each, whatever is in them, and of a width that is known."""

import unicodedata

from thyroid.files.names import readable


def shown(name: str) -> str:
    r"""Write what is not printable as an escape: a name must not break lines or give a terminal orders.

    ``new\nline`` stays one line, and bytes that are no text become ``\xff``.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in readable(name)
    )


def width(text: str) -> int:
    """Return how many columns a text takes: East Asian letters take two, accents of their own none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def padded(text: str, columns: int) -> str:
    """Fill a text up with spaces to a number of columns."""
    return text + " " * (columns - width(text))
