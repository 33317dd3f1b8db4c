"""The texts of the risk bands stand in one module. Whatever else has a text or a limit of them is held to it here."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import ROOT, blocks
from thyroid.core.manifest import RiskBand
from thyroid_model.compiling.meaning import CLASSES, RISK_BANDS

PRODUCT = ("layers", "functions", "client", "deploy", "benchmarks")
CODE = {".py", ".js", ".html", ".css", ".json", ".yaml", ".toml"}
# The examples that the documentation of the API shows; below, they are held to the bands.
EXAMPLES = "layers/inference/python/thyroid/web/schemas.py"


def band_of(score: float) -> RiskBand:
    return next(band for band in RISK_BANDS if score >= band.minimum)


def product_files() -> Iterator[Path]:
    for folder in PRODUCT:
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in CODE)
    yield ROOT / "template.yaml"


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a JSON value, the outer one first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(inner)


def test_the_bands_are_those_that_records_and_dashboards_name() -> None:
    assert [(band.id, band.minimum) for band in RISK_BANDS] == [
        ("high", 0.75),
        ("moderate", 0.5),
        ("borderline", 0.25),
        ("low", 0.0),
    ]


def test_no_other_module_has_a_text_of_a_band() -> None:
    texts = [text for band in RISK_BANDS for text in (band.label, band.recommendation)]

    found = {
        path.relative_to(ROOT).as_posix()
        for path in product_files()
        if any(text in path.read_text("utf-8") for text in texts)
    }

    assert found - {EXAMPLES} == {"layers/model/thyroid_model/compiling/meaning.py"}


def test_the_examples_of_the_api_are_labels_of_bands() -> None:
    described = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))
    examples = [
        example
        for schema in objects_in(described)
        if isinstance(shown := schema.get("risk_assessment"), dict)
        for example in shown.get("examples", ())
    ]

    assert set(examples) <= {band.label for band in RISK_BANDS}


def test_the_table_in_the_readme_is_that_of_the_bands() -> None:
    rows = re.findall(
        r"^\| (≥ \.\d\d|below) \| (.*?) \| (.*?) \| (.*?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )

    assert rows == [
        (
            f"≥ {band.minimum:.2f}".replace("0.", ".") if band.minimum else "below",
            CLASSES[str(int(band.minimum >= 0.5))].partition(" ")[0],
            band.label,
            band.recommendation,
        )
        for band in RISK_BANDS
    ]


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_a_result_in_the_documents_has_the_texts_of_its_band(block: Any) -> None:
    for told in objects_in(json.loads(block.text)):
        if "prediction" in told:
            band = band_of(told["prediction"]["confidence_score"])
            assert told["risk_assessment"] == band.label
            assert told["recommendation"] == band.recommendation
        elif "risk" in told:
            assert told["risk"] == band_of(told["score"]).label


def test_the_dashboard_draws_the_limits_of_the_bands() -> None:
    (annotations,) = re.findall(
        r'"annotations": \{"horizontal": (\[.*?\])\}', (ROOT / "template.yaml").read_text(), re.DOTALL
    )

    assert json.loads(annotations) == [
        {"value": band.minimum, "label": band.id} for band in reversed(RISK_BANDS) if band.minimum > 0
    ]
