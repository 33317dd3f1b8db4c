"""`POST /api/v1/predict`: the score of a picture and what it means."""

from typing import Annotated

from fastapi import APIRouter, Depends

from thyroid.schemas import ImageRequest, PredictionResponse, PredictOptions
from thyroid.service import Service
from thyroid.web.app import build_app, get_service
from thyroid.web.body import Body, parse, receive
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body

router = APIRouter(tags=["Pictures"])


@router.post(
    "/api/v1/predict",
    summary="Predict cancer from image (basic)",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(PredictOptions, ImageRequest),
)
def predict(
    body: Annotated[Body, Depends(receive)], service: Annotated[Service, Depends(get_service)]
) -> PredictionResponse:
    """Score a picture: class, malignancy score, risk band and recommendation."""
    image, options = parse(body, PredictOptions, ImageRequest)
    return service.predict(image, filename=options.filename)


app = build_app([router])
handler = lambda_handler(app)
