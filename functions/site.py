"""`GET /`, the page, the documentation, and their files."""

from fastapi import APIRouter

import thyroid
from functions.endpoints import ENDPOINTS, ROUTERS
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
        endpoints={endpoint.name: endpoint.path for endpoint in ENDPOINTS if "{" not in endpoint.path},
    )


API = (router, *ROUTERS)
DOCS = docs_router(API)
PAGE = page_router(get_settings())

app = build_app([router, DOCS, PAGE])
handler = lambda_handler(app)
