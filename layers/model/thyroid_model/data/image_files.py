"""Image and mask files of the datasets: decoding, and detection of duplicates."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

# What Pillow raises for a file that it cannot decode: SyntaxError for a broken PNG, DecompressionBombError for a huge
# image.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

MIN_SIDE = 16  # pixels; no examination is smaller


def read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Decode an image file.

    Returns
    -------
    numpy.ndarray
        uint8 RGB, shape (height, width, 3).

    Raises
    ------
    OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError
        If it cannot be decoded, or has under `MIN_SIDE` pixels a side (`DECODE_ERRORS`).
    """
    with Image.open(path) as image:
        if min(image.size) < MIN_SIDE:
            raise ValueError(f"It has {image.width} × {image.height} pixels.")
        return np.asarray(image.convert("RGB"))


def read_mask(path: Path) -> npt.NDArray[np.bool_]:
    """Decode a mask file.

    Returns
    -------
    numpy.ndarray
        True where the mask is not black, shape (height, width).

    Raises
    ------
    OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError
        If it cannot be decoded (`DECODE_ERRORS`).
    """
    with Image.open(path) as image:
        return np.asarray(image.convert("L")) > 0


def digest(pixels: npt.NDArray[np.uint8]) -> str:
    """Return the SHA-256 of shape and pixels: the same for two files of different bytes that decode to the same."""
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def shared_between_cases(images: Iterable[tuple[str, int | str]]) -> set[str]:
    """Return the digests that occur in more than one case.

    Parameters
    ----------
    images : iterable of tuple
        Of each image: its `digest` and its case.
    """
    cases: dict[str, set[int | str]] = {}
    for pixel_digest, case in images:
        cases.setdefault(pixel_digest, set()).add(case)
    return {pixel_digest for pixel_digest, sharing in cases.items() if len(sharing) > 1}
