"""The worker's handler with the real model: batches of the queue and of an archive, and what it tells of them."""

import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from events.generate import message
from functions import archive_summary, s3_worker
from tests import buckets
from tests.buckets import RESULTS, SETTINGS, UPLOADS, Cloud
from tests.events import CONTEXT
from tests.images import ramp_image
from thyroid.core.analyzer import Analyzer
from thyroid.s3 import clients
from thyroid.s3.batch import BatchError
from thyroid.settings import get_settings
from thyroid.web import responses

cloud = buckets.cloud
NAME = "Jane-Doe"


def tagged() -> bytes:
    """Return an image file whose tags name the patient."""
    file, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("Description", NAME)
    ramp_image().save(file, "PNG", pnginfo=text)
    return file.getvalue()


def photographed() -> bytes:
    """Return an image file whose EXIF names the patient."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[Base.ImageDescription] = exif[Base.Artist] = NAME
    ramp_image().save(file, "JPEG", exif=exif, comment=NAME.encode())
    assert file.getvalue().count(NAME.encode()) == 3
    return file.getvalue()


@pytest.fixture
def handler(cloud: Cloud, artifact: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function's handler, its buckets played by moto."""
    settings = SETTINGS.__class__(
        **{**vars(SETTINGS), "model_dir": get_settings().model_dir, "metrics_namespace": "Thyroid"}
    )
    for cached in (clients.s3, clients.dynamodb, clients.events, s3_worker._records, s3_worker._worker):
        cached.cache_clear()
    monkeypatch.setattr(s3_worker, "get_settings", lambda: settings)
    monkeypatch.setattr(s3_worker, "analyzer", Analyzer(settings))
    yield s3_worker.handler
    for cached in (clients.s3, clients.dynamodb, clients.events, s3_worker._records, s3_worker._worker):
        cached.cache_clear()


def told(cloud: Cloud, key: str, data: bytes | None = None, **changed: Any) -> dict[str, Any]:
    """Put an image into the bucket, and return the message about it."""
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
    # GIVEN images of all fates, each with the patient in its key and its tags
    sound = told(cloud, f"{NAME}/{NAME} 1.png")
    broken = told(cloud, f"{NAME}-broken.jpg", photographed()[:400])
    text = told(cloud, f"{NAME}-text.png", NAME.encode())
    old = told(cloud, f"{NAME}-old.png")
    cloud.upload(f"{NAME}-old.png", tagged() + b"x")
    gone = told(cloud, f"{NAME}-gone.png")
    cloud.delete(f"{NAME}-gone.png")
    denied = {**told(cloud, f"{NAME}-denied.png"), "messageId": "denied"}
    denied["body"] = denied["body"].replace(f'"{UPLOADS}"', f'"no-bucket-of-{NAME.lower()}"')
    unreadable = {**sound, "messageId": "unreadable", "body": f"no event of {NAME}"}
    # WHEN they are answered while every logger tells all that it has to tell
    response = handler({"Records": [sound, broken, text, old, gone, denied, unreadable, sound]}, CONTEXT)
    handler({"Records": [sound]}, CONTEXT)
    failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    assert {"denied", "unreadable"} <= failed <= {"denied", "unreadable", sound["messageId"]}
    # THEN it is in nothing that was told
    printed = written.getvalue() + "".join(capsys.readouterr())
    assert printed.count('"message":"upload"') >= 7
    for code in ("unreadable_image", "unsupported_media_type", "not_found"):
        assert f'"problem":"{code}"' in printed
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


def archive_of(*keys: str, prefix: str = "") -> dict[str, Any]:
    given = {"bucket": UPLOADS, "run": "a-run", "encoded": False}
    return {"Items": [{"Key": prefix + key} for key in keys], "BatchInput": given}


