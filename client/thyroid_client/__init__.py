"""Typed client of the thyroid ultrasound API. Research and education only, never a diagnosis."""

from .async_client import AsyncClient
from .client import Client
from .errors import (
    BadPicture,
    NotReady,
    Refused,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from .pictures import Picture
from .results import (
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
    ScoredClass,
    UploadResult,
)
from .version import __version__

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
    "ScoredClass",
    "ThyroidAPIError",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "UploadResult",
    "__version__",
]
