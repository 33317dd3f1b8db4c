"""All endpoints of the API, as data, read from the routers of the functions.

The root document, the documentation, the sample events, the local application and the tests take the list from here. To
add a function, add its module to :data:`FUNCTIONS`. This module loads all functions, so a function imports it only if
it describes the others, as :mod:`functions.site` does.
"""

import re
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute

from functions import analyze, gradcam, health, model_info, predict, report, upload_links

PREFIX = "/api/v1/"
JSON = "application/json"
FUNCTIONS = (health, model_info, predict, gradcam, analyze, report, upload_links)  # in the order of the documentation


@dataclass(frozen=True)
class Endpoint:
    """A method at a path.

    Attributes
    ----------
    function : str
        The module below `functions` that answers, `model_info` for instance. Its handler is `functions.NAME.handler`.
    method : str
        Of HTTP, in capitals.
    path : str
        As it is declared, with its parameters in braces: `/api/v1/uploads/{id}`.
    summary : str
        One line for the documentation.
    status : int
        Of a successful response.
    media_type : str
        Of a successful response.
    needs_key : bool
        Whether a deployed stack asks for a key.
    takes_image : bool
        Whether the request holds an image: in JSON, as a part of a form, or as the body itself.
    request_model : str
        The class of :mod:`thyroid.web.schemas` that describes a body of JSON; empty if no body is taken.
    """

    function: str
    method: str
    path: str
    summary: str
    status: int
    media_type: str
    needs_key: bool
    takes_image: bool
    request_model: str

    @property
    def name(self) -> str:
        """The path as a name: `report_pdf` for `/api/v1/report/pdf`."""
        return "_".join(re.findall(r"\w+", self.path.removeprefix(PREFIX)))


def endpoints_of(function: str, router: APIRouter) -> tuple[Endpoint, ...]:
    """Return the endpoints of a function, in the order of its router.

    Parameters
    ----------
    function : str
        The name of its module, without the package.
    router : fastapi.APIRouter
        Its routes. What a request needs is read from `openapi_extra` (:mod:`thyroid.web.openapi`), the type of the
        response from `responses`.
    """
    return tuple(_endpoint(function, route) for route in router.routes if isinstance(route, APIRoute))


def _endpoint(function: str, route: APIRoute) -> Endpoint:
    described = route.openapi_extra or {}
    bodies = described.get("requestBody", {}).get("content", {})
    return Endpoint(
        function=function,
        method="".join(route.methods or ()),
        path=route.path,
        summary=route.summary or "",
        status=route.status_code or 200,
        media_type=next(iter(route.responses.get(200, {}).get("content", {})), JSON),
        needs_key="security" in described,
        takes_image="image/png" in bodies,
        request_model=bodies[JSON]["schema"]["$ref"].rpartition("/")[2] if JSON in bodies else "",
    )


ROUTERS = tuple(function.router for function in FUNCTIONS)
ENDPOINTS = tuple(
    endpoint
    for function in FUNCTIONS
    for endpoint in endpoints_of(function.__name__.removeprefix("functions."), function.router)
)
