"""The worker's handler with the real model: batches of the queue and of an archive, and what it tells of them."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import PngImagePlugin

from events.generate import message
from functions import uploads
from tests import buckets
from tests.buckets import RESULTS, SETTINGS, UPLOADS, Cloud
from tests.events import CONTEXT
from tests.pictures import picture
from thyroid.service import Service
from thyroid.settings import get_settings
from thyroid.telemetry.observation import record_prediction
from thyroid.uploads import aws

cloud = buckets.cloud
NAME = "Jane-Doe"


def tagged() -> bytes:
    """Return a picture file whose tags name the patient."""
    file, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("Description", NAME)
    picture().save(file, "PNG", pnginfo=text)
    return file.getvalue()


@pytest.fixture
def handler(cloud: Cloud, artifact: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function's handler, its buckets played by moto."""
    settings = SETTINGS.__class__(
        **{**vars(SETTINGS), "model_dir": get_settings().model_dir, "metrics_namespace": "Thyroid"}
    )
    for cached in (aws.client, uploads._once, uploads._worker):
        cached.cache_clear()
    monkeypatch.setattr(uploads, "get_settings", lambda: settings)
    monkeypatch.setattr(uploads, "service", Service(settings, audit=record_prediction))
    yield uploads.handler
    for cached in (aws.client, uploads._once, uploads._worker):
        cached.cache_clear()


def told(cloud: Cloud, key: str, data: bytes | None = None, **changed: Any) -> dict[str, Any]:
    """Put a picture into the bucket, and return the message about it."""
    upload = cloud.upload(key, tagged() if data is None else data)
    event = message(key, UPLOADS, key)
    body = json.loads(event["body"])
    body["detail"]["object"] |= {"version-id": upload.version, "etag": upload.etag, **changed}
    return {**event, "messageId": f"id-{key.replace(NAME, '')}", "body": json.dumps(body)}


def test_a_batch_of_the_queue_is_answered(handler: Any, cloud: Cloud) -> None:
    messages = [told(cloud, f"{n}.png", tagged() + bytes([n])) for n in range(5)]
    unreadable = {**messages[0], "messageId": "unreadable", "body": "x"}
    assert handler({"Records": [*messages, unreadable]}, CONTEXT) == {
        "batchItemFailures": [{"itemIdentifier": "unreadable"}]
    }
    for n in range(5):
        result = cloud.results(f"{n}.png")["result.json"].json
        assert 0 <= result["prediction"]["confidence_score"] <= 1
        assert result["timings"]["analyse_ms"] > 0


def test_so_is_a_batch_of_an_archive(handler: Any, cloud: Cloud) -> None:
    cloud.upload("a.png", tagged())
    given = {"bucket": UPLOADS, "run": "a-run", "encoded": False}
    assert handler({"Items": [{"Key": "a.png"}], "BatchInput": given}, CONTEXT) == {"analysed": 1}
    assert cloud.keys("archives/a-run/parts/")


def test_nothing_of_the_patient_is_told_however_much_is_logged(
    handler: Any, cloud: Cloud, written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN pictures of all fates, each with the patient in its key and its tags
    sound = told(cloud, f"{NAME}/{NAME} 1.png")
    broken = told(cloud, f"{NAME}-broken.png", tagged()[:300])
    text = told(cloud, f"{NAME}-text.png", NAME.encode())
    old = told(cloud, f"{NAME}-old.png")
    cloud.upload(f"{NAME}-old.png", tagged() + b"x")
    gone = told(cloud, f"{NAME}-gone.png")
    cloud.delete(f"{NAME}-gone.png")
    denied = {**told(cloud, f"{NAME}-denied.png"), "messageId": "denied"}
    denied["body"] = denied["body"].replace(f'"{UPLOADS}"', f'"no-bucket-of-{NAME.lower()}"')
    unreadable = {**sound, "messageId": "unreadable", "body": f"no event of {NAME}"}
    # WHEN they are answered while every logger tells all that it has to tell
    answer = handler({"Records": [sound, broken, text, old, gone, denied, unreadable, sound]}, CONTEXT)
    handler({"Records": [sound]}, CONTEXT)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    assert {"denied", "unreadable"} <= failed <= {"denied", "unreadable", sound["messageId"]}
    # THEN it is in nothing that was told
    printed = written.getvalue() + "".join(capsys.readouterr())
    assert printed.count('"message":"upload"') >= 7
    for fate in ("analysed", "refused", "superseded", "failed"):
        assert f'"outcome":"{fate}"' in printed
    assert '"_aws"' in printed
    assert NAME not in printed
    assert NAME.lower() not in printed.lower()
    # AND in no record of what is done
    assert NAME not in json.dumps(cloud.records())
    # AND in the results, where it has to be
    assert NAME in json.dumps(cloud.keys())
    assert cloud.s3.list_objects_v2(Bucket=RESULTS)["KeyCount"] > 0
