"""What others hear of a picture."""

import json
from typing import Any

import pytest

from thyroid.results import Outcome
from thyroid.uploads.notify import NotificationError, notify
from thyroid.uploads.outbox import Outbox
from thyroid.uploads.upload import Upload

UPLOAD = Upload("the-uploads", "clinic/a b.png", "v1", "e1")


class Bus:
    """Takes events, or does not."""

    def __init__(self, failed: int = 0) -> None:
        self.failed = failed
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803 - as boto3 has it
        self.entries += Entries
        return {"FailedEntryCount": self.failed}


@pytest.mark.parametrize(
    ("outcome", "kind", "file"),
    [
        (Outcome(status="analysed", score=0.8, label="Malignant", risk="High Risk"), "Picture analysed", "result.json"),
        (Outcome(status="refused", code="unreadable_image"), "Picture refused", "error.json"),
    ],
)
def test_an_event_names_picture_decision_and_result_and_nothing_else(outcome: Outcome, kind: str, file: str) -> None:
    bus = Bus()
    notify(bus, Outbox(None, "the-results", "the-uploads"), UPLOAD, outcome)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("thyroid", kind)
    assert json.loads(entry["Detail"]) == {
        "input": {"bucket": "the-uploads", "key": "clinic/a b.png", "version_id": "v1", "etag": "e1"},
        "decision": outcome.model_dump(exclude_none=True),
        "result": {"bucket": "the-results", "key": f"results/clinic/a b.png/{file}"},
    }


def test_an_event_that_was_not_taken_is_an_error() -> None:
    with pytest.raises(NotificationError):
        notify(Bus(failed=1), Outbox(None, "r", "u"), UPLOAD, Outcome(status="refused", code="x"))
