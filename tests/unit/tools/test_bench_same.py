import base64
import io
from typing import Any

import pytest
from PIL import Image

from benchmarks.same import DifferentResultError, require_same_results, require_same_scores


def heatmap(colour: int) -> str:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def result(score: float, colour: int | None = None, *, nested: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {"prediction": {"confidence_score": score}}
    if colour is not None:
        images = {"images": {"heatmap": heatmap(colour)}}
        told |= {"gradcam": images} if nested else images
    return told


def test_scores_that_differ_by_arithmetic_alone_are_the_same() -> None:
    require_same_scores({"one": 0.91348, "two": 0.91352})


def test_other_scores_are_refused() -> None:
    with pytest.raises(DifferentResultError, match=r"not the same: .*'two': 0.92"):
        require_same_scores({"one": 0.91, "two": 0.92})


def test_answers_with_the_same_map_are_the_same_wherever_it_stands() -> None:
    require_same_results({"one": result(0.9, 100), "two": result(0.9, 101, nested=True)})
    require_same_results({"one": result(0.9), "two": result(0.9)})


def test_another_map_is_refused() -> None:
    with pytest.raises(DifferentResultError, match="heatmap of two"):
        require_same_results({"one": result(0.9, 100), "two": result(0.9, 200)})


def test_a_map_that_only_one_gives_is_refused() -> None:
    with pytest.raises(DifferentResultError, match="only one"):
        require_same_results({"one": result(0.9, 100), "two": result(0.9)})
