import copy
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thyroid_model.evaluation import figures, plots
from thyroid_model.evaluation.plots import RELIABILITY_FILE, ROC_FILE


@pytest.fixture(scope="module")
def curves() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    labels = (np.arange(40) % 4 > 0).astype(np.int64)
    return figures.curves(labels, np.clip(0.3 * labels + rng.random((2, 40)) * 0.7, 0, 1))


def test_both_plots_are_written_as_svg(curves: dict[str, Any], tmp_path: Path) -> None:
    plots.draw(tmp_path, curves, 0.7344, 0.5)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ROC_FILE, RELIABILITY_FILE])
    for path in tmp_path.iterdir():
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_same_figures_give_the_same_bytes(curves: dict[str, Any], tmp_path: Path) -> None:
    first = tmp_path / "first"
    second = tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        plots.draw(folder, copy.deepcopy(curves), 0.7344, 0.5)

    for name in (ROC_FILE, RELIABILITY_FILE):
        assert (first / name).read_bytes() == (second / name).read_bytes()
        assert b"<dc:date>" not in (first / name).read_bytes()


def test_what_is_told_and_drawn_is_the_figures(curves: dict[str, Any], tmp_path: Path) -> None:
    """GIVEN another AUC, another prevalence, or another curve THEN just that plot changes."""

    def drawn(name: str, curves: dict[str, Any], auc: float, prevalence: float) -> tuple[bytes, bytes]:
        folder = tmp_path / name
        folder.mkdir()
        plots.draw(folder, curves, auc, prevalence)
        return (folder / ROC_FILE).read_bytes(), (folder / RELIABILITY_FILE).read_bytes()

    roc, reliability = drawn("as is", curves, 0.73, 0.5)
    other_auc = drawn("auc", curves, 0.74, 0.5)
    other_prevalence = drawn("prevalence", curves, 0.73, 0.4)
    other_curve = drawn("curve", {**curves, "roc": curves["roc"][:1]}, 0.73, 0.5)

    assert other_auc[0] != roc
    assert other_auc[1] == reliability
    assert other_prevalence[0] == roc
    assert other_prevalence[1] != reliability
    assert other_curve[0] != roc
    assert other_curve[1] == reliability
