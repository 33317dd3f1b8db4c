"""All hostile files."""

from itertools import chain

from tests.hostile import (
    bombs,
    dressed,
    flips,
    header_lies,
    metadata,
    odd_bmp,
    odd_gif,
    odd_jpeg,
    odd_png,
    odd_tiff,
    odd_webp,
    polyglots,
    splices,
    too_large,
    truncations,
)
from tests.hostile.case import Case

ODD = (odd_png, odd_jpeg, odd_webp, odd_bmp, odd_tiff, odd_gif)
SOUND = (*ODD, metadata, polyglots)
BROKEN = (truncations, flips, splices, header_lies, too_large, dressed)


def small_cases() -> list[Case]:
    """Return those that are made at once, and are answered or refused at once."""
    return list(chain.from_iterable(module.cases() for module in (*SOUND, *BROKEN)))


def all_cases() -> list[Case]:
    """Return all of them, in the same order each time."""
    return [*small_cases(), *bombs.cases()]
