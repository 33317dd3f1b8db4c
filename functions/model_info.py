"""`GET /api/v1/model-info`: which model scores images, and which layers it can explain."""

from fastapi import APIRouter

from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import MODEL_PROBLEMS, WITH_KEY
from thyroid.web.schemas import ModelInfoResponse

router = APIRouter(tags=["Service"])


@router.get(
    "/api/v1/model-info",
    summary="Model architecture and layer information",
    responses=MODEL_PROBLEMS,
    openapi_extra=WITH_KEY,
)
def model_info(analyzer: TheAnalyzer) -> ModelInfoResponse:
    """Describe the model: shapes, classes, layers, and its measured figures."""
    return responses.model_info(analyzer.engine().manifest)


app = build_app([router])
handler = lambda_handler(app)
