"""API Gateway before the functions, as the template sets it up: requests to events, answers of functions to answers.

`app` serves it, so that a test may send it whatever goes over a wire: `uvicorn tests.gateway:app`. Keys, throttles and
the firewall are left out. What is known of the gateway from its documentation is kept to:

- it knows the template's routes, with or without a slash at their end, and no other address or method;
- a body comes as base64 where its type is one of the binary ones, and else as text, in which bytes that are no UTF-8
  are lost;
- a body in gzip or deflate is inflated; any other coding than identity is refused, as is a body that is not in its own;
- the path comes as it was sent, its parameters and the query decoded, and a semicolon splits the query as `&` does;
- an answer leaves as bytes where it is base64 and `Accept` begins with a binary type;
- a function is called with so much of JSON, and answers with so much.
"""

import asyncio
import base64
import gzip
import importlib
import json
import re
import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote

from cfnlint.decode import cfn_yaml
from starlette.types import Message, Receive, Scope, Send

from tests.events import CONTEXT

EVENT_LIMIT, ANSWER_LIMIT = 6_291_456, 6_291_556  # AWS Lambda's quotas, of the event and of what is answered
HEADERS_LIMIT, BODY_LIMIT = 10_240, 10 * 1024 * 1024  # API Gateway's, of request line and headers, and of a body

