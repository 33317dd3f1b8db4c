"""A bar chart: how many times better than the reference design."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

_MEASURED, _GOAL = "#1f6f8b", "#c2571a"


def draw(path: Path, goals: Mapping[str, tuple[float, float]]) -> None:
    """Write an SVG, the same bytes for the same figures.

    Parameters
    ----------
    path : pathlib.Path
        The file to write.
    goals : mapping of str to (float, float)
        The goal and the measured ratio, as :func:`benchmarks.tables.goals` returns them.
    """
    names = list(goals)[::-1]
    positions = range(len(names))
    with mpl.rc_context({"svg.hashsalt": path.name, "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(7.2, 0.36 * len(names) + 0.9), layout="constrained")
        axes = figure.add_subplot()
        axes.barh(positions, [goals[name][1] for name in names], color=_MEASURED, height=0.62)
        axes.plot([goals[name][0] for name in names], positions, "|", color=_GOAL, markersize=16, markeredgewidth=2)
        axes.set_yticks(positions, [f"{name}: {goals[name][1]:.1f} ×" for name in names])
        axes.set_xlim(0, 1.12 * max(max(pair) for pair in goals.values()))
        axes.set_xlabel("times the reference design (mark: what was aimed at)")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None})
