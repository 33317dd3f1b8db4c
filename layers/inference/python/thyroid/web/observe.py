"""What wraps every request: a request id, and its log line, metrics and trace.

They hold the route as it is declared, never the address that was called: addresses, file names, bodies and the
messages of unforeseen errors may hold something of a patient.
"""

import time
import uuid
from typing import Any

from aws_lambda_powertools import Logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thyroid.settings import Settings
from thyroid.telemetry import metrics, tracing
from thyroid.telemetry.observation import Observation, facts_of, observing

REQUEST_ID_HEADER = b"x-request-id"

# A method is a word of the caller's choice; any other is reported as `other`.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def request_id_of(scope: Scope) -> str:
    """Return the gateway's id of the request, else the function's, else a new one."""
    event: dict[str, Any] = scope.get("aws.event") or {}
    from_gateway = (event.get("requestContext") or {}).get("requestId")
    from_function = getattr(scope.get("aws.context"), "aws_request_id", None)
    return str(from_gateway or from_function or uuid.uuid4())


class Observe:
    """Gives the request an id, times it, and writes its log line, metrics and trace."""

    def __init__(self, app: ASGIApp, logger: Logger, settings: Settings) -> None:
        self.app = app
        self.logger = logger
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        observation = Observation(request_id_of(scope), self.logger)
        scope.setdefault("state", {})["request_id"] = observation.request_id
        status = 0
        started = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = (REQUEST_ID_HEADER, observation.request_id.encode("latin-1"))
                message["headers"] = [*message.get("headers", []), request_id]
            await send(message)

        with observing(observation), tracing.segment(self.settings) as annotate:
            try:
                await self.app(scope, receive, named)
            finally:
                facts = self._facts(scope, observation, status, time.perf_counter() - started)
                self.logger.info("request", request_id=observation.request_id, **facts)
                annotate(facts)
                metrics.emit(self.settings, facts, cold_start=self.logger.get_current_keys().get("cold_start", False))

    def _facts(self, scope: Scope, observation: Observation, status: int, seconds: float) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "route": getattr(scope.get("route"), "path", "unmatched"),
            "method": scope["method"] if scope["method"] in METHODS else "other",
            "status": status,
            "duration_ms": round(1000 * seconds, 1),
        }
        if problem := scope["state"].get("problem"):
            facts["problem"] = problem
        if record := observation.prediction:
            facts |= facts_of(record)
        return facts
