"""Sends a request again where that may help: later each time, never in step with others, and not for ever.

All requests of this API are safe to repeat. The service keeps nothing of a picture, and the same picture gets the same
score; a repeated one costs an inference and counts for the key's quota, no more. A link that was never used ends by
itself, and a picture that comes twice by a link is answered once.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from thyroid_client.answers import error_of, problem_of, retry_after
from thyroid_client.errors import ThyroidAPIError, UnexpectedAnswer, Unreachable
from thyroid_client.wire import Answer, NoAnswer, Request, Step, Talk

REPEATED = (429, 502, 503, 504)
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 8.0


@dataclass(frozen=True)
class Retries:
    """How often, and for how long at the most, a request is sent again.

    Attributes
    ----------
    times : int
        New tries after the first.
    patience : float
        No try begins later than so many seconds after the first did.
    clock, random : callable
        Seconds that only grow; a number in [0, 1).
    """

    times: int = 3
    patience: float = 60.0
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random

    def wait(self, tries: int, retry_after: float) -> float:
        """Return how many seconds to wait after so many tries: what the service said, and a random part on top."""
        # Not `2**tries` alone, which leaves the range of floats where somebody wants a thousand tries.
        most = min(FIRST_SECONDS * 2.0 ** min(tries - 1, 10), LONGEST_SECONDS)
        return retry_after + most * (1 + self.random()) / 2


def tried(request: Request, rules: Retries, *, accepted: tuple[int, ...] = (200,), after: float = 0.0) -> Talk[Answer]:
    """Send a request, again where that may help, until it has an answer with an accepted status.

    Parameters
    ----------
    request : Request
        What is sent.
    rules : Retries
        How often.
    accepted : tuple of int
        Statuses that are answers.
    after : float
        Seconds to wait before the first try.

    Raises
    ------
    ThyroidAPIError
        As the last answer says, or `Unreachable` where there was none, or `UnexpectedAnswer` if it cannot be read.
    """
    began = rules.clock() + after
    for tries in count(1):
        outcome = yield Step(request, after)
        if isinstance(outcome, Answer):
            if outcome.status in accepted:
                return outcome
            again = outcome.status in REPEATED and not _quota_is_used_up(outcome)
            after = rules.wait(tries, retry_after(outcome))
        else:
            again = not outcome.sent
            after = rules.wait(tries, 0.0)
        if not again or tries > rules.times or rules.clock() - began + after > rules.patience:
            break
    if isinstance(outcome, NoAnswer):
        raise _unanswered(outcome) from outcome.error
    raise error_of(outcome)


def _quota_is_used_up(answer: Answer) -> bool:
    """Tell whether waiting cannot help: a quota is counted by the day or longer."""
    return (problem_of(answer) or {}).get("code") == "quota_exceeded"


def _unanswered(outcome: NoAnswer) -> ThyroidAPIError:
    if not outcome.sent:
        proxy = f"the proxy {outcome.proxy} that the environment names, " if outcome.proxy else ""
        return Unreachable(
            f"The service cannot be reached; check `base_url`, the network, {proxy}and that the service runs."
        )
    if outcome.late:
        return Unreachable("No answer came in time; try again, with a longer `timeout` if it stays so.")
    if outcome.unreadable:
        return UnexpectedAnswer(
            "The answer cannot be read, as it is not compressed in the way that it says; check `base_url`, and what is "
            "between you and the service."
        )
    return Unreachable("The connection broke before the answer was there; try again.")
