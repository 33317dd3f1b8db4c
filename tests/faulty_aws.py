"""AWS whose responses fail on the wire: below all that botocore does itself, its retries and its reading of responses.

`tests.buckets` lets calls of clients fail; here a client's request does. moto responds to what is let through.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto.core.botocore_stubber import BotocoreStubber

from tests.canaries import NAME

# Is given a request and what lets moto respond to it.
Fault = Callable[[AWSPreparedRequest, Callable[[], AWSResponse]], AWSResponse]

TRIES = 3  # that `thyroid.s3.clients` gives each call


class Raw(BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def respond(request: AWSPreparedRequest, status: int, body: bytes, **headers: str) -> AWSResponse:
    headers.setdefault("Content-Length", str(len(body)))
    given: Any = headers
    return AWSResponse(request.url, status, given, Raw(b"" if request.method == "HEAD" else body))


def refused(status: int, code: str) -> Fault:
    """Return an error as S3, DynamoDB and EventBridge do, with what messages of AWS may show; nothing is done."""

    def fault(request: AWSPreparedRequest, _pass: Callable[[], AWSResponse]) -> AWSResponse:
        if "X-Amz-Target" in request.headers:
            body = json.dumps({"__type": f"com.amazonaws#{code}", "message": f"{NAME} may not"}).encode()
            return respond(request, status, body, **{"Content-Type": "application/x-amz-json-1.0"})
        body = f"<Error><Code>{code}</Code><Message>{NAME} may not</Message><Key>{NAME}</Key></Error>".encode()
        return respond(request, status, body, **{"Content-Type": "application/xml"})

    return fault


def garbled(status: int) -> Fault:
    """Return a page, as something between us and AWS may."""
    page = f"<html><body>{NAME}: bad gateway</body></html>".encode()
    return lambda request, _pass: respond(request, status, page, **{"Content-Type": "text/html"})


def unreached(error: type[BotoCoreError]) -> Fault:
    """Reach nobody; nothing is done."""

    def fault(request: AWSPreparedRequest, _pass: Callable[[], AWSResponse]) -> AWSResponse:
        raise error(endpoint_url=request.url, error=NAME)

    return fault


def unheard(request: AWSPreparedRequest, let_through: Callable[[], AWSResponse]) -> AWSResponse:
    """Do what is asked, and lose the response."""
    let_through()
    raise ReadTimeoutError(endpoint_url=request.url, error=NAME)


def cut_off(_request: AWSPreparedRequest, let_through: Callable[[], AWSResponse]) -> AWSResponse:
    """Return half of the response."""
    whole = let_through()
    headers: Any = {**whole.headers, "Content-Length": str(len(whole.content))}
    return AWSResponse(whole.url, whole.status_code, headers, Raw(whole.content[: len(whole.content) // 2]))


REFUSED, CONNECT, READ, CLOSED = EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError, ConnectionClosedError


Hit = Callable[[str, AWSPreparedRequest], bool]


@dataclass
class Failing:
    """Requests that fail.

    Attributes
    ----------
    hit : callable
        Says of an operation, as ``s3.GetObject``, and its request whether it does.
    fault : Fault
        How.
    times : int
        How often; each time where it is negative.
    met : int
        How often it did, each of botocore's tries for itself.
    """

    hit: Hit
    fault: Fault
    times: int
    met: int = 0


class Wire:
    """What goes over it fails where it is said to."""

    def __init__(self) -> None:
        self.failing: list[Failing] = []

    def fails(self, fault: Fault, hit: Hit, times: int = -1) -> Failing:
        """From now on, let those that are hit fail."""
        self.failing.append(Failing(hit, fault, times))
        return self.failing[-1]

    def mend(self) -> None:
        """From now on, let everything through."""
        self.failing.clear()


@pytest.fixture
def aws_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The wire between every client of this process and moto. Nobody waits between tries, and all are made."""
    made, let_through = Wire(), BotocoreStubber.__call__

    def send(stubber: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **more: Any) -> AWSResponse:
        def passed() -> AWSResponse:
            given = let_through(stubber, event_name, request, **more)
            assert given is not None, "moto is not there"
            return given

        operation = event_name.removeprefix("before-send.")
        for failing in made.failing:
            if failing.met != failing.times and failing.hit(operation, request):
                failing.met += 1
                return failing.fault(request, passed)
        return passed()

    monkeypatch.setattr(BotocoreStubber, "__call__", send)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda _quota, _amount: True)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    return made
