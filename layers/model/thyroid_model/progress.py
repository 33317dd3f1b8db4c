"""Progress bars; each of several processes draws on a line of its own."""

from typing import Any

from tqdm import tqdm

_position: int | None = None  # of this process; None: tqdm chooses, since there is only one process


def set_position(position: int, lock: Any) -> None:
    """Draw the bars of this process on one line of the terminal.

    Parameters
    ----------
    position : int
        Lines below the first one.
    lock : multiprocessing.RLock
        Shared by all processes, so that their output does not interleave.
    """
    global _position  # each process has its own line
    _position = position
    tqdm.set_lock(lock)


def bar(*iterable: Any, title: str, unit: str, **options: Any) -> Any:
    """Return a progress bar over an iterable or, without one, for a ``total``.

    The bar of one of several processes disappears when it is complete.

    Parameters
    ----------
    *iterable : iterable
        None or one.
    title, unit : str
        Shown beside the bar.
    **options
        Passed to ``tqdm``.
    """
    return tqdm(*iterable, desc=title, unit=unit, position=_position, leave=None, **options)
