"""Measures whether the real captions of frames are left in the field of view.

`captions` draws synthetic captions; here are those that the frames have. A detector looks for text in the crop. To show
that the detector works, it also looks around the crop, and in crops that text was written on. Captions that touch the
sector, which `captions.paint` never draws, are measured apart.
"""

from collections.abc import Iterable
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid_model.evaluation import captions, text

Pixels = npt.NDArray[np.uint8]

_QUALITY = 85  # of the JPEG that text is hidden in, as it is in the sets: without it, strokes are too sharp
_MIN_LEGIBLE_PIXELS = 40  # pixels; with fewer, the text was cut off
_MIN_CHANNEL_RANGE = 60  # levels between the channels; tissue is grey, and JPEG colours it less
_MIN_MARK_PIXELS = 12  # pixels
_OVERLAP = 0.5  # of the caption, from the sector's border on


def measure(images: Iterable[Pixels], seed: int) -> dict[str, int]:
    """Look for text in and around the field of view, and push captions against it.

    Parameters
    ----------
    images : iterable of numpy.ndarray
        8-bit RGB, each of shape (height, width, 3).
    seed : int
        Of the random captions.

    Returns
    -------
    dict
        Of the images, ``text_in_view``, ``coloured_marks_in_view`` (not looked at as text: callipers, mostly) and
        ``text_around_view`` count those in which something was found; ``written_in_view`` and ``written_found`` the
        crops that were written on, one text each, and those of them in which text was found and had not been before.
        For captions that begin at the sector's border (``touching``) and that lie half inside (``overlapping``) there
        are the captions, how many of them change the box (``…_changed_box``), the pixels they cover outside the sector
        (``…_pixels``), and how many of these lie in the box then found (``…_surviving_pixels``).
    """
    rng = np.random.default_rng(seed)
    names = ["text_in_view", "coloured_marks_in_view", "text_around_view", "written_in_view", "written_found"]
    for kind in ("touching", "overlapping"):
        names += [kind, f"{kind}_changed_box", f"{kind}_pixels", f"{kind}_surviving_pixels"]
    counts = dict.fromkeys(names, 0)
    for pixels in images:
        box = field_of_view.find(pixels)
        crop = box.crop(pixels)
        there = bool(text.find(crop))
        counts["text_in_view"] += there
        counts["coloured_marks_in_view"] += _coloured(crop)
        counts["text_around_view"] += bool(text.find(_blackened(pixels, box)))
        written = captions.write(crop, (0, 0, crop.shape[1] // 2, crop.shape[0]), rng)
        if not there and np.any(written != crop, axis=2).sum() >= _MIN_LEGIBLE_PIXELS:
            counts["written_in_view"] += 1
            counts["written_found"] += bool(text.find(_as_jpeg(written)))
        for kind, overlap in (("touching", 0.0), ("overlapping", _OVERLAP)):
            pushed = push(pixels, box, overlap, rng)
            if pushed is None:
                continue
            found = field_of_view.find(pushed)
            outside = np.any(_blackened(pushed, box) != _blackened(pixels, box), axis=2)
            counts[kind] += 1
            counts[f"{kind}_changed_box"] += found != box
            counts[f"{kind}_pixels"] += int(outside.sum())
            counts[f"{kind}_surviving_pixels"] += int(outside[found.top : found.bottom, found.left : found.right].sum())
    return counts


def push(pixels: Pixels, box: Box, overlap: float, rng: np.random.Generator) -> Pixels | None:
    """Write a caption that touches the field of view from outside, on a side that has room.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3). Not changed.
    box : Box
        The field of view, in pixels.
    overlap : float
        How much of the caption lies inside, in [0, 1]; 0: its nearest pixel is the first outside.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    numpy.ndarray or None
        8-bit RGB, shape (height, width, 3); cut off at the border of the image. None where the field of view
        is the whole image.
    """
    height, width = pixels.shape[:2]
    rooms = {"left": box.left, "top": box.top, "right": width - box.right, "bottom": height - box.bottom}
    sides = [side for side, room in rooms.items() if room > 0]
    if not sides:
        return None
    side = sides[int(rng.integers(len(sides)))]
    # Written on black first, to find its bounding box. The canvas is as high as the frame, so the text has its size.
    canvas = np.zeros((height, 4 * width, 3), np.uint8)
    ink = captions.write(canvas, (0, 0, 1, 1), rng)
    rows, columns = np.flatnonzero(ink.any(axis=(1, 2))), np.flatnonzero(ink.any(axis=(0, 2)))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high, wide = ink.shape[:2]
    brightest = ink.max()
    down, across = round(overlap * high), round(overlap * wide)
    # Along the border it stays inside the image; otherwise the line that touches might be cut off.
    x = int(rng.integers(box.left, max(box.left + 1, min(box.right, width - wide + 1))))
    y = int(rng.integers(box.top, max(box.top + 1, min(box.bottom, height - high + 1))))
    left, top = {
        "left": (box.left - wide + across, y),
        "right": (box.right - across, y),
        "top": (x, box.top - high + down),
        "bottom": (x, box.bottom - down),
    }[side]
    pushed = pixels.copy()
    under = pushed[max(0, top) : top + high, max(0, left) : left + wide]
    ink = ink[max(0, -top) :, max(0, -left) :][: under.shape[0], : under.shape[1]]
    covered = ink.max(axis=2, keepdims=True) / brightest  # on black, ink is as bright as it covers
    under[...] = np.rint(under * (1 - covered) + ink)
    return pushed


def _blackened(pixels: Pixels, box: Box) -> Pixels:
    """Return the image with the box in black."""
    around = pixels.copy()
    box.crop(around)[...] = 0
    return around


def _coloured(pixels: Pixels) -> bool:
    return bool((np.ptp(pixels, axis=2) >= _MIN_CHANNEL_RANGE).sum() >= _MIN_MARK_PIXELS)


def _as_jpeg(pixels: Pixels) -> Pixels:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    return np.array(Image.open(file))
