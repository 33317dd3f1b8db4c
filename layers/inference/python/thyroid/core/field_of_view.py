"""Finds the field of view: the part of an image that shows ultrasound, without captions, rulers and borders.

A machine's frame shows more than tissue, and some of it gives the label away: in the public DDTI set the radiologist's
category is burned into a quarter of the frames. A network must see only the tissue, in training and in serving.

Tissue is speckle. Nearly every pixel of it differs from the background's level, even in a shadow, and from its
neighbour. Text and rulers are thin strokes with background between them; logos and filled boxes are flat. So the rows
and columns with the most speckle lie in the tissue, whatever is written around it. The view grows from there while
enough pixels of a row or column are lit, and ends at the first background. Rows are examined within the columns found
so far, and columns within the rows. So nothing that is separated from the tissue by background affects where the view
ends.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TOLERANCE = 6  # grey levels: what JPEG noise leaves on a flat background
_LIT_SHARE = 0.15  # of a row's or column's pixels; text near the tissue has less, a deep shadow has more
_FLAT_SHARE = 0.6  # of the outermost pixels: one level, so it is a border and not tissue
_SPECKLE = 2  # grey levels between neighbours: a flat logo has less, even after JPEG
_SEED_SHARE = 0.25  # of the speckle of the row or column with the most; text has less
_MAX_GAP = 0.05  # of the width: the seam between the two panes of a double view
_MIN_PANE = 0.10  # of the width
_PANE_SPECKLE = 0.4  # of a pane's pixels; a text on a filled box has less
_PANE_HEIGHT = 0.7  # of the view's rows are lit in a pane
_MIN_SIDE_SHARE = 0.2  # of the image's side: a smaller box is taken for an error
_WORKING_SIDE = 640  # pixels; larger images are subsampled first
_MAX_PASSES = 10  # usually two or three; it has to converge, or its own crop would be cropped again


# A mask of 0 and 1, shape (rows, columns). Its products with ones count exactly, in an eighth of the time that sums of
# booleans take.
_Marks = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A part of an image, in pixels; ``right`` and ``bottom`` are exclusive."""

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
        uint8, RGB of shape (height, width, 3) or grey levels of shape (height, width).

    Returns
    -------
    Box
        The field of view; of a double view, both panes. The whole image if it is already cropped, or if nothing in it
        looks like a field of view: never an empty or tiny box.
    """
    height, width = pixels.shape[:2]
    step = -(-max(height, width) // _WORKING_SIDE)
    subsampled = pixels[::step, ::step]
    if (
        subsampled.ndim == 3
    ):  # the brightest channel, so that coloured text counts; `max(axis=2)` takes four times as long
        subsampled = np.maximum(np.maximum(subsampled[..., 0], subsampled[..., 1]), subsampled[..., 2])
    grey = subsampled.astype(np.int16)

    rows, columns = slice(0, grey.shape[0]), slice(0, grey.shape[1])
    for _ in range(_MAX_PASSES):  # each pass peels one border: a white page around a black frame around the tissue
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
    if box.width < _MIN_SIDE_SHARE * width or box.height < _MIN_SIDE_SHARE * height:
        return Box(0, 0, width, height)
    return box


def _peel(grey: npt.NDArray[np.int16]) -> tuple[slice, slice]:
    """Return the rows and columns that remain when one background level is removed."""
    off = np.abs(grey - _background(grey)) > _TOLERANCE
    lit = off.astype(np.float32)
    off[:, 1:] &= np.abs(grey[:, 1:] - grey[:, :-1]) >= _SPECKLE
    speckle = off.astype(np.float32)

    rows, columns = _seed(speckle)
    for _ in range(_MAX_PASSES):
        before = rows, columns
        columns = _best_run(_share_of_columns(lit[rows]) > _LIT_SHARE, _in_columns(speckle[rows]))
        columns = _with_panes(columns, lit[rows], speckle[rows])
        rows = _best_run(_share_of_rows(lit[:, columns]) > _LIT_SHARE, _in_rows(speckle[:, columns]))
        if (rows, columns) == before:
            break
    return rows, columns


def _in_columns(marks: _Marks) -> npt.NDArray[np.float64]:
    """Return how many marks are in each column."""
    return np.asarray(np.ones(marks.shape[0], np.float32) @ marks, np.float64)


def _in_rows(marks: _Marks) -> npt.NDArray[np.float64]:
    """Return how many marks are in each row."""
    return np.asarray(marks @ np.ones(marks.shape[1], np.float32), np.float64)


def _share_of_columns(marks: _Marks) -> npt.NDArray[np.float64]:
    return np.asarray(_in_columns(marks) / marks.shape[0])


def _share_of_rows(marks: _Marks) -> npt.NDArray[np.float64]:
    return np.asarray(_in_rows(marks) / marks.shape[1])


def _seed(speckle: _Marks) -> tuple[slice, slice]:
    """Return rows and columns that lie in the tissue; they may be a part of it."""
    rows, columns = slice(0, speckle.shape[0]), slice(0, speckle.shape[1])
    for _ in range(2):  # the second pass is not misled by text above and below
        across = _in_columns(speckle[rows])
        columns = _best_run(across > _SEED_SHARE * across.max(), across)
        down = _in_rows(speckle[:, columns])
        rows = _best_run(down > _SEED_SHARE * down.max(), down)
    return rows, columns


def _background(grey: npt.NDArray[np.int16]) -> int:
    """Return the border's level if the border is flat, black otherwise."""
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    level = int(np.bincount(border).argmax())  # the median would move with every caption that touches the border
    return level if np.mean(np.abs(border - level) <= _TOLERANCE) >= _FLAT_SHARE else 0


