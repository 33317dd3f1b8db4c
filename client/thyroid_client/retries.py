"""Sends a request again where that may help, with exponential backoff and jitter, up to a limit.

All requests of this API are safe to repeat. The service stores nothing of an image, and the same image gets the same
score. A repeated request costs an inference and counts for the key's quota, no more. An unused upload link expires by
itself, and an image that arrives twice by a link is processed once.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from thyroid_client.errors import ThyroidAPIError, UnexpectedResponse, Unreachable
from thyroid_client.responses import error_for, problem_details, retry_after
from thyroid_client.wire import Exchange, NoResponse, Request, Response, Step

RETRIED_STATUSES = (429, 502, 503, 504)
FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 8.0


@dataclass(frozen=True)
class Retries:
    """How often, and for how long at most, a request is sent again.

    Attributes
    ----------
    times : int
        Attempts after the first.
    timeout : float
        No attempt starts later than so many seconds after the first did.
    clock, random : callable
        A monotonic clock in seconds; a number in [0, 1).
    """

    times: int = 3
    timeout: float = 60.0
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random

    def wait(self, attempts: int, retry_after: float) -> float:
        """Return the seconds to wait after so many attempts: `retry_after`, and a random backoff on top."""
        # Not `2**attempts` alone, which overflows a float after some thousand attempts.
        longest = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts - 1, 10), MAX_BACKOFF_SECONDS)
        return retry_after + longest * (1 + self.random()) / 2


def send_with_retries(
    request: Request, retries: Retries, *, accepted: tuple[int, ...] = (200,), after: float = 0.0
) -> Exchange[Response]:
    """Send a request, again where that may help, until its response has an accepted status.

    Parameters
    ----------
    request : Request
        What is sent.
    retries : Retries
        How often.
    accepted : tuple of int
        Statuses that are no errors.
    after : float
        Seconds to wait before the first attempt.

    Raises
    ------
    ThyroidAPIError
        As the last response says, `Unreachable` where there was none, or `UnexpectedResponse` if it cannot be read.
    """
    started = retries.clock() + after
    for attempts in count(1):
        outcome = yield Step(request, after)
        if isinstance(outcome, Response):
            if outcome.status in accepted:
                return outcome
            retry = outcome.status in RETRIED_STATUSES and not _quota_is_used_up(outcome)
            after = retries.wait(attempts, retry_after(outcome))
        else:
            retry = not outcome.sent
            after = retries.wait(attempts, 0.0)
        if not retry or attempts > retries.times or retries.clock() - started + after > retries.timeout:
            break
    if isinstance(outcome, NoResponse):
        raise _error_without_response(outcome) from outcome.error
    raise error_for(outcome)


def _quota_is_used_up(response: Response) -> bool:
    """Tell whether waiting cannot help: a quota is counted by the day or longer."""
    return (problem_details(response) or {}).get("code") == "quota_exceeded"


def _error_without_response(outcome: NoResponse) -> ThyroidAPIError:
    if not outcome.sent:
        proxy = f"the proxy {outcome.proxy} that the environment names, " if outcome.proxy else ""
        return Unreachable(
            f"The service cannot be reached; check `base_url`, the network, {proxy}and that the service runs."
        )
    if outcome.late:
        return Unreachable("No response came in time; try again, with a longer `timeout` if it happens again.")
    if outcome.unreadable:
        return UnexpectedResponse(
            "The response cannot be read, because its body is not compressed as its header says; check `base_url`, and "
            "what is between you and the service."
        )
    return Unreachable("The connection broke before the response was complete; try again.")
