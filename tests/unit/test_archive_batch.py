"""Batches of an archive, as a distributed map hands them out."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import buckets
from tests.buckets import BROKEN, CANARY, RESULTS, UPLOADS, Cloud, Process, process
from thyroid.uploads.archive import BatchError, answer_batch, pictures_of
from thyroid.uploads.upload import Upload

cloud = buckets.cloud


def batch(*keys: str, bucket: str = UPLOADS, encoded: bool = False, **item: Any) -> dict[str, Any]:
    items = [{"Key": key, "Size": 1, **item} for key in keys]
    return {"Items": items, "BatchInput": {"bucket": bucket, "run": "a-run", "encoded": encoded}}


def answer(cloud: Cloud, running: Process, given: dict[str, Any]) -> dict[str, int]:
    with ThreadPoolExecutor(4) as pool:
        return answer_batch(given, "a-request", running.worker, pool, cloud.s3, RESULTS)


def parts(cloud: Cloud) -> dict[str, list[dict[str, Any]]]:
    keys = cloud.keys("archives/a-run/parts/")
    return {key: [json.loads(line) for line in cloud.file(key).content.splitlines()] for key in keys}


def test_a_listing_names_pictures_as_they_are_and_folders_are_none() -> None:
    given = batch("a b+%.png", "a folder/", "x/ü.png")
    assert list(pictures_of(given)) == [Upload(UPLOADS, "a b+%.png"), Upload(UPLOADS, "x/ü.png")]


def test_an_inventory_encodes_its_keys_and_names_the_bucket_itself() -> None:
    given = batch("a+b%2B%25.png", "x%2F%C3%BC.png", encoded=True, Bucket="another")
    assert list(pictures_of(given)) == [Upload("another", "a b+%.png"), Upload("another", "x/ü.png")]


@pytest.mark.parametrize("item", [{"IsLatest": "false"}, {"IsLatest": "true", "IsDeleteMarker": "true"}])
def test_what_an_inventory_lists_of_the_past_is_passed_over(item: dict[str, str]) -> None:
    assert list(pictures_of(batch("a.png", encoded=True, **item))) == []
    assert list(pictures_of(batch("a.png", encoded=True, IsLatest="true", IsDeleteMarker="false"))) != []


def test_a_batch_is_counted_and_leaves_a_line_for_each_picture(cloud: Cloud) -> None:
    cloud.upload("a.png")
    cloud.upload("b.png", BROKEN)
    assert answer(cloud, process(), batch("a.png", "b.png", "gone.png")) == {"analysed": 1, "refused": 2}
    ((key, lines),) = parts(cloud).items()
    assert key.endswith(".jsonl")
    assert [(line["bucket"], line["key"], line["status"], line.get("code")) for line in lines] == [
        (UPLOADS, "a.png", "analysed", None),
        (UPLOADS, "b.png", "refused", "unreadable_image"),
        (UPLOADS, "gone.png", "refused", "not_found"),
    ]
    assert lines[0]["risk"] == "Low Risk"


def test_pictures_of_another_bucket_have_their_results_apart(cloud: Cloud) -> None:
    cloud.add_bucket("another", versions=False)
    cloud.upload("a.png", bucket="another")
    cloud.upload("a.png")
    assert answer(cloud, process(), batch("a.png", bucket="another")) == {"analysed": 1}
    assert {"buckets/another/a.png/result.json"} <= set(cloud.keys("buckets/"))
    assert cloud.keys("results/") == []


def test_what_an_event_had_done_already_is_not_done_again(cloud: Cloud) -> None:
    first, second = process(), process()
    first.answer(cloud.upload("a.png"))
    assert answer(cloud, second, batch("a.png")) == {"analysed": 1}
    assert (first.engine.calls, second.engine.calls) == (1, 0)


def test_a_picture_that_fails_fails_its_batch_but_not_the_others(cloud: Cloud) -> None:
    # GIVEN that one of three cannot be read from S3, for reasons of AWS
    for name in "abc":
        cloud.upload(f"{name}.png")
    running = process()
    failing = running.calls

    def deny(number: int, name: str) -> str | None:
        asked = failing.made[number][1].get("Key")
        return "AccessDenied" if (name, asked) == ("s3.get_object", "b.png") else None

    failing.before = deny
    # THEN the batch says so, without a name
    with pytest.raises(BatchError, match=r"^1 of 3 pictures failed\.$") as failed:
        answer(cloud, running, batch("a.png", "b.png", "c.png"))
    assert CANARY not in str(failed.value)
    ((key, lines),) = parts(cloud).items()
    assert [line["status"] for line in lines] == ["analysed", "failed", "analysed"]
    assert lines[1] == {"bucket": UPLOADS, "key": "b.png", "status": "failed", "error": "ClientError"}
    # AND done again it costs the one inference that is missing, and writes the same file anew
    again = process()
    assert answer(cloud, again, batch("a.png", "b.png", "c.png")) == {"analysed": 3}
    assert again.engine.calls == 1
    assert [line["status"] for line in parts(cloud)[key]] == ["analysed"] * 3
    assert len(parts(cloud)) == 1


def test_two_batches_never_write_the_same_file(cloud: Cloud) -> None:
    for given in (batch("a.png"), batch("b.png"), batch("a.png", "b.png")):
        answer(cloud, process(), given)
    assert len(parts(cloud)) == 3