def test_an_archive_tells_no_more_of_a_patient_and_its_error_shows_none_either(
    handler: Any,
    cloud: Cloud,
    written: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN images of several fates, and one for which AWS returns an error that names the patient
    for key, data in (("1.png", tagged()), ("2.jpg", photographed()), ("broken.jpg", photographed()[:400])):
        cloud.upload(f"{NAME}/{key}", data)
    cloud.upload(f"{NAME}/denied.png", tagged())
    asked = clients.s3().get_object

    def deny(**params: Any) -> Any:
        if params["Key"].endswith("denied.png"):
            raise buckets.client_error("SlowDown")
        return asked(**params)

    assert NAME in str(buckets.client_error("SlowDown"))
    monkeypatch.setattr(clients.s3(), "get_object", deny)
    # WHEN a batch of them is answered
    batch = archive_of("1.png", "2.jpg", "broken.jpg", "denied.png", "gone.png", prefix=f"{NAME}/")
    with pytest.raises(BatchError) as failed:
        handler(batch, CONTEXT)
    # THEN its error, which Lambda writes to the log with all that is behind it, does not name the patient
    assert NAME not in "".join(traceback.format_exception(failed.value))
    # AND neither does anything that was told
    printed = written.getvalue() + "".join(capsys.readouterr())
    assert printed.count('"message":"upload"') == 5
    assert '"aws_code":"SlowDown"' in printed
    assert '"_aws"' in printed
    assert NAME not in printed
    assert NAME not in json.dumps(cloud.records())
    # BUT the file beside the results says what became of each
    (part,) = cloud.keys("archives/a-run/parts/")
    fates = [json.loads(line)["status"] for line in cloud.file(part).content.splitlines()]
    assert fates == ["analysed", "analysed", "refused", "failed", "refused"]


def test_a_worker_that_fails_in_ways_that_nobody_foresaw_tells_no_message_of_that(
    handler: Any,
    cloud: Cloud,
    written: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NAME} is not what was expected") from ValueError(NAME)

    monkeypatch.setattr(s3_worker.analyzer, "explain", fail)
    event = told(cloud, f"{NAME}.png")

    assert handler({"Records": [event]}, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": event["messageId"]}]}

    printed = written.getvalue() + "".join(capsys.readouterr())
    assert '"error":"ValueError"' in printed  # the one that is behind it
    assert NAME not in printed
    assert cloud.keys() == []


def test_events_are_not_logged_even_where_the_environment_asks_for_it() -> None:
    """Powertools logs each whole event where a variable says so; keys are in it."""
    body = f"no event of {NAME}"
    event = {"Records": [{**message("a-message", UPLOADS, f"{NAME}.png"), "body": body}]}
    code = (
        "import json, sys; from functions import s3_worker; from tests.events import CONTEXT;"
        "print(json.dumps(s3_worker.handler(json.load(sys.stdin), CONTEXT)))"
    )
    told = {"AWS_DEFAULT_REGION": "eu-central-1", "POWERTOOLS_LOGGER_LOG_EVENT": "true", "THYROID_RECORDS_TABLE": "t"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(event),
        env={**os.environ, **told},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {"batchItemFailures": [{"itemIdentifier": "a-message"}]}
    assert "unreadable message" in done.stdout
    assert NAME not in done.stdout + done.stderr


def test_all_that_two_ways_tell_of_one_image_is_one_result(handler: Any, cloud: Cloud) -> None:
    event = told(cloud, "a.png")

    assert handler({"Records": [event]}, CONTEXT) == {"batchItemFailures": []}
    before = cloud.results("a.png")
    assert handler(archive_of("a.png"), CONTEXT) == {"analysed": 1}

    assert cloud.results("a.png") == before


def test_an_image_gets_the_score_that_the_api_gives_it(handler: Any, cloud: Cloud, scan: bytes) -> None:
    asked = responses.prediction(Analyzer(get_settings()).score(scan))

    handler({"Records": [told(cloud, "a.png", scan)]}, CONTEXT)

    assert cloud.results("a.png")["result.json"].json["prediction"] == asked.prediction.model_dump(by_alias=True)


# --- the end of a run -------------------------------------------------------------------------------------------------


class States:
    """Stands for Step Functions, of which the stand-in for AWS knows no maps."""

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert executionArn == "arn:of:an:execution"
        return {"mapRuns": [{"mapRunArn": "arn:of:a:map"}]}

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert mapRunArn == "arn:of:a:map"
        return {"itemCounts": {"total": 3, "succeeded": 2, "failed": 1, "pending": 0}}


def test_a_run_ends_with_its_summary_beside_its_parts(
    handler: Any,
    cloud: Cloud,
    written: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN an archive of a patient's images that went through the worker
    cloud.upload(f"{NAME}/1.png", tagged())
    cloud.upload(f"{NAME}/2.jpg", photographed()[:400])
    handler(archive_of("1.png", "2.jpg", prefix=f"{NAME}/"), CONTEXT)
    written.truncate(0)
    capsys.readouterr()
    # WHEN its run ends
    monkeypatch.setattr(archive_summary, "clients", SimpleNamespace(s3=lambda: cloud.s3, stepfunctions=States))
    monkeypatch.setattr(archive_summary, "get_settings", lambda: SETTINGS)
    run = {"run": "a-run", "execution": "arn:of:an:execution", "started": "2026-01-01T00:00:00Z", "tolerated": 5}
    summary = archive_summary.handler({**run, "bucket": UPLOADS, "prefix": f"{NAME}/"}, CONTEXT)
    # THEN it is counted, answered as it was written, and its log names nobody
    assert summary["pictures"] == {"analysed": 1, "refused": 1}
    assert summary["codes"] == {"unreadable_image": 1}
    assert summary["items"] == {"total": 3, "succeeded": 2, "failed": 1}
    assert cloud.file("archives/a-run/summary.json").json == summary
    assert NAME not in written.getvalue() + "".join(capsys.readouterr())
