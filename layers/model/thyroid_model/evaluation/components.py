"""Connected parts of a mask, numbered, in NumPy alone."""

import numpy as np
import numpy.typing as npt


def label(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Give each connected part of a mask a number; pixels that touch at a corner are connected.

    Parameters
    ----------
    mask : numpy.ndarray
        True where something is, shape (height, width).

    Returns
    -------
    numpy.ndarray
        Shape (height, width): the part's number, from 0 on without gaps, and -1 where ``mask`` is False.
    """
    height, width = mask.shape
    # One more column, always empty: in the flattened image no run then continues into the next row.
    line = width + 1
    padded = np.zeros((height, line), np.bool_)
    padded[:, :width] = mask
    edges = np.flatnonzero(np.diff(padded.ravel(), prepend=False, append=False))
    start, stop = edges[::2], edges[1::2]

    above, below = _neighbours(start, stop, line)
    parent = np.arange(start.size)
    while np.any(parent[above] != parent[below]):
        smaller = np.minimum(parent[above], parent[below])
        np.minimum.at(parent, parent[above], smaller)
        np.minimum.at(parent, parent[below], smaller)
        while np.any(parent[parent] != parent):
            parent = parent[parent]

    labels = np.full(height * line, -1, np.intp)
    labels[padded.ravel()] = np.repeat(np.unique(parent, return_inverse=True)[1], stop - start)
    return labels.reshape(height, line)[:, :width]


def _neighbours(
    start: npt.NDArray[np.intp], stop: npt.NDArray[np.intp], line: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the pairs of runs that touch, as two arrays: the upper one's number and the lower one's."""
    first = np.searchsorted(stop, start + line, side="left")
    last = np.searchsorted(start, stop + line, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(start.size), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + within
