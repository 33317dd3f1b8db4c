"""The manifest: what does not hold together is refused before an image comes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import make_manifest
from thyroid.core.manifest import MANIFEST_FILE, Manifest
from thyroid.errors import ModelUnavailableError, UnknownLayerError

LOW = {"id": "low", "minimum": 0, "label": "Low", "recommendation": "Wait"}
HIGH = {"id": "high", "minimum": 0.5, "label": "High", "recommendation": "Act"}
LAYER = {"name": "conv2d", "height": 16, "width": 16}


def load(folder: Path, **changed: Any) -> Manifest:
    written = {**make_manifest().model_dump(mode="json"), **changed}
    (folder / MANIFEST_FILE).write_text(json.dumps(written), "utf-8")
    return Manifest.load(folder)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert load(tmp_path) == make_manifest()


@pytest.mark.parametrize(
    "changed",
    [
        {"risk_bands": []},
        {"risk_bands": [HIGH]},
        {"risk_bands": [LOW, HIGH]},
        {"risk_bands": [HIGH, HIGH, LOW]},
        {"risk_bands": [HIGH, {**LOW, "minimum": -1}]},
        {"classes": {"0": "Benign"}},
        {"classes": {"0": "Benign", "1": "Malignant", "2": "Other"}},
        {"classes": {"benign": "Benign", "malignant": "Malignant"}},
        {"default_layer": "conv2d_99"},
        {"conv_layers": []},
        {"conv_layers": [LAYER, LAYER], "default_layer": "conv2d"},
        {"conv_layers": [{**LAYER, "height": 0}], "default_layer": "conv2d"},
        {"conv_layers": [{**LAYER, "width": -1}], "default_layer": "conv2d"},
        {"input_shape": [None, 0, 64, 3]},
        {"output_shape": [None, 0]},
        {"risk_bands": [{**HIGH, "minimum": 1.5}, LOW]},
        {"risk_bands": [{**HIGH, "id": "low"}, LOW]},
        {"risk_bands": [{**HIGH, "id": "High Risk"}, LOW]},
        {"risk_bands": [{"minimum": 0, "label": "Low", "recommendation": "Wait"}]},
    ],
)
def test_nonsense_is_no_model(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(ModelUnavailableError, match="make model"):
        load(tmp_path, **changed)


def test_bands_that_go_down_to_nought_are_taken(tmp_path: Path) -> None:
    bands = load(tmp_path, risk_bands=[HIGH, LOW]).risk_bands

    assert [(band.id, band.label) for band in bands] == [("high", "High"), ("low", "Low")]


def test_a_layer_is_found_by_its_name_and_the_default_one_without() -> None:
    manifest = make_manifest()

    assert manifest.layer("conv2d").name == "conv2d"
    assert manifest.layer(None).name == manifest.default_layer
    with pytest.raises(UnknownLayerError, match="conv2d, depthwise_separable_conv"):
        manifest.layer("nope")
