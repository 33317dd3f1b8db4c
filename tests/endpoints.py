"""Lists of paths and functions for tests, taken from the routers (:mod:`functions.endpoints`)."""

import importlib
from typing import Any

from fastapi.routing import APIRoute

from functions import site
from functions.endpoints import ENDPOINTS, JSON, PREFIX

Handler = Any  # of a Lambda function: an event and a context to a response

# GET without a parameter: the root document, the documentation and the page. All are answered by `functions.site`.
SITE_PATHS = tuple(
    route.path
    for router in (site.router, site.DOCS, site.PAGE)
    for route in router.routes
    if isinstance(route, APIRoute) and "{" not in route.path
)
GET_PATHS = (*SITE_PATHS, *(e.path for e in ENDPOINTS if e.method == "GET" and "{" not in e.path))
POST_PATHS = tuple(e.path for e in ENDPOINTS if e.method == "POST")

IMAGE_ENDPOINTS = tuple(e for e in ENDPOINTS if e.takes_image)
IMAGE_PATHS = tuple(e.path for e in IMAGE_ENDPOINTS)
IMAGE_NAMES = tuple(path.removeprefix(PREFIX) for path in IMAGE_PATHS)  # `report/pdf` and its like
IMAGE_TO_JSON_PATHS = tuple(e.path for e in IMAGE_ENDPOINTS if e.media_type == JSON)

FUNCTIONS = tuple(dict.fromkeys(e.function for e in ENDPOINTS))
ASK_NO_MODEL = {"upload_links"}  # all other functions behind the gateway load it, `site` apart
NEED_A_MODEL = tuple(e for e in ENDPOINTS if e.function not in ASK_NO_MODEL and e.name != "health")


def handler_name(function: str) -> str:
    """Return what the template names as a function's command."""
    return f"functions.{function}.handler"


def handler_of(function: str) -> Handler:
    """Return the Lambda handler of a function, with its module imported."""
    return importlib.import_module(f"functions.{function}").handler


def resource_of(function: str, kind: str = "Function") -> str:
    """Return what the template calls a function, or its log group (`Logs`) or role (`Role`)."""
    return function.title().replace("_", "") + kind
