"""Typed client of the thyroid ultrasound API. Research and education only, never a diagnosis."""

from thyroid_client.async_client import AsyncClient
from thyroid_client.client import Client
from thyroid_client.errors import (
    AccessDenied,
    BadImage,
    NotReady,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
    Unreachable,
)
from thyroid_client.images import ImageSource
from thyroid_client.results import (
    AnalyzeResult,
    GradCAM,
    GradCAMResult,
    Health,
    ImageFacts,
    InputCheck,
    Maps,
    ModelInfo,
    ModelReference,
    Prediction,
    PredictResult,
    Region,
    Report,
    ReportedMap,
    RiskBand,
    ScoredClass,
    UploadResult,
)
from thyroid_client.version import __version__

__all__ = [
    "AccessDenied",
    "AnalyzeResult",
    "AsyncClient",
    "BadImage",
    "Client",
    "GradCAM",
    "GradCAMResult",
    "Health",
    "ImageFacts",
    "ImageSource",
    "InputCheck",
    "Maps",
    "ModelInfo",
    "ModelReference",
    "NotReady",
    "PredictResult",
    "Prediction",
    "Region",
    "Report",
    "ReportedMap",
    "RiskBand",
    "ScoredClass",
    "ThyroidAPIError",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedResponse",
    "Unreachable",
    "UploadResult",
    "__version__",
]
