"""An analysis as the API's responses."""

import base64
import hashlib
import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import thyroid
from tests.fakes import DEFAULT_LAYER, FakeEngine, make_manifest
from tests.images import image_file, noise_file
from thyroid.core.analysis import Analysis
from thyroid.core.analyzer import Analyzer
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.options import ExplainOptions, Target
from thyroid.errors import PayloadTooLargeError
from thyroid.settings import Settings
from thyroid.web import responses

# What is said of the ramp that most tests here send.
SMALL = {
    "looks_like_ultrasound": False,
    "reasons": ["too_small"],
    "detail": "The image does not look like what the model was trained on: "
    "its field of view is under 96 pixels a side.",
}


def scored(score: float = 0.1234, data: bytes | None = None) -> Analysis:
    return Analyzer(Settings(), lambda _settings: FakeEngine(score)).score(data or image_file())


def explained(score: float = 0.1234, data: bytes | None = None, **options: Any) -> Analysis:
    analyzer = Analyzer(Settings(), lambda _settings: FakeEngine(score))
    return analyzer.explain(data or image_file(), ExplainOptions(**options))


def test_a_prediction_says_what_the_score_means_and_which_model_gave_it() -> None:
    answer = responses.prediction(scored(0.8765), "scan.png")

    assert answer.model_dump(by_alias=True, exclude={"timestamp"}) == {
        "success": True,
        "filename": "scan.png",
        "prediction": {
            "class": 1,
            "label": "Malignant (Cancerous)",
            "confidence_score": 0.8765,
            "confidence_percentage": 87.65,
        },
        "risk_assessment": "High Risk",
        "recommendation": "Immediate specialist consultation and biopsy recommended",
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "input_check": SMALL,
        "disclaimer": DISCLAIMER,
    }


def test_the_timestamp_is_utc_in_the_references_form() -> None:
    answer = responses.prediction(scored())

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", answer.timestamp)


def test_an_explanation_has_the_default_layer_and_three_images() -> None:
    answer = responses.gradcam(explained())

    assert answer.layer_used == DEFAULT_LAYER
    assert (answer.target, answer.has_evidence) == ("malignant", True)
    for encoded in (answer.images.original, answer.images.heatmap, answer.images.overlay):
        assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (224, 224)


def test_an_explanation_says_what_it_is_of_what_the_score_was_and_which_model_gave_it() -> None:
    answer = responses.gradcam(explained(0.8765, target="benign"), "scan.png")

    assert answer.model_dump(by_alias=True, exclude={"timestamp", "images"}) == {
        "success": True,
        "filename": "scan.png",
        "layer_used": DEFAULT_LAYER,
        "prediction": {"class": 1, "label": "Malignant (Cancerous)", "confidence_score": 0.8765},
        "target": "benign",
        "has_evidence": True,
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "input_check": SMALL,
        "disclaimer": DISCLAIMER,
    }


@pytest.mark.parametrize(("target", "lit"), [("malignant", slice(0, 32)), ("benign", slice(64, 96))])
def test_the_target_chooses_whose_evidence_is_shown(target: Target, lit: slice) -> None:
    # GIVEN evidence for malignancy on the left, against it on the right
    answer = responses.gradcam(explained(target=target, size=96))

    # THEN
    heatmap = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.images.heatmap))))
    assert heatmap[:, lit].min() == 255
    assert (heatmap == 0).any()


def test_an_analysis_is_the_prediction_and_the_explanation() -> None:
    known = explained(0.6, target="benign", size=100)

    analysis = responses.analyze(known, "a.png")

    prediction = responses.prediction(known, "a.png")
    explanation = responses.gradcam(known, "a.png")
    assert analysis.model_dump(exclude={"timestamp", "gradcam"}) == prediction.model_dump(exclude={"timestamp"})
    assert analysis.gradcam is not None
    part = {"layer_used", "images", "target", "has_evidence"}
    assert analysis.gradcam.model_dump() == explanation.model_dump(include=part)


def test_an_analysis_without_grad_cam_is_the_prediction_alone() -> None:
    known = scored(0.6)

    analysis = responses.analyze(known, "a.png")

    prediction = responses.prediction(known, "a.png")
    assert analysis.gradcam is None
    assert analysis.model_dump(exclude={"timestamp", "gradcam"}) == prediction.model_dump(exclude={"timestamp"})


