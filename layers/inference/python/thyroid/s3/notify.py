"""Tells EventBridge what became of a picture, so that others can act on it. Pictures are no part of it."""

import json
from typing import TYPE_CHECKING

from thyroid.files.result_files import ERROR, RESULT, Outcome
from thyroid.s3.events import Upload
from thyroid.s3.store import Outbox

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "thyroid"
DETAIL_TYPES = {"analysed": "Picture analysed", "refused": "Picture refused"}


class NotificationError(Exception):
    """EventBridge did not take the event."""


def notify(events: "EventBridgeClient", outbox: Outbox, upload: Upload, outcome: Outcome) -> None:
    """Put an event with a picture's key and the decision on the default bus.

    It may come more than once, as all events of EventBridge may.

    Raises
    ------
    NotificationError
        If EventBridge did not take it.
    """
    detail = {
        "input": {
            "bucket": upload.bucket,
            "key": upload.key,
            "version_id": upload.version,
            "etag": upload.etag,
        },
        "decision": outcome.model_dump(exclude_none=True),
        "result": {
            "bucket": outbox.bucket,
            "key": f"{outbox.place(upload)}/{RESULT if outcome.status == 'analysed' else ERROR}",
        },
    }
    entry: PutEventsRequestEntryTypeDef = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPES[outcome.status],
        "Detail": json.dumps(detail),
    }
    if events.put_events(Entries=[entry])["FailedEntryCount"]:
        raise NotificationError("EventBridge did not take the event.")
