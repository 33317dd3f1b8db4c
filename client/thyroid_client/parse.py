"""JSON to results. What is missing or of another type is a ``LookupError`` or ``TypeError`` that names the field."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image

from thyroid_client.results import (
    AnalyzeResult,
    GradCAM,
    GradCAMResult,
    Health,
    InputCheck,
    Maps,
    ModelInfo,
    ModelReference,
    Prediction,
    PredictResult,
    Region,
    Report,
    ReportedMap,
    ReportedPicture,
    RiskBand,
    ScoredClass,
    UploadResult,
)

T = TypeVar("T")
Json = Mapping[str, Any]


def health(body: Json) -> Health:
    """Read the answer of ``/api/v1/health``."""
    return Health(
        status=read(body, "status", str),
        model_loaded=read(body, "model_loaded", bool),
        timestamp=read(body, "timestamp", str),
        version=read(body, "version", str),
        raw=body,
    )


def model_info(body: Json) -> ModelInfo:
    """Read the answer of ``/api/v1/model-info``."""
    return ModelInfo(
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


def predicted(body: Json) -> PredictResult:
    """Read the answer of ``/api/v1/predict``."""
    return PredictResult(**_result(body), **_assessed(body))


def explained(body: Json) -> GradCAMResult:
    """Read the answer of ``/api/v1/gradcam``."""
    return GradCAMResult(**_result(body), **_gradcam(body), prediction=ScoredClass(**_scored(body)))


def analyzed(body: Json) -> AnalyzeResult:
    """Read the answer of ``/api/v1/analyze``."""
    return AnalyzeResult(**_result(body), **_assessed(body), gradcam=GradCAM(**_gradcam(read(body, "gradcam", dict))))


def reported(body: Json) -> Report:
    """Read the answer of ``/api/v1/report/json``."""
    picture, region = read(body, "picture", dict), read(body, "field_of_view", dict)
    name = body["filename"]
    return Report(
        **_result(body),
        **_assessed(body),
        schema_version=read(body, "schema_version", int),
        filename=name if name is None else read(body, "filename", str),
        gradcam=ReportedMap(**_explanation(read(body, "gradcam", dict))),
        picture=ReportedPicture(
            width=read(picture, "width", int), height=read(picture, "height", int), sha256=read(picture, "sha256", str)
        ),
        field_of_view=Region(**{side: read(region, side, int) for side in ("left", "top", "right", "bottom")}),
        code_version=read(body, "code_version", str),
    )


@dataclass(frozen=True)
class Link:
    """Where and how a picture may be uploaded, and what names it from then on."""

    id: str
    url: str
    fields: Mapping[str, str]


def link(body: Json) -> Link:
    """Read the answer of ``POST /api/v1/uploads``."""
    form = read(body, "upload", dict)
    fields = read(form, "fields", dict)
    return Link(read(body, "id", str), read(form, "url", str), {name: read(fields, name, str) for name in fields})


def map_links(body: Json) -> tuple[str, str]:
    """Read from the result of an upload where its heatmap and its overlay are."""
    images = read(read(body, "gradcam", dict), "images", dict)
    return read(images, "heatmap", str), read(images, "overlay", str)


def uploaded(body: Json, heatmap: bytes, overlay: bytes) -> UploadResult:
    """Read the result of an upload, whose pictures came by themselves."""
    maps = Maps(
        **_explanation(read(body, "gradcam", dict)),
        heatmap=_picture("heatmap", heatmap),
        overlay=_picture("overlay", overlay),
    )
    return UploadResult(**_result(body), **_assessed(body), gradcam=maps)


def read(body: Json, name: str, kind: type[T]) -> T:
    """Return a field of an object.

    Raises
    ------
    LookupError
        If it is not there.
    TypeError
        If it is of another type; a whole number is a float, too.
    """
    value = body[name]
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"'{name}' is no {kind.__name__}")
    return value


def _result(body: Json) -> dict[str, Any]:
    check = read(body, "input_check", dict)
    return {
        "timestamp": read(body, "timestamp", str),
        "model": _model(body),
        "input_check": InputCheck(
            looks_like_ultrasound=read(check, "looks_like_ultrasound", bool),
            reasons=_texts(check, "reasons"),
            detail=read(check, "detail", str),
        ),
        "disclaimer": read(body, "disclaimer", str),
        "raw": body,
    }


def _assessed(body: Json) -> dict[str, Any]:
    percentage = read(read(body, "prediction", dict), "confidence_percentage", float)
    return {
        "prediction": Prediction(**_scored(body), confidence_percentage=percentage),
        "risk_assessment": read(body, "risk_assessment", str),
        "recommendation": read(body, "recommendation", str),
    }


def _scored(body: Json) -> dict[str, Any]:
    prediction = read(body, "prediction", dict)
    return {
        "class_id": read(prediction, "class", int),
        "label": read(prediction, "label", str),
        "confidence_score": read(prediction, "confidence_score", float),
    }


def _gradcam(body: Json) -> dict[str, Any]:
    images = read(body, "images", dict)
    pictures = {
        name: _picture(name, base64.b64decode(read(images, name, str), validate=True))
        for name in ("original", "heatmap", "overlay")
    }
    return _explanation(body) | pictures


def _explanation(body: Json) -> dict[str, Any]:
    return {
        "layer_used": read(body, "layer_used", str),
        "target": read(body, "target", str),
        "has_evidence": read(body, "has_evidence", bool),
    }


def _picture(name: str, data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise TypeError(f"'{name}' is no picture") from None
    return image


def _model(body: Json) -> ModelReference:
    model = read(body, "model", dict)
    return ModelReference(
        name=read(model, "name", str), version=read(model, "version", str), sha256=read(model, "sha256", str)
    )


def _risk_bands(body: Json) -> tuple[RiskBand, ...]:
    if body.get("risk_bands") is None:  # of a service that does not return them
        return ()
    bands = read(body, "risk_bands", list)
    if not all(isinstance(band, dict) for band in bands):
        raise TypeError("'risk_bands' holds something else than objects")
    return tuple(
        RiskBand(
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
        raise TypeError(f"'{name}' holds something else than texts")
    return tuple(texts)


def _shape(body: Json, name: str) -> tuple[int | None, ...]:
    shape = read(body, name, list)
    if not all(side is None or type(side) is int for side in shape):
        raise TypeError(f"'{name}' holds something else than numbers")
    return tuple(shape)
