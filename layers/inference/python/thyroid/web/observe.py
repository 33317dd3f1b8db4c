"""What wraps every request: a request id, one log line, and the last net under errors that nobody foresaw.

A line holds the route as it is declared, never the address that was called, for addresses, file names, bodies and the
messages of unforeseen errors may hold something of a patient.
"""

import time
import traceback
import uuid
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thyroid.web import problems

REQUEST_ID_HEADER = b"x-request-id"


def request_id_of(scope: Scope) -> str:
    """Return the gateway's id of the request, else the function's, else a new one."""
    event: dict[str, Any] = scope.get("aws.event") or {}
    from_gateway = (event.get("requestContext") or {}).get("requestId")
    from_function = getattr(scope.get("aws.context"), "aws_request_id", None)
    return str(from_gateway or from_function or uuid.uuid4())


class RequestLog:
    """Names the request, times it and logs one line about it."""

    def __init__(self, app: ASGIApp, logger: Logger) -> None:
        self.app = app
        self.logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        started = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (REQUEST_ID_HEADER, request_id.encode("latin-1"))]
            await send(message)

        try:
            await self.app(scope, receive, named)
        finally:
            problem = scope["state"].get("problem")
            self.logger.info(
                "request",
                **({"problem": problem} if problem else {}),
                route=getattr(scope.get("route"), "path", "unmatched"),
                method=scope["method"],
                status=status,
                duration_ms=round(1000 * (time.perf_counter() - started), 1),
                request_id=request_id,
            )


class CatchUnexpected:
    """Answers 500 to what nobody foresaw, and logs its type and where it was raised, but not its message."""

    def __init__(self, app: ASGIApp, logger: Logger) -> None:
        self.app = app
        self.logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an ASGI application."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            request = Request(scope)
            self.logger.error(
                "unexpected error",
                error=type(error).__name__,
                where=[f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)],
                request_id=getattr(request.state, "request_id", ""),
            )
            if not started:
                await problems.unexpected(request)(scope, receive, send)
