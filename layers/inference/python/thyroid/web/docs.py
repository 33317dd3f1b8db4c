"""The OpenAPI description and its two pages, Swagger UI and ReDoc, from files of a package: no page asks the internet.

All addresses are relative, so that the pages work below any prefix: a stage (``/Prod``) or a base path.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response
from PIL import Image
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

import thyroid
from thyroid import phantom
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.web import schemas
from thyroid.web.openapi import SECURITY_SCHEMES
from thyroid.web.problems import MEDIA_TYPE, Problem

TITLE = "Thyroid Cancer Detection API"
DESCRIPTION = f"""Malignancy score, risk band and Grad-CAM of a thyroid ultrasound image.

An image may be sent in three ways: in a JSON body as base64 or as a data URI, as the file itself
(`Content-Type: image/png` and so on, options in the query), or as part `image` of a multipart form.
Errors are `{MEDIA_TYPE}` with a stable `code`.

**{DISCLAIMER}**
"""
SCHEMAS = "#/components/schemas/"
ASSETS = Path(str(files("fastapi_offline"))) / "static"
ASSET_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
}

# In the page itself: the gateway would send an image as base64 to browsers, whose `Accept` begins with other types.
FAVICON = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<path fill="#2563a8" d="M8 6 5 1C1 1 0 6 2 10c2 5 5 6 6 3 1 3 4 2 6-3 2-4 1-9-3-9Z"/></svg>'
)

# Both pages carry inline scripts and styles, ReDoc a worker made from a blob. Nothing may come from another host.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
}
ASSET_HEADERS = {"Cache-Control": "public, max-age=86400"}


def docs_router(documented: Sequence[APIRouter]) -> APIRouter:
    """Build the routes ``/docs``, ``/redoc``, ``/openapi.json`` and their files.

    Parameters
    ----------
    documented : sequence of fastapi.APIRouter
        What is described, whichever function serves it.
    """
    router = APIRouter(include_in_schema=False)

    @cache
    def description() -> dict[str, Any]:
        return describe(documented)

    @router.get("/openapi.json")
    def openapi() -> dict[str, Any]:
        return description()

    @router.get("/docs")
    def swagger() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=TITLE,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url=FAVICON,
        )
        page.headers.update(PAGE_HEADERS)
        return page

    @router.get("/redoc")
    def redoc() -> HTMLResponse:
        page = get_redoc_html(
            openapi_url="openapi.json",
            title=TITLE,
            redoc_js_url="docs/redoc.standalone.js",
            redoc_favicon_url=FAVICON,
            with_google_fonts=False,
        )
        page.headers.update(PAGE_HEADERS)
        return page

    @router.get("/docs/{file}")
    def asset(file: str) -> Response:
        if file not in ASSET_TYPES:
            raise HTTPException(404)
        # Whole, whatever range is asked for: Starlette's file responses refuse a range in another form than a problem.
        return Response((ASSETS / file).read_bytes(), media_type=ASSET_TYPES[file], headers=ASSET_HEADERS)

    return router


def describe(documented: Sequence[APIRouter]) -> dict[str, Any]:
    """Return the OpenAPI description of all routes of `documented`, with a sample image that can be sent."""
    app = FastAPI(openapi_url=None)
    for router in documented:
        app.include_router(router)
    description = get_openapi(
        title=TITLE,
        version=thyroid.__version__,
        description=DESCRIPTION,
        routes=app.routes,
        servers=[{"url": ".", "description": "Where this description came from"}],
    )
    models: list[type[BaseModel]] = [*_request_models(description), Problem]
    _, bodies = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=SCHEMAS + "{model}",
    )
    components = description.setdefault("components", {})
    components.setdefault("schemas", {}).update(bodies["$defs"])
    components["securitySchemes"] = SECURITY_SCHEMES
    sample = _sample_image()
    for path in description["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "image/png" in content:
                content["application/json"]["example"] = {"image": sample, "filename": "phantom.jpg"}
    return description


def _request_models(description: Mapping[str, Any]) -> list[type[BaseModel]]:
    """Return the models of JSON bodies, which FastAPI cannot see: the routes read their bodies themselves.

    A route refers to its model by name (:mod:`thyroid.web.openapi`); all of them are in :mod:`thyroid.web.schemas`.
    """
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    contents = [operation.get("requestBody", {}).get("content", {}) for operation in operations]
    of_json = [content["application/json"] for content in contents if "application/json" in content]
    names = [content["schema"]["$ref"].removeprefix(SCHEMAS) for content in of_json]
    return [getattr(schemas, name) for name in dict.fromkeys(names)]


def _sample_image() -> str:
    """Return a small ultrasound phantom as a JPEG in base64, a few kilobytes long."""
    buffer = io.BytesIO()
    Image.fromarray(phantom.make(1, suspicious=True, height=120, width=180)).save(buffer, "JPEG", quality=60)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
