"""Batches of an archive, as a distributed map hands them out."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import buckets
from tests.buckets import BROKEN, CANARY, RESULTS, UPLOADS, Calls, Cloud, WorkerProcess, recording_client, start_worker
from thyroid.s3.batch import MAX_RETRIES, BatchError, images_of, process_batch
from thyroid.s3.events import Upload

cloud = buckets.cloud


def batch(*keys: str, bucket: str = UPLOADS, encoded: bool = False, **item: Any) -> dict[str, Any]:
    items = [{"Key": key, "Size": 1, **item} for key in keys]
    return {"Items": items, "BatchInput": {"bucket": bucket, "run": "a-run", "encoded": encoded}}


def run_batch(cloud: Cloud, running: WorkerProcess, given: dict[str, Any]) -> dict[str, int]:
    with ThreadPoolExecutor(4) as pool:
        return process_batch(given, "a-request", running.worker, pool, cloud.s3, RESULTS)


def parts(cloud: Cloud) -> dict[str, list[dict[str, Any]]]:
    keys = cloud.keys("archives/a-run/parts/")
    return {key: [json.loads(line) for line in cloud.file(key).content.splitlines()] for key in keys}


def test_a_listing_names_images_as_they_are_and_folders_are_none() -> None:
    given = batch("a b+%.png", "a folder/", "x/ü.png")
    assert list(images_of(given)) == [Upload(UPLOADS, "a b+%.png"), Upload(UPLOADS, "x/ü.png")]


def test_an_inventory_encodes_its_keys_and_names_the_bucket_itself() -> None:
    given = batch("a+b%2B%25.png", "x%2F%C3%BC.png", encoded=True, Bucket="another")
    assert list(images_of(given)) == [Upload("another", "a b+%.png"), Upload("another", "x/ü.png")]


@pytest.mark.parametrize("item", [{"IsLatest": "false"}, {"IsLatest": "true", "IsDeleteMarker": "true"}])
def test_what_an_inventory_lists_of_the_past_is_passed_over(item: dict[str, str]) -> None:
    assert list(images_of(batch("a.png", encoded=True, **item))) == []
    assert list(images_of(batch("a.png", encoded=True, IsLatest="true", IsDeleteMarker="false"))) != []


def test_a_batch_is_counted_and_leaves_a_line_for_each_image(cloud: Cloud) -> None:
    cloud.upload("a.png")
    cloud.upload("b.png", BROKEN)
    assert run_batch(cloud, start_worker(), batch("a.png", "b.png", "gone.png")) == {"analysed": 1, "refused": 2}
    ((key, lines),) = parts(cloud).items()
    assert re.fullmatch(r"archives/a-run/parts/[0-9a-f]{32}\.jsonl", key)
    assert cloud.file(key).media_type == "application/jsonl"
    assert cloud.file(key).content.endswith(b"}\n")
    assert [(line["bucket"], line["key"], line["status"], line.get("code")) for line in lines] == [
        (UPLOADS, "a.png", "analysed", None),
        (UPLOADS, "b.png", "refused", "unreadable_image"),
        (UPLOADS, "gone.png", "refused", "not_found"),
    ]
    assert lines[0]["risk"] == "Low Risk"
    assert set(lines[0]) == {"bucket", "key", "status", "score", "label", "risk", "model_sha256", "input_reasons"}
    assert lines[0]["input_reasons"] == "too_small"
    assert set(lines[1]) == {"bucket", "key", "status", "code", "model_sha256"}


def test_lines_come_in_the_order_of_the_images_whichever_is_done_first(cloud: Cloud) -> None:
    # GIVEN a first image that waits until the second is done
    cloud.upload("slow.png")
    cloud.upload("fast.png")
    running, fast = start_worker(), threading.Event()

    def wait(number: int, name: str) -> None:
        key = running.calls.made[number][1].get("Key")
        if (name, key) == ("s3.get_object", "slow.png"):
            assert fast.wait(20)

    def note(_number: int, name: str, _response: dict[str, Any]) -> None:
        if name == "dynamodb.update_item":  # the fast one's is the first
            fast.set()

    running.calls.before, running.calls.after = wait, note
    # WHEN both are done
    run_batch(cloud, running, batch("slow.png", "fast.png"))
    # THEN the first one's line is the first
    (lines,) = parts(cloud).values()
    assert [line["key"] for line in lines] == ["slow.png", "fast.png"]


@pytest.mark.parametrize("key", ["a\nb.png", "a\u2028b.png", 'a"b.png', "甲状腺/é.png", "a\r.png"])
def test_a_line_is_a_line_whatever_is_in_the_key(key: str, cloud: Cloud) -> None:
    cloud.upload(key)

    assert run_batch(cloud, start_worker(), batch(key, "gone.png")) == {"analysed": 1, "refused": 1}

    ((name, lines),) = parts(cloud).items()
    assert [line["key"] for line in lines] == [key, "gone.png"]
    assert len(cloud.file(name).content.decode().splitlines()) == 2


def test_a_version_that_another_takes_the_place_of_meanwhile_is_counted_as_such(cloud: Cloud) -> None:
    # GIVEN a new version that comes after it was found out which one lies there
    cloud.upload("a.png")
    running = start_worker()

    def overtake(_number: int, name: str) -> None:
        if name == "s3.get_object":
            cloud.upload("a.png")

    running.calls.before = overtake
    # WHEN the batch is processed THEN the old version is no failure, and no result: the new one's event tells of it
    assert run_batch(cloud, running, batch("a.png")) == {"superseded": 1}
    assert cloud.results("a.png") == {}


def test_a_batch_without_an_image_is_done(cloud: Cloud) -> None:
    assert run_batch(cloud, start_worker(), batch("a folder/")) == {}
    assert list(parts(cloud).values()) == [[]]


def test_images_of_another_bucket_have_their_results_apart(cloud: Cloud) -> None:
    cloud.add_bucket("another", versions=False)
    cloud.upload("a.png", bucket="another")
    cloud.upload("a.png")
    assert run_batch(cloud, start_worker(), batch("a.png", bucket="another")) == {"analysed": 1}
    assert {"buckets/another/a.png/result.json"} <= set(cloud.keys("buckets/"))
    assert cloud.keys("results/") == []


def test_what_an_event_had_done_already_is_not_done_again(cloud: Cloud) -> None:
    first, second = start_worker(), start_worker()
    first.process(cloud.upload("a.png"))
    assert run_batch(cloud, second, batch("a.png")) == {"analysed": 1}
    assert (first.engine.calls, second.engine.calls) == (1, 0)


def test_an_image_that_fails_fails_its_batch_but_not_the_others(cloud: Cloud) -> None:
    # GIVEN that one of three cannot be read from S3, for reasons of AWS
    for name in "abc":
        cloud.upload(f"{name}.png")
    running = start_worker()
    failing = running.calls

    def deny(number: int, name: str) -> str | None:
        asked = failing.made[number][1].get("Key")
        return "SlowDown" if (name, asked) == ("s3.get_object", "b.png") else None

    failing.before = deny
    # THEN the batch says so, without a name
    with pytest.raises(BatchError, match=r"^1 of 3 images failed\.$") as failed:
        run_batch(cloud, running, batch("a.png", "b.png", "c.png"))
    assert CANARY not in str(failed.value)
    ((key, lines),) = parts(cloud).items()
    assert [line["status"] for line in lines] == ["analysed", "failed", "analysed"]
    assert lines[1] == {
        "bucket": UPLOADS,
        "key": "b.png",
        "status": "failed",
        "error": "ClientError",
        "aws_operation": "GetObject",
        "aws_code": "SlowDown",
    }
    # AND done again it costs the one inference that is missing, and writes the same file anew
    again = start_worker()
    assert run_batch(cloud, again, batch("a.png", "b.png", "c.png")) == {"analysed": 3}
    assert again.engine.calls == 1
    assert [line["status"] for line in parts(cloud)[key]] == ["analysed"] * 3
    assert len(parts(cloud)) == 1


def failing_with(code: str, key: str) -> WorkerProcess:
    """A worker that S3 gives one object of all to only with an error."""
    running = start_worker()

    def meet(number: int, name: str) -> str | None:
        return code if (name, running.calls.made[number][1].get("Key")) == ("s3.get_object", key) else None

    running.calls.before = meet
    return running


@pytest.mark.parametrize("code", ["InvalidObjectState", "AccessDenied"])
def test_what_trying_again_would_not_help_is_told_of_and_fails_no_batch(code: str, cloud: Cloud) -> None:
    """A batch that fails counts as failed with all its images, and one object in Glacier is no reason for that."""
    cloud.upload("a.png")
    cloud.upload("b.png")
    assert run_batch(cloud, failing_with(code, "b.png"), batch("a.png", "b.png")) == {"analysed": 1, "failed": 1}
    ((_, lines),) = parts(cloud).items()
    assert (lines[1]["status"], lines[1]["aws_code"]) == ("failed", code)


def test_a_batch_that_was_tried_often_enough_is_answered_with_what_is_done(cloud: Cloud) -> None:
    cloud.upload("a.png")
    cloud.upload("b.png")
    given = batch("a.png", "b.png")
    with pytest.raises(BatchError):
        run_batch(cloud, failing_with("SlowDown", "b.png"), {**given, "Attempt": MAX_RETRIES - 1})
    last = run_batch(cloud, failing_with("SlowDown", "b.png"), {**given, "Attempt": MAX_RETRIES})
    assert last == {"analysed": 1, "failed": 1}


def test_two_batches_never_write_the_same_file(cloud: Cloud) -> None:
    cloud.add_bucket("another")
    for given in (batch("a.png"), batch("b.png"), batch("a.png", "b.png"), batch("a.png", bucket="another")):
        run_batch(cloud, start_worker(), given)
    assert len(parts(cloud)) == 4


def test_a_batch_whose_file_cannot_be_written_has_failed(cloud: Cloud) -> None:
    """Without its file the summary would be short of its images and nobody would know."""
    cloud.upload("a.png")
    calls = Calls()
    calls.before = lambda _number, name: "AccessDenied" if name == "s3.put_object" else None

    with pytest.raises(ClientError), ThreadPoolExecutor(4) as pool:
        process_batch(batch("a.png"), "a-request", start_worker().worker, pool, recording_client("s3", calls), RESULTS)
