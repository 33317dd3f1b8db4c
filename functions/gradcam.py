"""`POST /api/v1/gradcam`: which parts of a picture speak for a class."""

from fastapi import APIRouter

from thyroid.web.app import TheService, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body
from thyroid.web.schemas import GradCAMOptions, GradCAMRequest, GradCAMResponse

router = APIRouter(tags=["Images"])


@router.post(
    "/api/v1/gradcam",
    summary="Generate Grad-CAM visualization",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(GradCAMOptions, GradCAMRequest),
)
@blocking
def gradcam(body: Received, service: TheService) -> GradCAMResponse:
    """Score a picture and give the class activation map of any conv layer, alone and laid over the picture."""
    image, options = parse(body, GradCAMOptions, GradCAMRequest)
    return service.gradcam(
        image, filename=options.filename, layer_name=options.layer_name, target=options.target, size=options.size
    )


app = build_app([router])
handler = lambda_handler(app)
