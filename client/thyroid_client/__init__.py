"""Typed client of the thyroid ultrasound API. Research and education only, never a diagnosis."""

from thyroid_client.async_client import AsyncClient as AsyncClient
from thyroid_client.client import Client as Client
from thyroid_client.errors import (
    AccessDenied as AccessDenied,
    BadImage as BadImage,
    NotReady as NotReady,
    ThyroidAPIError as ThyroidAPIError,
    TooManyRequests as TooManyRequests,
    Unavailable as Unavailable,
    UnexpectedResponse as UnexpectedResponse,
    Unreachable as Unreachable,
)
from thyroid_client.images import ImageSource as ImageSource
from thyroid_client.options import ExplainOptions as ExplainOptions
from thyroid_client.results import (
    AnalyzeResult as AnalyzeResult,
    GradCAM as GradCAM,
    GradCAMResult as GradCAMResult,
    Health as Health,
    ImageFacts as ImageFacts,
    InputCheck as InputCheck,
    Maps as Maps,
    ModelInfo as ModelInfo,
    ModelReference as ModelReference,
    Prediction as Prediction,
    PredictResult as PredictResult,
    Region as Region,
    Report as Report,
    ReportedMap as ReportedMap,
    RiskBand as RiskBand,
    ScoredClass as ScoredClass,
    UploadResult as UploadResult,
)
from thyroid_client.version import __version__ as __version__