INFLATE: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """What came over the wire; the target is path and query as they were sent."""

    method: str
    target: str
    headers: Pairs = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What goes over the wire."""

    status: int
    headers: Pairs
    body: bytes


@dataclass(frozen=True)
class Route:
    """An address of the template, and what answers there."""

    method: str
    resource: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters of a path that is this route's, or None."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.resource))
        found = re.fullmatch(pattern, path.rstrip("/") or "/") if method == self.method else None
        return found and {name: unquote(value) for name, value in found.groupdict().items()}


class Gateway:
    """The gateway of the template."""

    def __init__(self) -> None:
        template = cfn_yaml.load(str(Path(__file__).parents[1] / "template.yaml"))
        api = template["Resources"]["Api"]["Properties"]
        self.binary = frozenset(str(kind) for kind in api["BinaryMediaTypes"])
        self.refusals: dict[str, dict[str, Any]] = api["GatewayResponses"]
        self.routes = [
            route
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::Serverless::Function"
            for route in _routes_of(resource["Properties"])
        ]

    def answer(self, request: Request) -> Answer:
        """Answer a request, by a function or by itself."""
        identifier = str(uuid.uuid4())
        sent = sum(len(name) + len(value) + 4 for name, value in request.headers)
        if len(f"{request.method} {request.target} HTTP/1.1\r\n") + sent > HEADERS_LIMIT:
            return self._refused("DEFAULT_4XX", identifier)
        path = request.target.partition("?")[0]
        for route in self.routes:
            if (parameters := route.match(request.method, path)) is not None:
                return self._asked(route, parameters, request, identifier)
        return self._refused("MISSING_AUTHENTICATION_TOKEN", identifier)

    def event(self, request: Request, route: Route, parameters: dict[str, str], identifier: str) -> dict[str, Any]:
        """Make the event of a request."""
        path, _, query = request.target.partition("?")
        headers = _by_name(_forwarded(request.headers))
        pairs = _by_name(tuple(parse_qsl(query.replace(";", "&"), keep_blank_values=True)))
        content_type = _value(request.headers, "content-type").partition(";")[0].strip().lower()
        as_bytes = content_type in self.binary
        body = base64.b64encode(request.body).decode() if as_bytes else request.body.decode("utf-8", "replace")
        return {
            "resource": route.resource,
            "path": path,
            "httpMethod": request.method,
            "headers": {name: values[-1] for name, values in headers.items()},
            "multiValueHeaders": headers,
            "queryStringParameters": {name: values[-1] for name, values in pairs.items()} or None,
            "multiValueQueryStringParameters": pairs or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": {
                "requestId": identifier,
                "stage": "prod",
                "path": f"/prod{path}",
                "resourcePath": route.resource,
                "httpMethod": request.method,
                "identity": {"sourceIp": "192.0.2.1", "userAgent": _value(request.headers, "user-agent")},
            },
            "body": body or None,
            "isBase64Encoded": as_bytes and bool(body),
        }

    def size_of_event(self, request: Request) -> int:
        """Return how many bytes of JSON a function would be called with."""
        path = request.target.partition("?")[0]
        found = ((route, route.match(request.method, path)) for route in self.routes)
        route, parameters = next((route, parameters) for route, parameters in found if parameters is not None)
        return len(_json(self.event(request, route, parameters, str(uuid.uuid4()))))

    def _asked(self, route: Route, parameters: dict[str, str], request: Request, identifier: str) -> Answer:
        if (coding := _value(request.headers, "content-encoding").strip().lower()) not in {"", "identity"}:
            try:
                request = replace(request, body=INFLATE[coding](request.body))
            except (KeyError, OSError, EOFError, zlib.error):
                return self._refused("UNSUPPORTED_MEDIA_TYPE", identifier)
        event = _json(self.event(request, route, parameters, identifier))
        if len(request.body) > BODY_LIMIT or len(event) > EVENT_LIMIT:
            return self._refused("REQUEST_TOO_LARGE", identifier)
        context = SimpleNamespace(**{**vars(CONTEXT), "aws_request_id": str(uuid.uuid4())})
        try:
            given = route.handler(json.loads(event), context)
        except Exception as error:  # the function failed: Lambda tells the gateway so
            print(json.dumps({"function failed": type(error).__name__}), flush=True)
            return self._refused("INTEGRATION_FAILURE", identifier)
        if len(_json(given)) > ANSWER_LIMIT:
            return self._refused("INTEGRATION_FAILURE", identifier)
        return self._answered(json.loads(_json(given)), _value(request.headers, "accept"))

    def _answered(self, given: dict[str, Any], accept: str) -> Answer:
        first = accept.partition(",")[0].partition(";")[0].strip().lower()
        body: str = given["body"]
        content = base64.b64decode(body) if given["isBase64Encoded"] and first in self.binary else body.encode()
        several = given.get("multiValueHeaders") or {}
        headers = [(name, value) for name, value in given["headers"].items() if name not in several]
        headers += [(name, value) for name, values in several.items() for value in values]
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if content:
            headers.append(("Content-Length", str(len(content))))
        return Answer(given["statusCode"], tuple(headers), content)

    def _refused(self, kind: str, identifier: str) -> Answer:
        refusal = self.refusals[kind]
        told = refusal["ResponseParameters"]["Headers"].items()
        (text,) = refusal["ResponseTemplates"].values()
        body = str(text).replace("$context.requestId", identifier).encode()
        headers = (*((name, str(value).strip("'")) for name, value in told), ("Content-Length", str(len(body))))
        return Answer(int(refusal["StatusCode"]), headers, body)


def _routes_of(function: dict[str, Any]) -> list[Route]:
    events = [each["Properties"] for each in function.get("Events", {}).values() if each["Type"] == "Api"]
    if not events:
        return []
    module, _, name = str(function["ImageConfig"]["Command"][0]).rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    return [Route(str(event["Method"]), str(event["Path"]), handler) for event in events]


def _forwarded(headers: Pairs) -> Pairs:
    """Put in what the gateway says of the connection, in place of what a client said of it."""
    added = {"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https", "X-Amzn-Trace-Id": "Root=1-67891233-abcdef0123"}
    gone = {name.lower() for name in added} | {"connection", "transfer-encoding", "expect", "te", "trailer", "upgrade"}
    return (*((name, value) for name, value in headers if name.lower() not in gone), *added.items())


def _by_name(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _value(headers: Pairs, name: str) -> str:
    return next((value for each, value in headers if each.lower() == name), "")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# --- over the wire ----------------------------------------------------------------------------------------------------

_one_at_a_time = ThreadPoolExecutor(1)  # as an environment of Lambda is asked
_gateway: list[Gateway] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the gateway; an ASGI application."""
    if scope["type"] != "http":
        return
    if not _gateway:
        _gateway.append(Gateway())
    body, more = bytearray(), True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = tuple((name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in scope["headers"])
    request = Request(scope["method"], target, headers, bytes(body))
    answer = await asyncio.get_running_loop().run_in_executor(_one_at_a_time, _gateway[0].answer, request)
    raw = [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
