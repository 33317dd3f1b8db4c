"""An application to a Lambda handler behind an API Gateway REST API."""

import asyncio
import base64
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.types import LambdaContext

from thyroid import quick_start
from thyroid.errors import InvalidBase64Error, InvalidRequestError
from thyroid.settings import get_settings
from thyroid.telemetry.logs import get_logger
from thyroid.web.app import get_analyzer
from thyroid.web.blocking import alone
from thyroid.web.observe import request_id_of
from thyroid.web.problems import problem

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], dict[str, Any]]

# Without these, Mangum sends them in base64 and clients read gibberish.
TEXT_TYPES = [*DEFAULT_TEXT_MIME_TYPES, "application/problem+json", "image/svg+xml"]


def lambda_handler(app: FastAPI) -> Handler:
    """Wrap `app` for Lambda.

    Where the settings say so, the model is loaded and proved here, during Lambda's init: no first image waits for it,
    and a snapshot or a provisioned environment holds it.
    """
    logging.getLogger("mangum.http").setLevel(logging.WARNING)  # it logs addresses; ours is the line about a request
    asyncio.set_event_loop(_event_loop())
    adapter = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)
    logger = get_logger()
    if get_settings().warm_up:
        get_analyzer().warm_up()

    @logger.inject_lambda_context(log_event=False)  # whatever the environment says: images are in it
    def handler(event: Event, context: LambdaContext) -> dict[str, Any]:
        asyncio.set_event_loop(_event_loop())
        try:
            with alone():
                return adapter({**event, "path": path_below_base(event)}, context)
        except ValueError:
            if _can_be_read(adapter, event, context):
                raise  # a fault of ours
            return _unreadable(event, context)

    quick_start.ready()
    return handler


def _can_be_read(adapter: Mangum, event: Event, context: LambdaContext) -> bool:
    """Return whether Mangum makes a request of an event: its address and headers, and its body."""
    try:
        request = adapter.infer(event, context)
        return bool(request.scope) and request.body is not None
    except ValueError:
        return False


def _unreadable(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Respond to an event that the application cannot read; raised, the error would be logged with what was sent.

    Its body is not base64 though it says so, or a header about the connection, such as ``Host``, makes no sense.
    """
    request_id = request_id_of({"aws.event": event, "aws.context": context})
    request = Request({"type": "http", "headers": [], "state": {"request_id": request_id}})
    title, code, detail = "Request refused", InvalidRequestError.code, "The request cannot be understood; see `/docs`."
    if event.get("isBase64Encoded") and not _is_base64(event.get("body") or ""):
        title, code = "Not base64", InvalidBase64Error.code
        detail = "The body of the event is not base64, as the event says it is; send the request again."
    response = problem(request, 400, title, code, detail, headers={"X-Request-Id": request_id})
    body = bytes(response.body).decode()
    return {"statusCode": 400, "headers": dict(response.headers), "body": body, "isBase64Encoded": False}


def _is_base64(body: str) -> bool:
    try:
        base64.b64decode(body)
    except ValueError:
        return False
    return True


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """Return the one loop of this process, on which its requests run one after the other.

    Mangum takes the thread's current loop and, where there is none, makes one that nobody closes.
    """
    return asyncio.new_event_loop()


def path_below_base(event: Event) -> str:
    """Return the path of a request without the base path that a custom domain may put before it.

    The gateway matched the request with a resource such as ``/docs/{file}``; the path ends with it, its parameters
    filled in, and what comes before is the base path.
    """
    path: str = event.get("path") or "/"
    below: str = event.get("resource") or path
    for name, value in (event.get("pathParameters") or {}).items():
        below = below.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    # Only the root may have a slash at its end: the gateway matches `/docs/` with `/docs`, which it is not.
    return below if below == "/" or path.endswith(below) else path
