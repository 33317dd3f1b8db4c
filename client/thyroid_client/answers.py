"""Answers to JSON or to errors."""

import json
import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from thyroid_client.errors import (
    BadPicture,
    Refused,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from thyroid_client.wire import Answer

T = TypeVar("T")

OTHER_VERSION = "check `base_url`, and that client and service are of versions that know each other."

# Status to type, and to the sentence where the answer brings none of its own.
KINDS: dict[int, tuple[type[ThyroidAPIError], str]] = {
    400: (BadPicture, "The service did not understand the request; check the picture and its options."),
    408: (Unavailable, "The request took too long to arrive; send it again, or a smaller picture."),
    410: (Unavailable, "The service gave the picture up; upload it again."),
    413: (BadPicture, "The picture is too large to be sent like this; make it smaller, or use `upload`."),
    415: (BadPicture, "The picture is of no format that the service takes; send PNG, JPEG, WebP, BMP, TIFF or GIF."),
    422: (BadPicture, "The service cannot use the picture or its options; send others."),
    429: (TooManyRequests, "More requests came than the service takes; ask again later, or less often."),
    501: (Unavailable, "The service does not offer this; ask whoever runs it."),
}
NO_KEY = "The service asks for a key, and takes none or not this one; give one that is valid as `api_key`."
FAILED = "The service does not work at the moment; try again later."

NO_JSON = (ValueError, RecursionError)  # the latter where it is nested too deep

YEAR = 365 * 86400.0  # nobody waits so long, and `time.sleep` takes no number that is much larger


def error_of(answer: Answer) -> ThyroidAPIError:
    """Return what an answer with another status than expected means."""
    problem = problem_of(answer)
    own = (problem or {}).get("detail")
    said = own if isinstance(own, str) and own else None
    kind: type[ThyroidAPIError]
    if answer.status in (401, 403):
        # The service speaks of a header; here it is a parameter.
        kind, message = Refused, NO_KEY if said is None or "key" in said else said
    elif answer.status in KINDS:
        kind, otherwise = KINDS[answer.status]
        message = said or otherwise
    elif answer.status >= 500:
        kind, message = Unavailable, said or FAILED
    else:
        kind = UnexpectedAnswer
        message = said or f"The answer has a status of {answer.status}, which none of this service has; {OTHER_VERSION}"
    after = retry_after(answer)
    if after:
        message += f" The service asks to wait {math.ceil(after)} seconds."
    named = (problem or {}).get("request_id") or answer.headers.get("x-request-id")
    return kind(
        message,
        status=answer.status,
        problem=problem,
        request_id=named if isinstance(named, str) else None,
        retry_after=after or None,
    )


def retry_after(answer: Answer) -> float:
    """Return the seconds of ``Retry-After``, a number or a date, up to a year; 0 where it is neither or is over."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), YEAR)
    try:
        return min(max(0.0, parsedate_to_datetime(said).timestamp() - time.time()), YEAR)
    except (ValueError, OverflowError):
        return 0.0


def problem_of(answer: Answer) -> dict[str, Any] | None:
    """Return an answer's problem details; None where it has none."""
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = json.loads(answer.content)
    except NO_JSON:
        return None
    return problem if isinstance(problem, dict) else None


def parsed(answer: Answer, parse: Callable[[dict[str, Any]], T]) -> T:
    """Return what `parse` makes of an answer's JSON.

    Raises
    ------
    UnexpectedAnswer
        If it is no JSON object, or lacks what `parse` looks for; `parse` says so by a ``LookupError``, ``TypeError`` or
        ``ValueError``.
    """
    try:
        body = json.loads(answer.content)
        if not isinstance(body, dict):
            raise TypeError("not an object")
        return parse(body)
    except (LookupError, TypeError, *NO_JSON) as error:
        raise UnexpectedAnswer(
            f"The answer is not what this service answers ({type(error).__name__}: {_what(error)}); {OTHER_VERSION}",
            status=answer.status,
            request_id=answer.headers.get("x-request-id"),
        ) from None


def pdf(answer: Answer) -> bytes:
    """Return an answer that is a PDF file.

    Raises
    ------
    UnexpectedAnswer
        If it is none.
    """
    if not answer.content.startswith(b"%PDF-"):
        raise UnexpectedAnswer(
            f"The answer is no PDF file; {OTHER_VERSION}",
            status=answer.status,
            request_id=answer.headers.get("x-request-id"),
        )
    return answer.content


def _what(error: Exception) -> str:
    """Name what is wrong, and nothing of what was answered."""
    return "no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError) else str(error)
