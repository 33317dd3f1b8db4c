"""`POST /api/v1/predict`: the score of a picture and what it means."""

from fastapi import APIRouter

from thyroid.web.app import TheService, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body
from thyroid.web.schemas import ImageRequest, PredictionResponse, PredictOptions

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/predict",
    summary="Predict cancer from image (basic)",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(PredictOptions, ImageRequest),
)
@blocking
def predict(body: Received, service: TheService) -> PredictionResponse:
    """Score a picture: class, malignancy score, risk band and recommendation."""
    image, options = parse(body, PredictOptions, ImageRequest)
    return service.predict(image, filename=options.filename)


app = build_app([router])
handler = lambda_handler(app)
