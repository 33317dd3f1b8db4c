"""`GET /`, the page, the documentation, and their files."""

from fastapi import APIRouter

import thyroid
from functions import analyze, gradcam, health, model_info, predict, report, upload_links
from thyroid.settings import get_settings
from thyroid.web.app import build_app
from thyroid.web.docs import TITLE, docs_router
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.page import page_router
from thyroid.web.schemas import RootResponse

router = APIRouter(tags=["Service"])


@router.get("/", summary="Root endpoint with API information")
def root() -> RootResponse:
    """Say what this is and where its endpoints are."""
    return RootResponse(
        message=TITLE,
        version=thyroid.__version__,
        docs="docs",
        page="app",
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
PAGE = page_router(get_settings())

app = build_app([router, DOCS, PAGE])
handler = lambda_handler(app)
