"""The current observation is known where a score is made, and nowhere else."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.loggers import new_logger
from thyroid.core.audit import AuditRecord
from thyroid.core.manifest import ModelReference
from thyroid.telemetry.observation import Observation, observing, record_prediction

RECORD = AuditRecord(
    time="2026-01-01T00:00:00.000Z",
    input_sha256="0" * 64,
    model=ModelReference(name="fake", version="1", sha256="a" * 64),
    code_version="3",
    score=0.25,
    label="Benign",
    risk="Borderline",
    duration_ms=1.0,
)


def observation(name: str) -> tuple[Observation, io.StringIO]:
    stream = io.StringIO()
    return Observation(name, new_logger(stream)), stream


def audits(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_prediction_is_logged_with_the_name_of_what_is_answered_and_kept_for_what_is_told_of_it() -> None:
    one, stream = observation("a-request")

    with observing(one):
        record_prediction(RECORD)

    assert one.prediction == RECORD
    (line,) = audits(stream)
    assert (line["level"], line["message"], line["request_id"]) == ("INFO", "prediction", "a-request")
    assert AuditRecord.model_validate(line["audit"]) == RECORD


def test_a_prediction_of_nothing_is_an_error_so_that_none_leaves_without_its_record() -> None:
    with pytest.raises(LookupError):
        record_prediction(RECORD)


def test_afterwards_nothing_is_answered_any_more_even_where_it_failed() -> None:
    """Threads are used again: the next image's record would be taken for the last one's."""
    one, stream = observation("a-request")

    with pytest.raises(OSError, match="no luck"), observing(one):
        raise OSError("no luck")

    with pytest.raises(LookupError):
        record_prediction(RECORD)
    assert stream.getvalue() == ""


def test_one_within_another_gives_it_back() -> None:
    outer, outer_stream = observation("outer")
    inner, inner_stream = observation("inner")

    with observing(outer):
        with observing(inner):
            record_prediction(RECORD)
        assert outer.prediction is None
        record_prediction(RECORD)

    assert [line["request_id"] for line in audits(inner_stream)] == ["inner"]
    assert [line["request_id"] for line in audits(outer_stream)] == ["outer"]


def test_threads_do_not_take_each_others_records() -> None:
    together = threading.Barrier(8, timeout=20)

    def answer(number: int) -> tuple[float, list[str]]:
        one, stream = observation(f"request-{number}")
        with observing(one):
            together.wait()
            record_prediction(RECORD.model_copy(update={"score": number / 10}))
            together.wait()
        assert one.prediction is not None
        return one.prediction.score, [line["request_id"] for line in audits(stream)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, range(8)))

    assert answers == [(n / 10, [f"request-{n}"]) for n in range(8)]
