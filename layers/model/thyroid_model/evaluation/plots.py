"""Draws the ROC and the reliability plot, as SVG."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

ROC_FILE, RELIABILITY_FILE = "roc.svg", "reliability.svg"

_SIZE = (4.8, 4.6)  # inches
_QUIET, _OURS = "0.6", "#1f6f8b"


def draw(folder: Path, curves: dict[str, Any], auc: float, prevalence: float) -> None:
    """Write both plots into a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where to.
    curves : dict
        As :func:`thyroid_model.evaluation.figures.curves` gives them.
    auc : float
        Written in the first plot.
    prevalence : float
        That the probabilities are meant for; written in the second.
    """
    with _axes(folder / ROC_FILE) as axes:
        for number, (false, true) in enumerate(curves["roc"]):
            axes.step(false, true, where="post", color=_OURS, alpha=0.75, label=None if number else "each round")
        axes.set_title(f"ROC, cases not seen: mean AUC {auc:.3f}")
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("sensitivity")
        axes.legend(loc="lower right")
    with _axes(folder / RELIABILITY_FILE) as axes:
        for number, bins in enumerate(curves["reliability"]):
            said, found, weight = zip(*bins, strict=True)
            label = None if number else "each round; the larger, the more weight"
            axes.plot(said, found, color=_OURS, alpha=0.4, linewidth=1)
            axes.scatter(said, found, [400 * share for share in weight], color=_OURS, alpha=0.5, label=label)
        axes.set_title(f"Reliability, cases not seen, prevalence {prevalence:.0%}")
        axes.set_xlabel("score")
        axes.set_ylabel("share that is suspicious")
        axes.legend(loc="upper left")


@contextmanager
def _axes(path: Path) -> Iterator[Any]:
    """Yield axes from 0 to 1 with the diagonal, then save the plot: the same bytes for the same figures."""
    with mpl.rc_context({"svg.hashsalt": path.name, "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.plot((0, 1), (0, 1), color=_QUIET, linestyle="--", linewidth=1)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        yield axes
        figure.savefig(path, metadata={"Date": None})
