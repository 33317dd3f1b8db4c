"""Picture and mask files of the training sets: how they are decoded and told from one another."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

# What Pillow raises of a file that is no whole picture: a broken PNG is a SyntaxError, a huge one a bomb.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


SMALLEST_SIDE = 16  # pixels; no examination is less, and nothing can be drawn on less


def read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture file: 8-bit RGB, shape (height, width, 3).

    Raises
    ------
    OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError
        If it is no whole picture, or one of under `SMALLEST_SIDE` pixels a side (`DECODE_ERRORS`).
    """
    with Image.open(path) as picture:
        if min(picture.size) < SMALLEST_SIDE:
            raise ValueError(f"It has {picture.width} × {picture.height} pixels.")
        return np.asarray(picture.convert("RGB"))


def read_mask(path: Path) -> npt.NDArray[np.bool_]:
    """Decode a mask file: True where it is not black, shape (height, width). Raises as `read_pixels`."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")) > 0


def digest(pixels: npt.NDArray[np.uint8]) -> str:
    """Hash decoded pixels: two files of different bytes may show the same."""
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def shared_between_cases(pictures: Iterable[tuple[str, int | str]]) -> set[str]:
    """Return the digests that appear under more than one case; a picture is given as its digest and its case."""
    cases: dict[str, set[int | str]] = {}
    for of_pixels, case in pictures:
        cases.setdefault(of_pixels, set()).add(case)
    return {of_pixels for of_pixels, of in cases.items() if len(of) > 1}
