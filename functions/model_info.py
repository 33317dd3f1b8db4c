"""`GET /api/v1/model-info`: which model answers, and which layers it can explain."""

from typing import Annotated

from fastapi import APIRouter, Depends

from thyroid.schemas import ModelInfoResponse
from thyroid.service import Service
from thyroid.web.app import build_app, get_service
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import MODEL_PROBLEMS, WITH_KEY

router = APIRouter(tags=["Service"])


@router.get(
    "/api/v1/model-info",
    summary="Model architecture and layer information",
    responses=MODEL_PROBLEMS,
    openapi_extra=WITH_KEY,
)
def model_info(service: Annotated[Service, Depends(get_service)]) -> ModelInfoResponse:
    """Describe the model: shapes, classes, layers, and its measured figures."""
    return service.model_info()


app = build_app([router])
handler = lambda_handler(app)
