"""`POST /api/v1/gradcam`: which parts of a picture speak for a class."""

from typing import Annotated

from fastapi import APIRouter, Depends

from thyroid.schemas import GradCAMOptions, GradCAMRequest, GradCAMResponse
from thyroid.service import Service
from thyroid.web.app import build_app, get_service
from thyroid.web.body import Body, parse, receive
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PICTURE_PROBLEMS, request_body

router = APIRouter(tags=["Pictures"])


@router.post(
    "/api/v1/gradcam",
    summary="Generate Grad-CAM visualization",
    responses=PICTURE_PROBLEMS,
    openapi_extra=request_body(GradCAMOptions, GradCAMRequest),
)
def gradcam(
    body: Annotated[Body, Depends(receive)], service: Annotated[Service, Depends(get_service)]
) -> GradCAMResponse:
    """Score a picture and give the class activation map of any conv layer, alone and laid over the picture."""
    image, options = parse(body, GradCAMOptions, GradCAMRequest)
    return service.gradcam(
        image, filename=options.filename, layer_name=options.layer_name, target=options.target, size=options.size
    )


app = build_app([router])
handler = lambda_handler(app)
