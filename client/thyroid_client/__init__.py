"""Typed client of the thyroid ultrasound API. Research and education only, never a diagnosis."""

from thyroid_client.async_client import AsyncClient
from thyroid_client.client import Client
from thyroid_client.errors import (
    BadPicture,
    NotReady,
    Refused,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from thyroid_client.pictures import Picture
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
from thyroid_client.version import __version__

__all__ = [
    "AnalyzeResult",
    "AsyncClient",
    "BadPicture",
    "Client",
    "GradCAM",
    "GradCAMResult",
    "Health",
    "InputCheck",
    "Maps",
    "ModelInfo",
    "ModelReference",
    "NotReady",
    "Picture",
    "PredictResult",
    "Prediction",
    "Refused",
    "Region",
    "Report",
    "ReportedMap",
    "ReportedPicture",
    "RiskBand",
    "ScoredClass",
    "ThyroidAPIError",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "UploadResult",
    "__version__",
]