def _runs(lit: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the start and stop of each run of lit rows or columns, in order: shape (runs, 2)."""
    dark_ends = np.zeros(lit.size + 2, np.bool_)
    dark_ends[1:-1] = lit
    return np.flatnonzero(dark_ends[1:] != dark_ends[:-1]).reshape(-1, 2)


def _best_run(lit: npt.NDArray[np.bool_], speckle: npt.NDArray[np.float64]) -> slice:
    """Return the run of lit rows or columns with the most speckle; the whole line if nothing is lit."""
    runs = _runs(lit)
    if not len(runs):
        return slice(0, lit.size)
    before = np.concatenate(([0.0], speckle.cumsum()))
    best = int(np.argmax(before[runs[:, 1]] - before[runs[:, 0]]))
    return slice(int(runs[best, 0]), int(runs[best, 1]))


def _with_panes(view: slice, lit: _Marks, speckle: _Marks) -> slice:
    """Return the columns of the view and of the panes beside it, with a narrow gap between any two."""
    gap = int(_MAX_GAP * lit.shape[1])
    runs = [slice(int(first), int(end)) for first, end in _runs(_share_of_columns(lit) > _LIT_SHARE)]
    start, stop = view.start, view.stop
    for after in runs:
        if 0 <= after.start - stop <= gap and _is_pane(lit[:, after], speckle[:, after], lit.shape[1]):
            stop = after.stop
    for before in reversed(runs):
        if 0 <= start - before.stop <= gap and _is_pane(lit[:, before], speckle[:, before], lit.shape[1]):
            start = before.start
    return slice(start, stop)


def _is_pane(lit: _Marks, speckle: _Marks, image_width: int) -> bool:
    """Return whether columns beside the view are tissue of the same height, not a logo or a list of settings."""
    return bool(
        lit.shape[1] >= _MIN_PANE * image_width
        and _share_of_rows(speckle).mean() >= _PANE_SPECKLE
        and np.mean(_share_of_rows(lit) > _LIT_SHARE) >= _PANE_HEIGHT
    )


def _end(stop: int, count: int, step: int, size: int) -> int:
    """Return where the last lit row or column ends in the image; what follows it was not seen to be tissue."""
    return size if stop == count else (stop - 1) * step + 1


def _within(outer: slice, inner: slice) -> slice:
    """Return ``inner``, which counts from the start of ``outer``, as a slice of the whole."""
    return slice(outer.start + inner.start, outer.start + inner.stop)
