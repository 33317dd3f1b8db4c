"""The request or upload that is being processed, from its start to the audit record of its score."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from thyroid.core.analysis import Analysis
from thyroid.core.audit import AuditRecord

Response = TypeVar("Response")


@dataclass
class Observation:
    """A request or an upload.

    Attributes
    ----------
    request_id : str
        Its id in the logs.
    logger : aws_lambda_powertools.Logger
        Writes its audit record.
    prediction : AuditRecord, optional
        The record of its score, once there is one.
    """

    request_id: str
    logger: Logger
    prediction: AuditRecord | None = None


def facts_of(record: AuditRecord) -> dict[str, Any]:
    """Return what is logged of a prediction: model, score, risk band, and the reasons why the image is unsuitable."""
    facts = {"model_sha256": record.model.sha256, "score": record.score, "risk": record.risk}
    return facts | ({"input_reasons": " ".join(record.input_reasons)} if record.input_reasons else {})


_CURRENT: ContextVar[Observation] = ContextVar("observation")


@contextmanager
def observing(observation: Observation) -> Iterator[None]:
    """Make an observation the current one of this context: the task of a request, the thread of an upload."""
    before = _CURRENT.set(observation)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def recorded(analysis: Analysis, response: Response) -> Response:
    """Log the audit record of an analysis whose response is made, and return that response.

    A response that cannot be made, because it would be too large, leaves no record.

    Raises
    ------
    LookupError
        As :func:`record_prediction` says.
    """
    record_prediction(AuditRecord.of(analysis))
    return response


def record_prediction(record: AuditRecord) -> None:
    """Log the audit record of the request or upload of this context, and keep it for its log line and metrics.

    Raises
    ------
    LookupError
        If there is none: no prediction leaves without its record.
    """
    observation = _CURRENT.get()
    observation.prediction = record
    observation.logger.info("prediction", audit=record.model_dump(), request_id=observation.request_id)
