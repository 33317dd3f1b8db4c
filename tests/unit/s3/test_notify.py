"""What others hear of an image."""

import json
from typing import Any

import pytest

from thyroid.files.result_files import Outcome
from thyroid.s3.events import Upload
from thyroid.s3.notify import SOURCE, NotificationError, notify
from thyroid.s3.store import ResultStore

UPLOAD = Upload("the-uploads", "clinic/a b.png", "v1", "e1")


class Bus:
    """Takes events, or does not."""

    def __init__(self, failed: int = 0) -> None:
        self.failed = failed
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803 - as boto3 has it
        self.entries += Entries
        return {"FailedEntryCount": self.failed}


def tell(bus: Any, upload: Upload, outcome: Outcome, results: str = "the-results") -> None:
    s3: Any = None  # nothing is asked of it
    notify(bus, ResultStore(s3, results, "the-uploads"), upload, outcome)


@pytest.mark.parametrize(
    ("outcome", "kind", "file"),
    [
        (Outcome(status="analysed", score=0.8, label="Malignant", risk="High Risk"), "Image analysed", "result.json"),
        (Outcome(status="refused", code="unreadable_image"), "Image refused", "error.json"),
    ],
)
def test_an_event_names_image_decision_and_result_and_nothing_else(outcome: Outcome, kind: str, file: str) -> None:
    bus = Bus()
    tell(bus, UPLOAD, outcome)
    (entry,) = bus.entries
    assert set(entry) == {"Source", "DetailType", "Detail"}  # no bus is named: the default one
    assert (entry["Source"], entry["DetailType"]) == (SOURCE, kind) == ("thyroid", kind)
    assert json.loads(entry["Detail"]) == {
        "input": {"bucket": "the-uploads", "key": "clinic/a b.png", "version_id": "v1", "etag": "e1"},
        "decision": outcome.model_dump(exclude_none=True),
        "result": {"bucket": "the-results", "key": f"results/clinic/a b.png/{file}"},
    }


def test_what_is_not_known_of_an_image_is_null_and_another_buckets_result_lies_elsewhere() -> None:
    bus = Bus()
    upload = Upload("an-archive", "é/甲 1.png")

    tell(bus, upload, Outcome(status="refused", code="not_found"))

    detail = json.loads(bus.entries[0]["Detail"])
    assert detail["input"] == {"bucket": "an-archive", "key": "é/甲 1.png", "version_id": None, "etag": None}
    assert detail["result"]["key"] == "buckets/an-archive/é/甲 1.png/error.json"


def test_an_event_of_the_longest_key_fits_what_a_bus_takes() -> None:
    """An entry has 256 KB at most (Amazon EventBridge quotas), and in JSON a letter may take six bytes."""
    bus = Bus()
    upload = Upload("b" * 63, "甲" * 341 + "x", "v" * 1024, "e" * 64)
    outcome = Outcome(status="analysed", score=1 / 3, label="M" * 100, risk="R" * 100, model_sha256="a" * 64)

    tell(bus, upload, outcome, results="r" * 63)

    assert len(bus.entries[0]["Detail"]) < 256 * 1024 / 10


def test_an_event_that_was_not_taken_is_an_error_that_names_nobody() -> None:
    with pytest.raises(NotificationError, match=r"^EventBridge did not take the event\.$"):
        tell(Bus(failed=1), UPLOAD, Outcome(status="refused", code="x"))
