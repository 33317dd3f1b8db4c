"""The service as its users meet it: one local application, each function behind the gateway, and a real server."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from PIL import Image
from starlette.testclient import TestClient

from functions import local, site
from functions.endpoints import ENDPOINTS
from tests.endpoints import SITE_PATHS, handler_of
from tests.events import CONTEXT, rest_event
from tests.images import saved
from tests.server import local_server
from thyroid import phantom
from thyroid.settings import get_settings
from thyroid.web.lambda_handler import Handler

HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(SITE_PATHS, site.handler),
    **{endpoint.path: handler_of(endpoint.function) for endpoint in ENDPOINTS if "{" not in endpoint.path},
}


@dataclass(frozen=True)
class Answer:
    """What came back, whichever way it went."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Api(Protocol):
    """A way to the service."""

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request; a body that is not bytes goes as JSON."""


def through_local_app(
    method: str,
    path: str,
    body: object = None,
    *,
    content_type: str = "application/json",
    query: dict[str, str] | None = None,
) -> Answer:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if content is None else {"Content-Type": content_type}
    response = TestClient(local.app).request(method, path, content=content, headers=headers, params=query)
    return Answer(response.status_code, dict(response.headers), response.text)


def through_gateway(
    method: str,
    path: str,
    body: object = None,
    *,
    content_type: str = "application/json",
    query: dict[str, str] | None = None,
) -> Answer:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body)
    headers = {} if content is None else {"Content-Type": content_type}
    handler = HANDLERS.get(path, site.handler)
    answer = handler(rest_event(method, path, body=content, headers=headers, query=query), CONTEXT)
    assert not answer["isBase64Encoded"]
    return Answer(answer["statusCode"], answer["headers"], answer["body"])


@pytest.fixture(params=[through_local_app, through_gateway])
def api(request: pytest.FixtureRequest, artifact: Path) -> Api:
    """Each way to the service in turn, with the compiled model behind it."""
    way: Api = request.param
    return way


@pytest.fixture(scope="session")
def scan() -> bytes:
    """A machine's frame around a phantom, as a PNG file."""
    return saved(Image.fromarray(phantom.make_frame(7, suspicious=True)))


@pytest.fixture(scope="session")
def server(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real server of its own process: its address, and the file with what it printed."""
    printed = tmp_path_factory.mktemp("server") / "output.txt"
    with local_server(printed) as address:
        yield address, printed


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process logs, with the root logger at DEBUG, as Lambda's runtime sets it where it is told to."""
    stream, root = io.StringIO(), logging.getLogger()
    everything = logging.StreamHandler(stream)
    for handler in logging.getLogger(get_settings().service_name).handlers:
        monkeypatch.setattr(handler, "stream", stream)
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(everything)
    yield stream
    root.removeHandler(everything)
    root.setLevel(before)
