"""The SAM template and the application say the same."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from fastapi import APIRouter
from fastapi.routing import APIRoute

from functions import site
from functions.endpoints import ENDPOINTS, JSON
from thyroid.core.formats import MEDIA_TYPES
from thyroid.web.docs import describe

ROOT = Path(__file__).parents[3]
TEMPLATE: dict[str, Any] = cfn_yaml.load(str(ROOT / "template.yaml"))
FUNCTIONS = {
    name: resource
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}


def requests_to(function: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a function that come from the gateway."""
    events = function["Properties"].get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == "Api"]


def routes_of(function: dict[str, Any]) -> set[tuple[str, str]]:
    """Return method and path of every event of a function that comes from the gateway."""
    return {(str(request["Method"]), str(request["Path"])) for request in requests_to(function)}


def all_routes() -> set[tuple[str, str]]:
    return {route for function in FUNCTIONS.values() for route in routes_of(function)}


def routes_in(router: APIRouter) -> set[tuple[str, str]]:
    return {
        (method, route.path) for route in router.routes if isinstance(route, APIRoute) for method in route.methods or ()
    }


def module_of(function: dict[str, Any]) -> str:
    """Return the name of the module whose handler a function's command names."""
    (command,) = function["Properties"]["ImageConfig"]["Command"]
    module, _, handler = str(command).rpartition(".")
    assert callable(getattr(importlib.import_module(module), handler))
    return module


def test_the_gateway_knows_every_address_of_the_application() -> None:
    served = set().union(*(routes_in(router) for router in (*site.API, site.DOCS, site.PAGE)))
    assert {route for route in all_routes() if route[0] != "OPTIONS"} == served


BEHIND_THE_GATEWAY = [name for name, function in FUNCTIONS.items() if requests_to(function)]


def test_what_no_request_reaches_has_a_handler_all_the_same() -> None:
    others = set(FUNCTIONS) - set(BEHIND_THE_GATEWAY)
    assert {module_of(FUNCTIONS[name]) for name in others} == {"functions.s3_worker", "functions.archive_summary"}


@pytest.mark.parametrize("name", BEHIND_THE_GATEWAY)
def test_a_function_gets_the_requests_that_it_answers(name: str) -> None:
    # GIVEN the routes of a function's module; the front door's has those of documentation and page, too
    module = importlib.import_module(module_of(FUNCTIONS[name]))
    served = routes_in(module.router) | (routes_in(site.DOCS) | routes_in(site.PAGE) if module is site else set())
    # THEN they are what the gateway sends it
    assert served
    assert {route for route in routes_of(FUNCTIONS[name]) if route[0] != "OPTIONS"} == served


def test_browsers_may_ask_first_at_every_endpoint() -> None:
    deployed = all_routes()
    endpoints = {path for _, path in deployed if path.startswith("/api/")}
    assert {path for method, path in deployed if method == "OPTIONS"} == endpoints


def test_all_functions_are_built_alike_and_so_share_one_image() -> None:
    first, *others = (function["Metadata"] for function in FUNCTIONS.values())
    assert others
    assert all(other == first for other in others)


def test_the_gateway_passes_on_every_kind_of_body_as_bytes() -> None:
    assert set(TEMPLATE["Resources"]["Api"]["Properties"]["BinaryMediaTypes"]) == {
        *MEDIA_TYPES,
        "multipart/form-data",
        *(endpoint.media_type for endpoint in ENDPOINTS if endpoint.media_type != JSON),
    }


def test_the_documentation_asks_for_a_key_where_the_gateway_does() -> None:
    documented = describe(site.API)
    asking = {
        path for path, operations in documented["paths"].items() for op in operations.values() if op.get("security")
    }
    requests = [request for function in FUNCTIONS.values() for request in requests_to(function)]
    closed = {str(request["Path"]) for request in requests if request.get("Auth", {}).get("ApiKeyRequired", True)}
    assert asking == closed
    (scheme,) = documented["components"]["securitySchemes"].values()
    assert (scheme["in"], scheme["name"].lower()) == ("header", "x-api-key")
