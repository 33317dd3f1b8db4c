"""`GET /`, the documentation pages and their files."""

from fastapi import APIRouter

import thyroid
from functions import analyze, gradcam, health, model_info, predict, report, upload_links
from thyroid.schemas import RootResponse
from thyroid.web.app import build_app
from thyroid.web.docs import TITLE, docs_router
from thyroid.web.lambda_handler import lambda_handler

router = APIRouter(tags=["Service"])


@router.get("/", summary="Root endpoint with API information")
def root() -> RootResponse:
    """Say what this is and where its endpoints are."""
    return RootResponse(
        message=TITLE,
        version=thyroid.__version__,
        docs="docs",
        endpoints={
            "health": "/api/v1/health",
            "model_info": "/api/v1/model-info",
            "predict": "/api/v1/predict",
            "gradcam": "/api/v1/gradcam",
            "analyze": "/api/v1/analyze",
            "report_pdf": "/api/v1/report/pdf",
            "report_json": "/api/v1/report/json",
            "uploads": "/api/v1/uploads",
        },
    )


API = (
    router,
    *(each.router for each in (health, model_info, predict, gradcam, analyze, report, upload_links)),
)
DOCS = docs_router(API)

app = build_app([router, DOCS])
handler = lambda_handler(app)
