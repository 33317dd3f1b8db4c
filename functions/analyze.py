"""`POST /api/v1/analyze`: prediction and Grad-CAM in one answer."""

from fastapi import APIRouter

from thyroid.web.app import TheService, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body
from thyroid.web.schemas import AnalyzeOptions, AnalyzeRequest, AnalyzeResponse

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/analyze",
    summary="Complete analysis (prediction + Grad-CAM)",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(AnalyzeOptions, AnalyzeRequest),
)
@blocking
def analyze(body: Received, service: TheService) -> AnalyzeResponse:
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
