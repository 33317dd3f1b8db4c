"""`POST /api/v1/predict`: the score of an image and what it means."""

from fastapi import APIRouter

from thyroid.telemetry.observation import recorded
from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import IMAGE_PROBLEMS, request_body
from thyroid.web.schemas import ImageRequest, PredictionResponse, PredictOptions

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/predict",
    summary="Predict cancer from image (basic)",
    responses=IMAGE_PROBLEMS,
    openapi_extra=request_body(PredictOptions, ImageRequest),
)
@blocking
def predict(body: Received, analyzer: TheAnalyzer) -> PredictionResponse:
    """Score an image: class, malignancy score, risk band and recommendation."""
    image, options = parse(body, PredictOptions, ImageRequest)
    analysis = analyzer.score(image)
    return recorded(analysis, responses.prediction(analysis, options.filename))


app = build_app([router])
handler = lambda_handler(app)
