"""Detects text in an image: rows of drawn characters, distinguished from speckle.

It shares nothing with `thyroid.core.field_of_view`, whose crops it checks. A drawn character is brighter than what is
around it, and falls off within two pixels nearly all along its outline; the next one is as bright, as tall, and stands
on the same line. A bright grain of speckle falls off slowly on some side, and three of one height in a row are rare.

What it cannot see: single characters and marks, dark text, text of fewer than 5 pixels, text on ground as bright.
"""

import numpy as np
import numpy.typing as npt

from thyroid.core.field_of_view import Box
from thyroid_model.evaluation import components

Pixels = npt.NDArray[np.uint8]
Glyphs = npt.NDArray[np.float64]  # shape (glyphs, 5): left, top, right, bottom in pixels, mean grey level

# All of these were chosen with the DDTI frames in view.
_LEVELS = (100, 130, 160, 190, 220)  # grey levels: a character is looked for above each, as text may be grey or white
_MIN_HEIGHT, _MAX_HEIGHT = 5, 45  # pixels
_MAX_WIDTH = 1.5  # heights
_MAX_FILL = 0.8  # of its rectangle: strokes leave more of it free; "I" and "1" do not,
_THIN_WIDTH = 3  # pixels, and are known by that
_EDGE_WIDTH = 2  # pixels, in which a drawn stroke ends
_MIN_DROP = 40  # grey levels, by which it is brighter than what is there
_MIN_SHARP_SHARE = 0.7  # of the outline; the rest may lie before bright tissue
_MIN_CHARACTERS = 3  # characters
_MAX_MISALIGNMENT = 0.15  # heights, or one pixel, between the tops or bottoms of neighbours
_MAX_GAP = 1.0  # heights between neighbours
_MAX_LEVEL_DIFFERENCE = 30  # grey levels between neighbours


def find(pixels: Pixels) -> list[Box]:
    """Find text: rows of at least three characters.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3).

    Returns
    -------
    list of Box
        One for each row, around its characters, in pixels. Words far from each other are rows of their own, and a word
        may be found in parts.
    """
    # The brightest channel, so that coloured text counts.
    grey = pixels.max(axis=2).astype(np.int16)
    at_levels = [_rows(_glyphs(grey, level)) for level in _LEVELS]
    return max(at_levels, key=len)


def _glyphs(grey: npt.NDArray[np.int16], level: int) -> Glyphs:
    """Return what is as bright as ``level`` and looks like a character."""
    labels = components.label(grey >= level)
    rows, columns = np.nonzero(labels >= 0)
    of = labels[rows, columns]
    count = int(of.max(initial=-1)) + 1
    top, left = np.full(count, grey.shape[0]), np.full(count, grey.shape[1])
    bottom, right = np.zeros(count, np.intp), np.zeros(count, np.intp)
    np.minimum.at(top, of, rows)
    np.minimum.at(left, of, columns)
    np.maximum.at(bottom, of, rows + 1)
    np.maximum.at(right, of, columns + 1)

    area = np.bincount(of, minlength=count)
    mean = np.bincount(of, weights=grey[rows, columns], minlength=count) / area
    height, width = bottom - top, right - left
    fits = (
        ((height >= _MIN_HEIGHT) & (height <= _MAX_HEIGHT) & (width <= _MAX_WIDTH * height))
        & ((area <= _MAX_FILL * height * width) | (width <= _THIN_WIDTH))
        & (_sharp_share(grey, labels, count) >= _MIN_SHARP_SHARE)
    )
    glyphs: Glyphs = np.stack([left, top, right, bottom, mean], axis=1)[fits]
    return glyphs


def _sharp_share(grey: npt.NDArray[np.int16], labels: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.float64]:
    """Return of each part the share of its outline that falls off as a drawn stroke does."""
    outline, sharp = np.zeros(count), np.zeros(count)
    for turned_labels, turned_grey in ((labels, grey), (labels.T, grey.T)):
        middle = turned_labels[1:-1] < 0
        for inner, outer in ((np.s_[:-_EDGE_WIDTH], np.s_[_EDGE_WIDTH:]), (np.s_[_EDGE_WIDTH:], np.s_[:-_EDGE_WIDTH])):
            ends = (turned_labels[inner] >= 0) & middle & (turned_labels[outer] < 0)
            of = turned_labels[inner][ends]
            drops = turned_grey[inner][ends] - turned_grey[outer][ends] >= _MIN_DROP
            outline += np.bincount(of, minlength=count)
            sharp += np.bincount(of, weights=drops, minlength=count)
    return sharp / np.maximum(outline, 1)


def _rows(glyphs: Glyphs) -> list[Box]:
    """Return the rows of enough characters, each as its rectangle."""
    glyphs = glyphs[np.argsort(glyphs[:, 0], kind="stable")]
    rows: list[list[int]] = []  # the longest row that ends with each character
    longer: set[int] = set()
    for last, (left, top, _, bottom, level) in enumerate(glyphs):
        before, height = glyphs[:last], bottom - top
        near = np.flatnonzero(
            (np.abs(before[:, [1, 3]] - (top, bottom)).max(axis=1, initial=0) <= max(1, _MAX_MISALIGNMENT * height))
            & (before[:, 2] <= left)
            & (left - before[:, 2] <= _MAX_GAP * height)
            & (np.abs(before[:, 4] - level) <= _MAX_LEVEL_DIFFERENCE)
        )
        previous = max(near.tolist(), key=lambda one: len(rows[one]), default=None)
        rows.append([last] if previous is None else [*rows[previous], last])
        longer.update(near.tolist())
    return [_around(glyphs[row]) for last, row in enumerate(rows) if len(row) >= _MIN_CHARACTERS and last not in longer]


def _around(glyphs: Glyphs) -> Box:
    left, top = glyphs[:, :2].min(axis=0)
    right, bottom = glyphs[:, 2:4].max(axis=0)
    return Box(int(left), int(top), int(right), int(bottom))
