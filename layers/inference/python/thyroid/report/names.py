r"""File names as letters of a page: each is shown, told by its number, or left out where a … says so.

A page that printed nothing, or a box, for a letter that its fonts lack would give two patients the same name.
"""

import unicodedata
from collections.abc import Callable, Mapping
from itertools import groupby

from thyroid.report import direction

GAP = "…"

# Marks that turn the order around for what comes after them: not seen, and made to deceive.
_TURN_AROUND = {"RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "PDF", "PDI", "FSI"}

# Letters by Unicode, of which nothing is to be seen: Hangul's fillers, and Braille without a dot.
_LOOK_LIKE_SPACES = set("\u115f\u1160\u2800\u3164\uffa0")


def letters(name: str, has_letter: Callable[[str], bool]) -> list[str]:
    r"""Split a name into letters, in the order in which it is read.

    Parameters
    ----------
    name : str
        Any text; letters that were stored in parts become one (NFC), as they look, and Arabic ones take the form that
        they have beside their neighbours.
    has_letter : callable
        Tells whether one of the page's fonts has a character, or all of a character and the accents above it.

    Returns
    -------
    list of str
        A character with the accents above it, or where it cannot be set its number, ``\u0915``.
    """
    found: list[str] = []
    for character in _joined(unicodedata.normalize("NFC", name)):
        accent = bool(unicodedata.combining(character) and found)
        if not can_be_set(character, has_letter):
            found.append(_number(character))
        elif not accent:
            found.append(character)
        elif is_number(found[-1]) or not has_letter(found[-1] + character):
            found.append(_number(character))  # no font has both: set apart, one of them would be a box
        else:
            found[-1] += character
    return found


def can_be_set(character: str, has_letter: Callable[[str], bool]) -> bool:
    """Tell whether a character is shown as itself."""
    seen = character.isprintable() and character not in _LOOK_LIKE_SPACES
    return seen and unicodedata.bidirectional(character) not in _TURN_AROUND and has_letter(character)


def _number(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def is_number(part: str) -> bool:
    """Tell whether a part, as :func:`letters` gives it, is the number of a character that cannot be set."""
    return len(part) > 1 and part.isascii()


def in_order_seen(line: list[str]) -> list[str]:
    """Return the letters of a line from left to right; numbers are read so, too."""
    return direction.in_order_seen(line, ["L" if is_number(part) else direction.kind(part) for part in line])


def lines(parts: list[str], width_of: Callable[[str], float], width: float, most: int) -> list[list[str]]:
    """Break a name into lines; of one that is too long the middle is left out, since both ends tell most.

    Parameters
    ----------
    parts : list of str
        As :func:`letters` gives them; none is broken.
    width_of : callable
        Returns how wide a part is.
    width : float
        Of a line, in the same unit.
    most : int
        Lines, at the most.
    """
    widths = {part: width_of(part) for part in {*parts, GAP}}
    broken = _broken(parts, widths, width)
    if len(broken) <= most:
        return broken
    fits, too_many = 0, len(parts)
    while too_many - fits > 1:
        tried = (fits + too_many) // 2
        if len(_broken(_without_middle(parts, tried), widths, width)) <= most:
            fits = tried
        else:
            too_many = tried
    return _broken(_without_middle(parts, fits), widths, width)


def _joined(name: str) -> str:
    """Give Arabic letters the forms that they have at the start, in the middle and at the end of what is joined."""
    words = [
        (arabic, "".join(letters))
        for arabic, letters in groupby(name, lambda letter: unicodedata.bidirectional(letter) in ("AL", "NSM"))
    ]
    if not any(arabic for arabic, _ in words):
        return name
    from arabic_reshaper import ArabicReshaper  # .03 s, where it is needed

    # Without these settings, vowels would be left out, and a whole word become a sign that the page's font lacks.
    joining = ArabicReshaper({"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})
    return "".join(joining.reshape(word) if arabic else word for arabic, word in words)


def _without_middle(parts: list[str], kept: int) -> list[str]:
    return [*parts[: (kept + 1) // 2], GAP, *parts[len(parts) - kept // 2 :]]


def _broken(parts: list[str], widths: Mapping[str, float], width: float) -> list[list[str]]:
    broken: list[list[str]] = [[]]
    left = width
    for part in parts:
        if broken[-1] and widths[part] > left:
            broken.append([])
            left = width
        broken[-1].append(part)
        left -= widths[part]
    return broken
