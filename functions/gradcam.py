"""`POST /api/v1/gradcam`: which parts of an image speak for a class."""

from fastapi import APIRouter

from thyroid.telemetry.observation import recorded
from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import IMAGE_PROBLEMS, request_body
from thyroid.web.schemas import GradCAMOptions, GradCAMRequest, GradCAMResponse

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/gradcam",
    summary="Generate Grad-CAM visualization",
    responses=IMAGE_PROBLEMS,
    openapi_extra=request_body(GradCAMOptions, GradCAMRequest),
)
@blocking
def gradcam(body: Received, analyzer: TheAnalyzer) -> GradCAMResponse:
    """Score an image and return the class activation map of any conv layer, alone and laid over the image."""
    image, options = parse(body, GradCAMOptions, GradCAMRequest)
    analysis = analyzer.explain(image, options.explain_options())
    return recorded(analysis, responses.gradcam(analysis, options.filename))


app = build_app([router])
handler = lambda_handler(app)
