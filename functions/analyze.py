"""`POST /api/v1/analyze`: prediction and Grad-CAM in one response."""

from fastapi import APIRouter

from thyroid.telemetry.observation import recorded
from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import IMAGE_PROBLEMS, request_body
from thyroid.web.schemas import AnalyzeOptions, AnalyzeRequest, AnalyzeResponse

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/analyze",
    summary="Complete analysis (prediction + Grad-CAM)",
    responses=IMAGE_PROBLEMS,
    openapi_extra=request_body(AnalyzeOptions, AnalyzeRequest),
)
@blocking
def analyze(body: Received, analyzer: TheAnalyzer) -> AnalyzeResponse:
    """Score an image and, unless `include_gradcam` is false, explain it."""
    image, options = parse(body, AnalyzeOptions, AnalyzeRequest)
    explained = options.include_gradcam
    analysis = analyzer.explain(image, options.explain_options()) if explained else analyzer.score(image)
    return recorded(analysis, responses.analyze(analysis, options.filename))


app = build_app([router])
handler = lambda_handler(app)
