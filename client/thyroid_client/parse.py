"""JSON to results. A missing field raises a ``LookupError``, one of another type a ``TypeError``."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image

from thyroid_client import results

T = TypeVar("T")
Json = Mapping[str, Any]


def health(body: Json) -> results.Health:
    """Read the response of ``/api/v1/health``."""
    return results.Health(
        status=read(body, "status", str),
        model_loaded=read(body, "model_loaded", bool),
        timestamp=read(body, "timestamp", str),
        version=read(body, "version", str),
        raw=body,
    )


def model_info(body: Json) -> results.ModelInfo:
    """Read the response of ``/api/v1/model-info``."""
    return results.ModelInfo(
        model_name=read(body, "model_name", str),
        input_shape=_shape(body, "input_shape"),
        output_shape=_shape(body, "output_shape"),
        total_parameters=read(body, "total_parameters", int),
        classes=read(body, "classes", dict),
        conv_layers=_texts(body, "conv_layers"),
        default_layer=read(body, "default_layer", str),
        risk_bands=_risk_bands(body),
        model=_model(body),
        description=read(body, "description", str),
        evaluation=read(body, "evaluation", dict),
        disclaimer=read(body, "disclaimer", str),
        raw=body,
    )


def predict_result(body: Json) -> results.PredictResult:
    """Read the response of ``/api/v1/predict``."""
    return results.PredictResult(**_common_fields(body), **_assessment(body))


def gradcam_result(body: Json) -> results.GradCAMResult:
    """Read the response of ``/api/v1/gradcam``."""
    return results.GradCAMResult(
        **_common_fields(body), **_gradcam(body), prediction=results.ScoredClass(**_scored_class(body))
    )


def analyze_result(body: Json) -> results.AnalyzeResult:
    """Read the response of ``/api/v1/analyze``."""
    return results.AnalyzeResult(
        **_common_fields(body), **_assessment(body), gradcam=results.GradCAM(**_gradcam(read(body, "gradcam", dict)))
    )


def report(body: Json) -> results.Report:
    """Read the response of ``/api/v1/report/json``."""
    facts, region = read(body, "image_facts", dict), read(body, "field_of_view", dict)
    name = body["filename"]
    return results.Report(
        **_common_fields(body),
        **_assessment(body),
        schema_version=read(body, "schema_version", int),
        filename=name if name is None else read(body, "filename", str),
        gradcam=results.ReportedMap(**_explanation(read(body, "gradcam", dict))),
        image_facts=results.ImageFacts(
            width=read(facts, "width", int), height=read(facts, "height", int), sha256=read(facts, "sha256", str)
        ),
        field_of_view=results.Region(**{side: read(region, side, int) for side in ("left", "top", "right", "bottom")}),
        code_version=read(body, "code_version", str),
    )


@dataclass(frozen=True)
class Link:
    """Where and how an image may be uploaded, and the id of the upload."""

    id: str
    url: str
    fields: Mapping[str, str]


def upload_link(body: Json) -> Link:
    """Read the response of ``POST /api/v1/uploads``."""
    form = read(body, "upload", dict)
    fields = read(form, "fields", dict)
    return Link(read(body, "id", str), read(form, "url", str), {name: read(fields, name, str) for name in fields})


def map_links(body: Json) -> tuple[str, str]:
    """Read the addresses of the heatmap and the overlay from the result of an upload."""
    images = read(read(body, "gradcam", dict), "images", dict)
    return read(images, "heatmap", str), read(images, "overlay", str)


def upload_result(body: Json, heatmap: bytes, overlay: bytes) -> results.UploadResult:
    """Read the result of an upload, whose images came separately."""
    maps = results.Maps(
        **_explanation(read(body, "gradcam", dict)),
        heatmap=_decode_png("heatmap", heatmap),
        overlay=_decode_png("overlay", overlay),
    )
    return results.UploadResult(**_common_fields(body), **_assessment(body), gradcam=maps)


def read(body: Json, name: str, kind: type[T]) -> T:
    """Return a field of an object.

    Raises
    ------
    LookupError
        If the field is missing.
    TypeError
        If it is of another type. An integer counts as a float.
    """
    value = body[name]
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"'{name}' is not of type {kind.__name__}")
    return value


def _common_fields(body: Json) -> dict[str, Any]:
    check = read(body, "input_check", dict)
    return {
        "timestamp": read(body, "timestamp", str),
        "model": _model(body),
        "input_check": results.InputCheck(
            looks_like_ultrasound=read(check, "looks_like_ultrasound", bool),
            reasons=_texts(check, "reasons"),
            detail=read(check, "detail", str),
        ),
        "disclaimer": read(body, "disclaimer", str),
        "raw": body,
    }


def _assessment(body: Json) -> dict[str, Any]:
    percentage = read(read(body, "prediction", dict), "confidence_percentage", float)
    return {
        "prediction": results.Prediction(**_scored_class(body), confidence_percentage=percentage),
        "risk_assessment": read(body, "risk_assessment", str),
        "recommendation": read(body, "recommendation", str),
    }


def _scored_class(body: Json) -> dict[str, Any]:
    prediction = read(body, "prediction", dict)
    return {
        "class_id": read(prediction, "class", int),
        "label": read(prediction, "label", str),
        "confidence_score": read(prediction, "confidence_score", float),
    }


def _gradcam(body: Json) -> dict[str, Any]:
    images = read(body, "images", dict)
    decoded = {
        name: _decode_png(name, base64.b64decode(read(images, name, str), validate=True))
        for name in ("original", "heatmap", "overlay")
    }
    return _explanation(body) | decoded


def _explanation(body: Json) -> dict[str, Any]:
    return {
        "layer_used": read(body, "layer_used", str),
        "target": read(body, "target", str),
        "has_evidence": read(body, "has_evidence", bool),
    }


def _decode_png(name: str, data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise TypeError(f"'{name}' is not an image") from None
    return image


def _model(body: Json) -> results.ModelReference:
    model = read(body, "model", dict)
    return results.ModelReference(
        name=read(model, "name", str), version=read(model, "version", str), sha256=read(model, "sha256", str)
    )


def _risk_bands(body: Json) -> tuple[results.RiskBand, ...]:
    if body.get("risk_bands") is None:  # of a service that does not return them
        return ()
    bands = read(body, "risk_bands", list)
    if not all(isinstance(band, dict) for band in bands):
        raise TypeError("'risk_bands' holds something else than objects")
    return tuple(
        results.RiskBand(
            id=read(band, "id", str),
            minimum=read(band, "minimum", float),
            label=read(band, "label", str),
            recommendation=read(band, "recommendation", str),
        )
        for band in bands
    )


def _texts(body: Json, name: str) -> tuple[str, ...]:
    texts = read(body, name, list)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"'{name}' holds something other than strings")
    return tuple(texts)


def _shape(body: Json, name: str) -> tuple[int | None, ...]:
    shape = read(body, name, list)
    if not all(side is None or type(side) is int for side in shape):
        raise TypeError(f"'{name}' holds something other than integers")
    return tuple(shape)
