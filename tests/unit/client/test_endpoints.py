"""The client has a method for every endpoint, and its page tells of every method."""

import contextlib
import inspect
import re
from pathlib import Path

import httpx
import pytest

from functions.endpoints import ENDPOINTS
from thyroid_client import Client, ThyroidAPIError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PAGE = (Path(__file__).parents[3] / "client/README.md").read_text("utf-8")
# Every public method but `close` asks the service.
METHODS = [name for name, _ in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_" and name != "close"]


def asked_by(method: str) -> tuple[str, str]:
    """Call a method with an image or a name, and return method and path of its first request."""
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(422, json={"code": "invalid_request", "detail": "No.", "status": 422})

    with Client("http://x", transport=httpx.MockTransport(refuse)) as client:
        call = getattr(client, method)
        required = [p for p in inspect.signature(call).parameters.values() if p.default is p.empty]
        with contextlib.suppress(ThyroidAPIError):
            call(*("an-id" if parameter.name.endswith("id") else PNG for parameter in required))
    return asked[0]


def test_every_endpoint_has_a_method() -> None:
    asked = {asked_by(method) for method in METHODS}
    assert {(method, path.replace("an-id", "{id}")) for method, path in asked} == {
        (endpoint.method, endpoint.path) for endpoint in ENDPOINTS
    }


@pytest.mark.parametrize("method", METHODS)
def test_the_page_of_the_client_tells_of_every_method(method: str) -> None:
    assert re.search(rf"^\| .*`{method}\(", PAGE, re.MULTILINE)