def test_an_analysis_explains_the_layer_that_was_asked_for() -> None:
    analysis = responses.analyze(explained(layer_name="conv2d"))

    assert analysis.gradcam is not None
    assert analysis.gradcam.layer_used == "conv2d"


def test_images_too_large_to_be_sent_back_are_refused_with_what_to_do() -> None:
    # GIVEN noise, which does not compress, at the largest size
    data = noise_file(1024, 1024)

    analysis = explained(data=data, size=1024)
    for render in (responses.gradcam, responses.analyze, responses.report):
        with pytest.raises(PayloadTooLargeError, match="smaller `size`"):
            render(analysis)


def test_images_of_just_the_limit_are_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the base64 of three images, whose length all counts
    analysis = explained()
    images = responses.gradcam(analysis).images
    total = len(images.original) + len(images.heatmap) + len(images.overlay)

    monkeypatch.setattr("thyroid.web.responses.MAX_IMAGE_BYTES", total)
    assert responses.gradcam(analysis).images == images

    monkeypatch.setattr("thyroid.web.responses.MAX_IMAGE_BYTES", total - 1)
    with pytest.raises(PayloadTooLargeError, match=rf"would take {total} bytes of at most {total - 1};"):
        responses.gradcam(analysis)


def test_the_model_info_says_what_the_manifest_does() -> None:
    info = responses.model_info(make_manifest())

    assert info.model_dump() == {
        "model_name": "Thyroid Cancer Detection Model",
        "input_shape": (None, 64, 64, 3),
        "output_shape": (None, 1),
        "total_parameters": 278039,
        "classes": {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"},
        "conv_layers": ["conv2d", "depthwise_separable_conv"],
        "default_layer": DEFAULT_LAYER,
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "description": "A model for tests.",
        "evaluation": {"auc": 0.7},
        "risk_bands": [band.model_dump() for band in make_manifest().risk_bands],
        "disclaimer": DISCLAIMER,
    }


def test_healthy_is_whose_model_was_loaded_and_proved() -> None:
    health = responses.health(model_works=True)

    assert (health.status, health.model_loaded, health.version) == ("healthy", True, thyroid.__version__)


def test_unhealthy_is_whose_model_does_not_work() -> None:
    health = responses.health(model_works=False)

    assert (health.status, health.model_loaded) == ("unhealthy", False)


def test_a_report_is_the_analysis_with_what_identifies_image_and_service() -> None:
    data = image_file()
    known = explained(0.6, data, layer_name="conv2d", target="benign", size=100)

    report = responses.report(known, "a.png")

    analysis = responses.analyze(known, "a.png")
    common = set(type(analysis).model_fields) - {"timestamp"}
    assert report.model_dump(include=common) == analysis.model_dump(include=common)
    assert report.schema_version == 2
    assert report.image_facts.model_dump() == {"width": 96, "height": 64, "sha256": hashlib.sha256(data).hexdigest()}
    assert report.field_of_view.model_dump() == {"left": 0, "top": 0, "right": 96, "bottom": 64}
    assert report.code_version == thyroid.__version__


def test_a_report_keeps_the_shape_of_the_image() -> None:
    images = responses.report(explained(size=512)).gradcam.images

    assert images is not None
    assert Image.open(io.BytesIO(base64.b64decode(images.overlay))).size == (512, 341)


def test_without_its_images_a_report_still_says_what_they_are_of() -> None:
    gradcam = responses.report(explained(), include_images=False).gradcam

    assert gradcam.images is None
    assert (gradcam.layer_used, gradcam.target, gradcam.has_evidence) == (DEFAULT_LAYER, "malignant", True)


def test_a_response_that_shows_an_explanation_needs_one() -> None:
    for render in (responses.explained, responses.gradcam, responses.report):
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole sentence is compared
            render(scored())
        assert str(refused.value) == "this response needs an analysis with an explanation; call Analyzer.explain"


def test_the_images_of_an_explanation_may_be_elsewhere() -> None:
    analysis = explained(data=noise_file(1024, 1024), size=1024)

    assert responses.explained(analysis, "a.png").images is None


def test_a_timestamp_is_the_time_of_the_analysis() -> None:
    analysis = scored()
    later = replace(analysis, time=analysis.time.replace(year=2031))

    assert responses.prediction(later).timestamp.startswith("2031-")
