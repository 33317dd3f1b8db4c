"""A message of the queue to the images that it speaks of."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from thyroid.s3.events import UnreadableMessageError, Upload, uploads_of

NAME = "Jane-Doe"


def event(key: str = "a.png", **changes: Any) -> str:
    """What EventBridge puts into the queue (Amazon S3 user guide, "EventBridge event message structure")."""
    detail = {
        "version": "0",
        "bucket": {"name": "a-bucket"},
        "object": {
            "key": key,
            "size": 5,
            "etag": "b1946ac9",
            "version-id": "IYV3p45B",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "reason": "PutObject",
    }
    message = {"version": "0", "detail-type": "Object Created", "source": "aws.s3", "detail": detail}
    return json.dumps(message | changes)


def record(key: str = "a.png", name: str = "ObjectCreated:Put", **changes: Any) -> dict[str, Any]:
    """What S3 itself tells of an object (Amazon S3 user guide, "Event message structure")."""
    told = {"key": quote_plus(key, safe="/"), "size": 5, "eTag": "b1946ac9", "versionId": "IYV3p45B"} | changes
    s3 = {"s3SchemaVersion": "1.0", "bucket": {"name": "a-bucket"}, "object": told}
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": s3}


def notification(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


KEYS = {
    "plain": "a.png",
    "in folders": "clinic/2026/a.png",
    "a space": "left lobe.png",
    "a plus": "a+b.png",
    "a percent sign": "100%.png",
    "what looks encoded": "a%20b%2B.png",
    "of other letters": "Schilddrüse/甲状腺 é.png",
    "an emoji": "🦋.png",
    "no ending": "scan",
    "only a space": " ",
    "of 900 bytes": "ü" * 448 + ".png",
}


@pytest.mark.parametrize("kind", KEYS)
def test_eventbridge_tells_keys_as_they_are(kind: str) -> None:
    assert uploads_of(event(KEYS[kind])) == [Upload("a-bucket", KEYS[kind], "IYV3p45B", "b1946ac9")]


@pytest.mark.parametrize("kind", KEYS)
def test_s3_itself_tells_keys_encoded_as_in_a_form(kind: str) -> None:
    assert uploads_of(notification(record(KEYS[kind]))) == [Upload("a-bucket", KEYS[kind], "IYV3p45B", "b1946ac9")]


def test_a_space_may_be_encoded_either_way() -> None:
    told = [record(), record(), record()]
    for one, key in zip(told, ["a+b", "a%20b", "a%2Bb"], strict=True):
        one["s3"]["object"]["key"] = key

    assert [upload.key for upload in uploads_of(notification(*told))] == ["a b", "a b", "a+b"]


def test_a_bucket_without_versions_tells_of_none() -> None:
    told = record()
    del told["s3"]["object"]["versionId"]

    assert uploads_of(notification(told)) == [Upload("a-bucket", "a.png", None, "b1946ac9")]


def test_quotes_of_an_etag_are_no_part_of_it() -> None:
    assert uploads_of(notification(record(eTag='"b1946ac9"')))[0].etag == "b1946ac9"


def test_all_records_of_a_message_are_read() -> None:
    message = notification(record("a.png"), record("b.png", "ObjectCreated:CompleteMultipartUpload"), record("c.png"))

    assert [upload.key for upload in uploads_of(message)] == ["a.png", "b.png", "c.png"]


SILENT = {
    "S3's test of a new notification": json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
    "an object removed": notification(record(name="ObjectRemoved:Delete")),
    "an object deleted, by EventBridge": event(**{"detail-type": "Object Deleted"}),
    "a folder": notification(record("clinic/")),
    "a folder, by EventBridge": event("clinic/"),
    "no records": notification(),
}


@pytest.mark.parametrize("kind", SILENT)
def test_what_speaks_of_no_new_image_is_read_and_is_none(kind: str) -> None:
    assert uploads_of(SILENT[kind]) == []


def test_a_removed_object_does_not_hide_a_created_one() -> None:
    message = notification(record("a.png", "ObjectRemoved:Delete"), record("folder/"), record("b.png"))

    assert [upload.key for upload in uploads_of(message)] == ["b.png"]


def without(message: str, *path: str | int) -> str:
    """Leave out what is at a path of a message."""
    whole = json.loads(message)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return json.dumps(whole)


UNREADABLE = {
    "no JSON": f"{NAME}{{",
    "JSON that is cut off": event(f"{NAME}.png")[:-3],
    "nothing": "",
    "a list": json.dumps([NAME]),
    "a list with the words of a message": json.dumps(["detail", "Records", NAME]),
    "a number": "7",
    "null": "null",
    "a text": json.dumps(NAME),
    "a text with the words of a message": json.dumps(f"detail Records Event {NAME}"),
    "an object of something else": json.dumps({NAME: NAME}),
    "an event of something else": json.dumps({"Event": NAME}),
    "an event without its kind": without(event(NAME), "detail-type"),
    "an event without an object": without(event(NAME), "detail", "object"),
    "an event without a bucket": without(event(NAME), "detail", "bucket"),
    "an event whose detail is a text": event(detail=NAME),
    "an event whose detail is null": event(detail=None),
    "an empty key": event(""),
    "a key that is a number": event(detail={"bucket": {"name": "b"}, "object": {"key": 7}}),
    "a key that is null": event(detail={"bucket": {"name": "b"}, "object": {"key": None}}),
    "a bucket that is a list": event(detail={"bucket": {"name": [NAME]}, "object": {"key": NAME}}),
    "an empty bucket": event(detail={"bucket": {"name": ""}, "object": {"key": NAME}}),
    "records that are none": json.dumps({"Records": NAME}),
    "a record that is a text": json.dumps({"Records": [NAME]}),
    "a record without a name": without(notification(record(NAME)), "Records", 0, "eventName"),
    "a record whose name is a number": notification({**record(NAME), "eventName": 7}),
    "a record without an object": without(notification(record(NAME)), "Records", 0, "s3", "object"),
    "an empty key, by S3": notification(record("")),
    "a key that is a number, by S3": notification(
        {**record(NAME), "s3": {"bucket": {"name": "b"}, "object": {"key": 7}}}
    ),
    "JSON that is nested deeply": "[" * 100_000 + f'"{NAME}"',
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_any_other_message_is_unreadable_and_its_error_shows_nothing_of_it(kind: str) -> None:
    with pytest.raises(UnreadableMessageError) as unreadable:
        uploads_of(UNREADABLE[kind])

    assert NAME not in str(unreadable.value)
    assert unreadable.value.__cause__ is None
    assert unreadable.value.__suppress_context__  # so that no traceback shows what was read


def test_one_bad_record_makes_the_whole_message_unreadable() -> None:
    """Half of a message done and the rest forgotten would be an image lost; it comes back, to where one looks."""
    with pytest.raises(UnreadableMessageError):
        uploads_of(notification(record("a.png"), {"eventName": "ObjectCreated:Put"}))
