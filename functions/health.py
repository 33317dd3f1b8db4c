"""`GET /api/v1/health`: whether the model works here."""

from fastapi import APIRouter, Response

from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.problems import RETRY_AFTER_SECONDS
from thyroid.web.schemas import HealthResponse

router = APIRouter(tags=["Service"])


@router.get(
    "/api/v1/health",
    summary="Health check and model status",
    responses={503: {"model": HealthResponse, "description": "The model does not work here"}},
)
def health(analyzer: TheAnalyzer, response: Response) -> HealthResponse:
    """Return 200 only after the model gave its golden image its golden score in this process."""
    state = responses.health(model_works=analyzer.works())
    if not state.model_loaded:
        response.status_code = 503
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return state


app = build_app([router])
handler = lambda_handler(app)
