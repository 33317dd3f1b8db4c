"""Reads a message of the queue: which images were uploaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


class UnreadableMessageError(Exception):
    """The message is none that S3 or EventBridge sends. It is retried, and ends in the dead-letter queue."""


@dataclass(frozen=True)
class Upload:
    """An image file in a bucket, as a message or a listing names it.

    Attributes
    ----------
    bucket, key : str
        Where it is stored; the key is not encoded.
    version, etag : str, optional
        Which state of the object is meant; an ETag has no quotes. None if unknown.
    """

    bucket: str
    key: str
    version: str | None = None
    etag: str | None = None


def uploads_of(body: str) -> list[Upload]:
    """Read a message's body: an event of EventBridge, or a notification that S3 itself put into the queue.

    Only events of created objects name images. Folders are passed over: the console makes them as empty objects whose
    keys end in a slash.

    Raises
    ------
    UnreadableMessageError
        If the body is neither.
    """
    try:
        message = json.loads(body)
        if "detail" in message:
            created = [_of_event(message["detail"])] if message["detail-type"] == "Object Created" else []
        elif "Records" in message:
            records = [record for record in message["Records"] if record["eventName"].startswith("ObjectCreated:")]
            created = [_of_notification(record["s3"]) for record in records]
        elif message["Event"] == "s3:TestEvent":  # which S3 sends when a notification is configured
            created = []
        else:
            raise ValueError
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # Not chained: the message of a JSON error could show the body.
        raise UnreadableMessageError("The message is no event of a created object.") from None
    return [upload for upload in created if not is_folder(upload.key)]


def is_folder(key: str) -> bool:
    """Return whether a key names a folder, which is no image."""
    return key.endswith("/")


def _of_event(detail: Mapping[str, Any]) -> Upload:
    # EventBridge does not encode keys (Amazon S3 user guide, "EventBridge event message structure").
    found = detail["object"]
    return _upload(detail["bucket"]["name"], found["key"], found.get("version-id"), found.get("etag"))


def _of_notification(s3: Mapping[str, Any]) -> Upload:
    # S3 itself encodes them as a form does, a space as a plus.
    found = s3["object"]
    return _upload(s3["bucket"]["name"], unquote_plus(found["key"]), found.get("versionId"), found.get("eTag"))


def _upload(bucket: object, key: object, version: object, etag: object) -> Upload:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise TypeError
    key.encode()  # half a surrogate pair is no key, and a ValueError
    return Upload(bucket, key, str(version) if version else None, str(etag).strip('"') if etag else None)
