"""Responses to JSON or to errors."""

import json
import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from thyroid_client.errors import (
    AccessDenied,
    BadImage,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
)
from thyroid_client.wire import Response

T = TypeVar("T")

OTHER_VERSION = "check `base_url`, and that the client and the service have compatible versions."

# Status to type, and to the message where the response has none of its own.
ERRORS: dict[int, tuple[type[ThyroidAPIError], str]] = {
    400: (BadImage, "The service did not understand the request; check the image and its options."),
    408: (Unavailable, "The request took too long to arrive; send it again, or a smaller image."),
    410: (Unavailable, "The service gave the image up; upload it again."),
    413: (BadImage, "The image is too large to be sent like this; make it smaller, or use `upload`."),
    415: (BadImage, "The service does not support the image's format; send PNG, JPEG, WebP, BMP, TIFF or GIF."),
    422: (BadImage, "The service cannot use the image or its options; send others."),
    429: (TooManyRequests, "More requests came than the service accepts; try again later, or send fewer."),
    501: (Unavailable, "The service does not offer this; ask whoever runs it."),
}
NO_KEY = "The service needs an API key, and got none or not a valid one; give a valid one as `api_key`."
FAILED = "The service does not work at the moment; try again later."

INVALID_JSON = (ValueError, RecursionError)  # the latter where it is nested too deep

MAX_RETRY_AFTER_SECONDS = 365 * 86400.0  # `time.sleep` raises an error for a number that is much larger


def error_for(response: Response) -> ThyroidAPIError:
    """Return the error that a response with another status than expected means."""
    problem = problem_details(response)
    detail = (problem or {}).get("detail")
    told = detail if isinstance(detail, str) and detail else None
    kind: type[ThyroidAPIError]
    if response.status in (401, 403):
        # The service's message names the header; in this package the key is a parameter.
        kind, message = AccessDenied, NO_KEY if told is None or "key" in told else told
    elif response.status in ERRORS:
        kind, default = ERRORS[response.status]
        message = told or default
    elif response.status >= 500:
        kind, message = Unavailable, told or FAILED
    else:
        kind = UnexpectedResponse
        message = (
            told or f"The response has the status {response.status}, which this service never sends; {OTHER_VERSION}"
        )
    seconds = retry_after(response)
    if seconds:
        message += f" The service asks to wait {math.ceil(seconds)} seconds."
    request_id = (problem or {}).get("request_id") or response.headers.get("x-request-id")
    return kind(
        message,
        status=response.status,
        problem=problem,
        request_id=request_id if isinstance(request_id, str) else None,
        retry_after=seconds or None,
    )


def retry_after(response: Response) -> float:
    """Return the seconds of ``Retry-After``, a number or a date, up to a year.

    Returns
    -------
    float
        0 where it is neither, where it is in the past, and where there is none.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_RETRY_AFTER_SECONDS)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - time.time()), MAX_RETRY_AFTER_SECONDS)
    except (ValueError, OverflowError):
        return 0.0


def problem_details(response: Response) -> dict[str, Any] | None:
    """Return a response's problem details (RFC 9457); None where it has none."""
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = json.loads(response.content)
    except INVALID_JSON:
        return None
    return problem if isinstance(problem, dict) else None


def parse_json(response: Response, parse: Callable[[dict[str, Any]], T]) -> T:
    """Return what `parse` makes of a response's JSON.

    Raises
    ------
    UnexpectedResponse
        If it is not a JSON object, or lacks what `parse` looks for. `parse` says so by a ``LookupError``, ``TypeError``
        or ``ValueError``.
    """
    try:
        body = json.loads(response.content)
        if not isinstance(body, dict):
            raise TypeError("not an object")
        return parse(body)
    except (LookupError, TypeError, *INVALID_JSON) as error:
        raise UnexpectedResponse(
            f"The response is not one of this service ({type(error).__name__}: {_reason(error)}); {OTHER_VERSION}",
            status=response.status,
            request_id=response.headers.get("x-request-id"),
        ) from None


def pdf_bytes(response: Response) -> bytes:
    """Return the bytes of a response that is a PDF file.

    Raises
    ------
    UnexpectedResponse
        If it is not.
    """
    if not response.content.startswith(b"%PDF-"):
        raise UnexpectedResponse(
            f"The response is not a PDF file; {OTHER_VERSION}",
            status=response.status,
            request_id=response.headers.get("x-request-id"),
        )
    return response.content


def _reason(error: Exception) -> str:
    """Name what is wrong, without any content of the response."""
    invalid = isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError)
    return "not valid JSON" if invalid else str(error)
