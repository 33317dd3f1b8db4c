"""`POST /api/v1/analyze`: prediction and Grad-CAM in one answer."""

from typing import Annotated

from fastapi import APIRouter, Depends

from thyroid.schemas import AnalyzeOptions, AnalyzeRequest, AnalyzeResponse
from thyroid.service import Service
from thyroid.web.app import build_app, get_service
from thyroid.web.body import Body, parse, receive
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body

router = APIRouter(tags=["Pictures"])


@router.post(
    "/api/v1/analyze",
    summary="Complete analysis (prediction + Grad-CAM)",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(AnalyzeOptions, AnalyzeRequest),
)
def analyze(
    body: Annotated[Body, Depends(receive)], service: Annotated[Service, Depends(get_service)]
) -> AnalyzeResponse:
    """Score a picture and, unless `include_gradcam` is false, explain it."""
    image, options = parse(body, AnalyzeOptions, AnalyzeRequest)
    return service.analyze(
        image,
        filename=options.filename,
        include_gradcam=options.include_gradcam,
        layer_name=options.layer_name,
        target=options.target,
        size=options.size,
    )


app = build_app([router])
handler = lambda_handler(app)
