"""An :class:`~thyroid.core.analysis.Analysis` as the API's responses: file name, base64, size limit."""

import base64
from typing import Any

import thyroid
from thyroid.core import explain
from thyroid.core.analysis import Analysis
from thyroid.core.manifest import Manifest
from thyroid.errors import PayloadTooLargeError
from thyroid.web import schemas

MODEL_NAME = "Thyroid Cancer Detection Model"

# A synchronous response of Lambda holds 6,291,556 bytes at most (AWS Lambda quotas); the rest is for the other fields.
MAX_IMAGE_BYTES = 6_200_000


def prediction(analysis: Analysis, filename: str | None = None) -> schemas.PredictionResponse:
    """Return the response of `/api/v1/predict`."""
    return schemas.PredictionResponse(**_common(analysis, filename), **_assessed(analysis))


def explained(analysis: Analysis, filename: str | None = None) -> schemas.ExplainedResponse:
    """Return a score and an explanation without its images.

    Raises
    ------
    ValueError
        If the analysis holds no explanation.
    """
    explanation = _explanation(analysis)
    verdict = analysis.assessment
    return schemas.ExplainedResponse(
        **_common(analysis, filename),
        **with_images(explanation, None),
        prediction=schemas.ScoredClass(class_id=verdict.class_id, label=verdict.label, confidence_score=verdict.score),
    )


def gradcam(analysis: Analysis, filename: str | None = None) -> schemas.GradCAMResponse:
    """Return the response of `/api/v1/gradcam`.

    Raises
    ------
    PayloadTooLargeError
        If the images would be too large for a response.
    ValueError
        If the analysis holds no explanation.
    """
    images = _encoded(_explanation(analysis).images)
    return schemas.GradCAMResponse(**(dict(explained(analysis, filename)) | {"images": images}))


def analyze(analysis: Analysis, filename: str | None = None) -> schemas.AnalyzeResponse:
    """Return the response of `/api/v1/analyze`; `gradcam` is null where the analysis holds no explanation.

    Raises
    ------
    PayloadTooLargeError
        If the images would be too large for a response.
    """
    shown = analysis.explanation
    return schemas.AnalyzeResponse(
        **_common(analysis, filename),
        **_assessed(analysis),
        gradcam=schemas.GradCAM(**with_images(shown, _encoded(shown.images))) if shown else None,
    )


def report(analysis: Analysis, filename: str | None = None, *, include_images: bool = True) -> schemas.ReportResponse:
    """Return the response of `/api/v1/report/json`.

    Raises
    ------
    PayloadTooLargeError
        If the images would be too large for a response.
    ValueError
        If the analysis holds no explanation.
    """
    explanation, box, image = _explanation(analysis), analysis.field_of_view, analysis.image
    return schemas.ReportResponse(
        **_common(analysis, filename),
        **_assessed(analysis),
        gradcam=schemas.ReportedGradCAM(
            **with_images(explanation, _encoded(explanation.images) if include_images else None)
        ),
        image_facts=schemas.ImageFacts(width=image.width, height=image.height, sha256=image.sha256),
        field_of_view=schemas.Region(left=box.left, top=box.top, right=box.right, bottom=box.bottom),
        code_version=analysis.code_version,
    )


def model_info(manifest: Manifest) -> schemas.ModelInfoResponse:
    """Return the response of `/api/v1/model-info`."""
    return schemas.ModelInfoResponse(
        model_name=MODEL_NAME,
        input_shape=manifest.input_shape,
        output_shape=manifest.output_shape,
        total_parameters=manifest.total_parameters,
        classes=manifest.classes,
        conv_layers=[layer.name for layer in manifest.conv_layers],
        default_layer=manifest.default_layer,
        model=schemas.ModelReference(**dict(manifest.reference)),
        description=manifest.description,
        evaluation=manifest.evaluation,
        risk_bands=[schemas.RiskBand(**dict(band)) for band in manifest.risk_bands],
    )


def health(*, model_works: bool) -> schemas.HealthResponse:
    """Return the response of `/api/v1/health`."""
    return schemas.HealthResponse(
        status="healthy" if model_works else "unhealthy",
        model_loaded=model_works,
        timestamp=schemas.now(),
        version=thyroid.__version__,
    )


def with_images(explanation: explain.Explanation, images: object) -> dict[str, Any]:
    """Return the fields of an explanation, with the images as the response has them."""
    return vars(explanation) | {"images": images}


def _common(analysis: Analysis, filename: str | None) -> dict[str, Any]:
    """Return the fields of every response about an image."""
    checked = analysis.input_check
    return {
        "timestamp": schemas.timestamp(analysis.time),
        "filename": filename,
        "model": schemas.ModelReference(**dict(analysis.model)),
        "input_check": schemas.InputCheck(
            looks_like_ultrasound=checked.looks_like_ultrasound, reasons=list(checked.reasons), detail=checked.detail
        ),
    }


def _assessed(analysis: Analysis) -> dict[str, Any]:
    """Return the score and what it means."""
    verdict = analysis.assessment
    return {
        "prediction": schemas.Prediction(
            class_id=verdict.class_id,
            label=verdict.label,
            confidence_score=verdict.score,
            confidence_percentage=verdict.confidence_percentage,
        ),
        "risk_assessment": verdict.risk,
        "recommendation": verdict.recommendation,
    }


def _explanation(analysis: Analysis) -> explain.Explanation:
    if analysis.explanation is None:
        raise ValueError("this response needs an analysis with an explanation; call Analyzer.explain")
    return analysis.explanation


def _encoded(images: explain.Images) -> schemas.GradCAMImages:
    encoded = schemas.GradCAMImages(
        original=base64.b64encode(images.original).decode("ascii"),
        heatmap=base64.b64encode(images.heatmap).decode("ascii"),
        overlay=base64.b64encode(images.overlay).decode("ascii"),
    )
    total = len(encoded.original) + len(encoded.heatmap) + len(encoded.overlay)
    if total > MAX_IMAGE_BYTES:
        raise PayloadTooLargeError(
            f"The response's images would take {total} bytes of at most {MAX_IMAGE_BYTES}; ask for a smaller `size`."
        )
    return encoded
