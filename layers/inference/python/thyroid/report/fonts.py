"""The fonts of a page, which are embedded in it: DejaVu Sans, and Droid Sans Fallback for what that lacks.

They are files beside this one, with their licences: a PDF looks the same wherever it was made. The fallback has the
scripts of China, Japan and Korea. It is large, and read only where a name needs it.
"""

from functools import cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).with_name("fonts")
REGULAR, BOLD, FALLBACK = "DejaVuSans", "DejaVuSans-Bold", "DroidSansFallback"

_LARGEST = 0xFFFF


@cache
def font(name: str) -> TTFont:
    """Return a font, read and made known to the PDF library the first time that it is asked for."""
    read = TTFont(name, str(FOLDER / f"{name}.ttf"))
    pdfmetrics.registerFont(read)
    return read


def font_of(letter: str) -> str | None:
    """Return the name of the first font that has a character, with the accents that follow it; None if none has it.

    None has those above U+FFFF: the PDF library would show them, but what is copied or searched would be others.
    """
    if any(ord(character) > _LARGEST for character in letter):
        return None
    for name in (REGULAR, FALLBACK):
        if all(ord(character) in font(name).face.charToGlyph for character in letter):
            return name
    return None


def has_letter(letter: str) -> bool:
    """Tell whether a page can show a character, with the accents that follow it."""
    return font_of(letter) is not None


def width(text: str, name: str, size: float) -> float:
    """Return how wide a text is, in points."""
    return float(pdfmetrics.stringWidth(text, font(name).fontName, size))


def width_of_letters(parts: list[str], size: float) -> float:
    """Return how wide letters are, each in the font that has it."""
    return sum(width(text, name, size) for name, text in runs(parts))


def runs(parts: list[str]) -> list[tuple[str, str]]:
    """Join letters that are of one font; return the fonts' names and the texts."""
    named = ((font_of(part) or REGULAR, part) for part in parts)
    return [(name, "".join(part for _, part in group)) for name, group in groupby(named, key=lambda pair: pair[0])]
