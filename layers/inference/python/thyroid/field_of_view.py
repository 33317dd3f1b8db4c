"""Where in a picture the ultrasound is: the field of view, without captions, rulers and borders.

A machine's frame shows more than tissue, and some of it gives the answer away: in the public DDTI set the radiologist's
verdict is burned into a quarter of the frames. A network must see the tissue only, at training and at serving alike.

Tissue is speckle: nearly every pixel of it is off the background's level, even in a shadow. Text and rulers are thin
strokes with background between them. So the share of lit pixels in a row or column tells them apart, and a caption is
cut off by the background rows above it. Columns and rows are looked at in turn, each within what the other left.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TOLERANCE = 6  # grey levels: what JPEG noise leaves on a flat background
_LIT_SHARE = 0.15  # of a row's or column's pixels; text stays under it near the tissue, a deep shadow over it
_FLAT_SHARE = 0.6  # of the outermost pixels: one level, so it is a border and not tissue
_LONGEST_GAP = 0.05  # of the width: the seam between the two panes of a double view
_SHORTEST_PANE = 0.10  # of the width
_SMALLEST_SIDE = 0.2  # of the picture's: anything less is not believed
_WORKING_SIDE = 640  # pixels; larger pictures are thinned out first
_PASSES = 3


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns inside."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows inside."""
        return self.bottom - self.top

    def crop(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the part of ``pixels``, of shape (height, width, …), that the box shows."""
        return pixels[self.top : self.bottom, self.left : self.right]


def find(pixels: npt.NDArray[np.uint8]) -> Box:
    """Find the ultrasound field of view.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3).

    Returns
    -------
    Box
        The field of view; of a double view, both panes. The whole picture where it is already cropped, or where
        nothing in it looks like a field of view: never an empty or tiny box.
    """
    height, width = pixels.shape[:2]
    step = -(-max(height, width) // _WORKING_SIDE)
    thinned = pixels[::step, ::step]
    # The brightest channel, so that coloured text counts; `max(axis=2)` would take four times as long.
    grey = np.maximum(np.maximum(thinned[..., 0], thinned[..., 1]), thinned[..., 2]).astype(np.int16)

    rows, columns = slice(0, grey.shape[0]), slice(0, grey.shape[1])
    for _ in range(_PASSES):  # each pass peels one border: a white page around a black frame around the tissue
        inner_rows, inner_columns = _peel(grey[rows, columns])
        peeled = _within(rows, inner_rows), _within(columns, inner_columns)
        if peeled == (rows, columns):
            break
        rows, columns = peeled

    box = Box(
        left=columns.start * step,
        top=rows.start * step,
        right=_end(columns.stop, grey.shape[1], step, width),
        bottom=_end(rows.stop, grey.shape[0], step, height),
    )
    if box.width < _SMALLEST_SIDE * width or box.height < _SMALLEST_SIDE * height:
        return Box(0, 0, width, height)
    return box


def _peel(grey: npt.NDArray[np.int16]) -> tuple[slice, slice]:
    """Return the rows and columns left when one background level is taken off."""
    lit = np.abs(grey - _background(grey)) > _TOLERANCE
    rows, columns = slice(0, grey.shape[0]), slice(0, grey.shape[1])
    gap, pane = int(_LONGEST_GAP * grey.shape[1]), int(_SHORTEST_PANE * grey.shape[1])
    for _ in range(_PASSES):
        columns = _longest_run(lit[rows].mean(axis=0) > _LIT_SHARE, gap, pane)
        rows = _longest_run(lit[:, columns].mean(axis=1) > _LIT_SHARE)
    return rows, columns


def _background(grey: npt.NDArray[np.int16]) -> int:
    """Return the border's level where the border is flat, else black."""
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    level = int(np.median(border))
    return level if np.mean(np.abs(border - level) <= _TOLERANCE) >= _FLAT_SHARE else 0


def _longest_run(lit: npt.NDArray[np.bool_], gap: int = 0, shortest: int = 1) -> slice:
    """Return the longest run of lit places, joined with neighbours at least ``shortest`` long and ``gap`` away.

    Where nothing is lit, that is the whole line.
    """
    edges = np.flatnonzero(np.diff(lit, prepend=False, append=False))
    runs = [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
    if not runs:
        return slice(0, lit.size)
    start, stop = max(runs, key=lambda run: run[1] - run[0])
    panes = [run for run in runs if run[1] - run[0] >= shortest] if gap else []
    for after in panes:
        if 0 <= after[0] - stop <= gap:
            stop = after[1]
    for before in reversed(panes):
        if 0 <= start - before[1] <= gap:
            start = before[0]
    return slice(start, stop)


def _end(stop: int, places: int, step: int, size: int) -> int:
    """Return where the last lit place ends in the picture: nothing past it has been seen to be tissue."""
    return size if stop == places else (stop - 1) * step + 1


def _within(outer: slice, inner: slice) -> slice:
    """Return ``inner``, counted from the start of ``outer``, as places of the whole."""
    return slice(outer.start + inner.start, outer.start + inner.stop)
