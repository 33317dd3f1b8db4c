"""Where in a picture the ultrasound is: the field of view, without captions, rulers and borders.

A machine's frame shows more than tissue, and some of it gives the answer away: in the public DDTI set the radiologist's
verdict is burned into a quarter of the frames. A network must see the tissue only, at training and at serving alike.

Tissue is speckle: nearly every pixel of it is off the background's level, even in a shadow, and differs from the next.
Text and rulers are thin strokes with background between them; logos and filled boxes are flat. So the rows and columns
with the most speckle lie in the tissue, whatever is written around it. From there the view grows as long as enough
pixels of a row or column are lit, each looked at within what the other left, and ends at the first background. Thus
nothing that background parts from the tissue has a say in where the view ends.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TOLERANCE = 6  # grey levels: what JPEG noise leaves on a flat background
_LIT_SHARE = 0.15  # of a row's or column's pixels; text stays under it near the tissue, a deep shadow over it
_FLAT_SHARE = 0.6  # of the outermost pixels: one level, so it is a border and not tissue
_SPECKLE = 2  # grey levels between neighbours: a flat logo has less, even after JPEG
_SEED_SHARE = 0.25  # of the speckle of the row or column with the most; text has less
_LONGEST_GAP = 0.05  # of the width: the seam between the two panes of a double view
_SHORTEST_PANE = 0.10  # of the width
_PANE_SPECKLE = 0.4  # of a pane's pixels; a text on a filled box has less
_PANE_HEIGHT = 0.7  # of the view's rows are lit in a pane
_SMALLEST_SIDE = 0.2  # of the picture's: anything less is not believed
_WORKING_SIDE = 640  # pixels; larger pictures are thinned out first
_PASSES = 10  # at most; two or three are the rule, and it has to settle, or a crop of its own would be cropped again


# 1 where something is and 0 elsewhere, shape (rows, columns). Its products with ones count exactly, in an eighth of the
# time that sums of booleans take.
_Marks = npt.NDArray[np.float32]


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
        uint8, RGB of shape (height, width, 3) or grey levels of shape (height, width).

    Returns
    -------
    Box
        The field of view; of a double view, both panes. The whole picture where it is already cropped, or where
        nothing in it looks like a field of view: never an empty or tiny box.
    """
    height, width = pixels.shape[:2]
    step = -(-max(height, width) // _WORKING_SIDE)
    thinned = pixels[::step, ::step]
    if thinned.ndim == 3:  # the brightest channel, so that coloured text counts; `max(axis=2)` takes four times as long
        thinned = np.maximum(np.maximum(thinned[..., 0], thinned[..., 1]), thinned[..., 2])
    grey = thinned.astype(np.int16)

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
    off = np.abs(grey - _background(grey)) > _TOLERANCE
    lit = off.astype(np.float32)
    off[:, 1:] &= np.abs(grey[:, 1:] - grey[:, :-1]) >= _SPECKLE
    speckle = off.astype(np.float32)

    rows, columns = _seed(speckle)
    for _ in range(_PASSES):
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
    """Return rows and columns that lie in the tissue, though they need not be all of it."""
    rows, columns = slice(0, speckle.shape[0]), slice(0, speckle.shape[1])
    for _ in range(2):  # the second look is not misled by what is written above and below
        across = _in_columns(speckle[rows])
        columns = _best_run(across > _SEED_SHARE * across.max(), across)
        down = _in_rows(speckle[:, columns])
        rows = _best_run(down > _SEED_SHARE * down.max(), down)
    return rows, columns


def _background(grey: npt.NDArray[np.int16]) -> int:
    """Return the border's level where the border is flat, else black."""
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    level = int(np.bincount(border).argmax())  # the median would move with every caption that touches the border
    return level if np.mean(np.abs(border - level) <= _TOLERANCE) >= _FLAT_SHARE else 0


def _runs(lit: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return where the runs of lit places start and stop, in order: shape (runs, 2)."""
    dark_ends = np.zeros(lit.size + 2, np.bool_)
    dark_ends[1:-1] = lit
    return np.flatnonzero(dark_ends[1:] != dark_ends[:-1]).reshape(-1, 2)


def _best_run(lit: npt.NDArray[np.bool_], speckle: npt.NDArray[np.float64]) -> slice:
    """Return the run of lit places that holds the most speckle; where nothing is lit, the whole line."""
    runs = _runs(lit)
    if not len(runs):
        return slice(0, lit.size)
    before = np.concatenate(([0.0], speckle.cumsum()))
    best = int(np.argmax(before[runs[:, 1]] - before[runs[:, 0]]))
    return slice(int(runs[best, 0]), int(runs[best, 1]))


def _with_panes(view: slice, lit: _Marks, speckle: _Marks) -> slice:
    """Return the columns of the view and of the panes beside it, each across a narrow gap from the last."""
    gap = int(_LONGEST_GAP * lit.shape[1])
    runs = [slice(int(first), int(end)) for first, end in _runs(_share_of_columns(lit) > _LIT_SHARE)]
    start, stop = view.start, view.stop
    for after in runs:
        if 0 <= after.start - stop <= gap and _is_pane(lit[:, after], speckle[:, after], lit.shape[1]):
            stop = after.stop
    for before in reversed(runs):
        if 0 <= start - before.stop <= gap and _is_pane(lit[:, before], speckle[:, before], lit.shape[1]):
            start = before.start
    return slice(start, stop)


def _is_pane(lit: _Marks, speckle: _Marks, picture_width: int) -> bool:
    """Return whether columns beside the view are tissue as tall as it, and neither a logo nor a list of settings."""
    return bool(
        lit.shape[1] >= _SHORTEST_PANE * picture_width
        and _share_of_rows(speckle).mean() >= _PANE_SPECKLE
        and np.mean(_share_of_rows(lit) > _LIT_SHARE) >= _PANE_HEIGHT
    )


def _end(stop: int, places: int, step: int, size: int) -> int:
    """Return where the last lit place ends in the picture: nothing past it has been seen to be tissue."""
    return size if stop == places else (stop - 1) * step + 1


def _within(outer: slice, inner: slice) -> slice:
    """Return ``inner``, counted from the start of ``outer``, as places of the whole."""
    return slice(outer.start + inner.start, outer.start + inner.stop)
