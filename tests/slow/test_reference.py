"""The reference that ours is measured against does the same work: it gives the same score."""

import base64
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks import reference
from tests.images import saved
from thyroid import phantom
from thyroid.core.analyzer import Analyzer
from thyroid.settings import Settings
from thyroid.web import responses
from thyroid_model.compiling.compile import compile_model
from thyroid_model.networks.sources import resolve


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    """Our service with the bundled model, whatever model is compiled elsewhere."""
    folder: Path = tmp_path_factory.mktemp("artifact") / "model"
    compile_model(resolve("bundled"), folder, parity_images=2)
    return Analyzer(Settings(model_dir=folder))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(phantom.make(1, suspicious=True), id="phantom"),
        pytest.param(phantom.make_frame(2, suspicious=False), id="machine_frame"),
    ],
)
def test_the_reference_gives_our_score(ours: Analyzer, pixels: npt.NDArray[Any], kind: str) -> None:
    file = saved(Image.fromarray(pixels), kind)
    request = reference.ImageRequest(image=base64.b64encode(file).decode("ascii"))

    theirs = reference.predict(request)

    response = responses.prediction(ours.score(file))
    assert theirs["prediction"]["confidence_score"] == pytest.approx(response.prediction.confidence_score, abs=1e-4)
    assert theirs["prediction"]["label"] == response.prediction.label
    assert theirs["risk_assessment"] == response.risk_assessment
