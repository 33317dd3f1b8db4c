"""A request's subsegment of an X-Ray trace; its annotations can be searched for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from thyroid.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

NAME = "## request"


def prepare(settings: Settings) -> None:
    """Load the tracer before the first request, if traces are on."""
    if settings.traces:
        _tracer(settings.service_name)


@contextmanager
def segment(settings: Settings) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open a subsegment around a request, if traces are on; yield the function that annotates it."""
    if not settings.traces:
        yield lambda _facts: None
        return
    with _tracer(settings.service_name).provider.in_subsegment(name=NAME) as subsegment:

        def annotate(facts: Mapping[str, Any]) -> None:
            for key, value in facts.items():
                subsegment.put_annotation(key, value)

        yield annotate


@cache
def _tracer(service: str) -> "Tracer":
    # Imported here alone, so that a laptop does not need the SDK. It patches nothing: its patch of S3 records keys,
    # which may name a patient.
    from aws_lambda_powertools import Tracer

    return Tracer(service=service, auto_patch=False)
