"""Sends the outcome of an image to EventBridge, so that others can act on it. The event holds no image."""

import json
from typing import TYPE_CHECKING

from thyroid.files.result_files import ERROR, RESULT, Outcome
from thyroid.s3.events import Upload
from thyroid.s3.store import ResultStore

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "thyroid"
DETAIL_TYPES = {"analysed": "Image analysed", "refused": "Image refused"}


class NotificationError(Exception):
    """EventBridge did not take the event."""


def notify(events: "EventBridgeClient", store: ResultStore, upload: Upload, outcome: Outcome) -> None:
    """Put an event with an image's key and the decision on the default bus.

    It may be delivered more than once, as all events of EventBridge may.

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
            "bucket": store.bucket,
            "key": f"{store.result_prefix(upload)}/{RESULT if outcome.status == 'analysed' else ERROR}",
        },
    }
    entry: PutEventsRequestEntryTypeDef = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPES[outcome.status],
        "Detail": json.dumps(detail),
    }
    if events.put_events(Entries=[entry])["FailedEntryCount"]:
        raise NotificationError("EventBridge did not take the event.")
