"""Links to upload an image with, and what became of it."""

import base64
import datetime as dt
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import buckets
from tests.buckets import BROKEN, CANARY, RESULTS, UPLOADS, Calls, Cloud, recording_client, start_worker
from thyroid.errors import NotAnsweredError, NotFoundError
from thyroid.files.result_files import ERROR, RESULT
from thyroid.s3 import clients
from thyroid.s3.link import expiry_of, new_id
from thyroid.s3.links import Links

cloud = buckets.cloud


@pytest.fixture
def links(cloud: Cloud) -> Links:
    return Links(cloud.s3, clients.signer(), UPLOADS, RESULTS, 900)


def policy(fields: dict[str, str]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.b64decode(fields["policy"]))
    return decoded


def test_a_link_is_signed_for_one_key_one_type_and_a_size(links: Links) -> None:
    before = time.time()
    link = links.create("image/tiff", 10, 2000)
    signed = policy(link.fields)
    assert {"bucket": UPLOADS} in signed["conditions"]
    assert {"key": f"api/{link.id}"} in signed["conditions"]
    assert {"Content-Type": "image/tiff"} in signed["conditions"]
    assert ["content-length-range", 10, 2000] in signed["conditions"]
    assert link.fields["Content-Type"] == "image/tiff"
    expires = dt.datetime.fromisoformat(signed["expiration"]).timestamp()
    assert abs(expires - link.expires) <= 2
    assert before + 899 <= link.expires <= time.time() + 901
    assert expiry_of(link.id) == link.expires


def test_nothing_else_can_be_put_into_the_form(links: Links) -> None:
    """Each field that S3 understands has to be in the policy, or an upload could name tags, an ACL or a redirect."""
    signed = policy(links.create("image/png", 1, 2).fields)

    allowed = {name for condition in signed["conditions"] if isinstance(condition, dict) for name in condition}

    assert allowed == {"bucket", "key", "Content-Type", "x-amz-algorithm", "x-amz-credential", "x-amz-date"}
    assert [condition[0] for condition in signed["conditions"] if isinstance(condition, list)] == [
        "content-length-range"
    ]


@pytest.mark.parametrize("seconds", [60, 900])
def test_a_link_ends_when_it_was_set_to(seconds: int, cloud: Cloud) -> None:
    before = time.time()

    link = Links(cloud.s3, clients.signer(), UPLOADS, RESULTS, seconds).create("image/png", 1, 2)

    assert before - 1 <= link.expires - seconds <= time.time()


def test_a_link_leads_to_the_bucket_in_its_region(links: Links) -> None:
    assert links.create("image/png", 1, 2).url == f"https://{UPLOADS}.s3.eu-central-1.amazonaws.com/"


def test_no_id_is_given_twice_or_can_be_guessed(links: Links) -> None:
    ids = {links.create("image/png", 1, 2).id for _ in range(50)}
    assert len(ids) == 50
    assert len({identifier.partition("-")[2] for identifier in ids}) == 50
    assert all(len(identifier.partition("-")[2]) == 32 for identifier in ids)  # 128 bits


def test_a_result_is_found_once_it_is_there(links: Links, cloud: Cloud) -> None:
    link = links.create("image/png", 1, 10_000)
    assert links.find(link.id) is None
    upload = cloud.upload(f"api/{link.id}")
    assert links.find(link.id) is None
    start_worker().process(upload)
    assert links.find(link.id) == cloud.results(upload.key)[RESULT].json


def test_so_is_the_reason_why_there_is_none(links: Links, cloud: Cloud) -> None:
    link = links.create("image/png", 1, 10_000)
    upload = cloud.upload(f"api/{link.id}", BROKEN)
    start_worker().process(upload)
    assert links.find(link.id) == cloud.results(upload.key)[ERROR].json


def test_the_images_are_links_as_well(links: Links, cloud: Cloud) -> None:
    link = links.create("image/png", 1, 10_000)
    images = links.image_urls(link.id)
    assert set(images) == {"heatmap", "overlay"}
    for kind, address in images.items():
        assert address.startswith(f"https://{RESULTS}.s3.eu-central-1.amazonaws.com/results/api/{link.id}/{kind}.png?")
        assert "X-Amz-Expires=900" in address


def test_a_link_that_ended_unused_is_not_waited_for(links: Links) -> None:
    with pytest.raises(NotFoundError, match="before the link expired"):
        links.find(new_id(int(time.time()) - 100))


def test_an_image_that_is_still_arriving_as_its_link_ends_is_waited_for(links: Links) -> None:
    assert links.find(new_id(int(time.time()) - 5)) is None


def test_an_image_without_a_result_long_after_is_not_waited_for_any_more(links: Links, cloud: Cloud) -> None:
    identifier = new_id(int(time.time()) - 3700)
    upload = cloud.upload(f"api/{identifier}")
    with pytest.raises(NotAnsweredError, match="dead-letter queue"):
        links.find(identifier)
    # AND yet it is given where it is there after all
    start_worker().process(upload)
    assert (links.find(identifier) or {})["success"] is True


def test_while_one_decision_gives_way_to_another_none_is_given(links: Links, cloud: Cloud) -> None:
    link = links.create("image/png", 1, 10_000)
    start_worker().process(cloud.upload(f"api/{link.id}"))
    prefix = f"results/api/{link.id}"
    cloud.s3.copy_object(Bucket=RESULTS, Key=f"{prefix}/{ERROR}", CopySource=f"{RESULTS}/{prefix}/{RESULT}")
    assert links.find(link.id) is None


def test_but_an_image_that_came_in_time_is(links: Links, cloud: Cloud) -> None:
    identifier = new_id(int(time.time()) - 100)
    cloud.upload(f"api/{identifier}")
    assert links.find(identifier) is None


def test_and_what_is_said_of_it_is_found_when_the_link_has_ended_and_the_image_is_gone(
    links: Links, cloud: Cloud
) -> None:
    # GIVEN an image that was analysed, and deleted as old images are
    identifier = new_id(int(time.time()) - 100)
    start_worker().process(cloud.upload(f"api/{identifier}"))
    cloud.delete(f"api/{identifier}")
    # THEN its result is still there
    found = links.find(identifier)
    assert found is not None
    assert found["success"] is True


GOOD = "fffffffe-0123456789abcdef0123456789abcdef"
MALFORMED = {
    "nothing": "",
    "a word": CANARY,
    "a path": "../../archives/a-run/summary",
    "a path of its length": "../../..-/results/api/aaaaaaaaaaaaaaaa/b",
    "a path after it": f"{GOOD}/../{GOOD}",
    "a path before it": f"../{GOOD}",
    "a slash at its end": f"{GOOD}/",
    "an encoded path": f"..%2f{GOOD}",
    "upper case": GOOD.upper(),
    "a digit too many": f"{GOOD}0",
    "a digit too few": GOOD[:-1],
    "a longer time": f"0{GOOD}",
    "very long": GOOD * 1000,
    "no dash": GOOD.replace("-", "0"),
    "two dashes": GOOD[:-1] + "-",
    "a letter past f": GOOD[:-1] + "g",
    "digits of another script": "１" + GOOD[1:],
    "a line end": f"{GOOD}\n",
    "a space": f" {GOOD}",
    "a null": f"{GOOD[:-1]}\0",
}


def test_an_id_that_is_well_formed_is_waited_for(links: Links) -> None:
    """What is below differs from it, and from nothing else."""
    assert links.find(GOOD) is None


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_no_link_can_be_called_is_not_found_and_s3_is_not_asked(kind: str) -> None:
    s3: Any = None  # it cannot be asked
    nobody = Links(s3, s3, UPLOADS, RESULTS, 900)

    with pytest.raises(NotFoundError) as missing:
        nobody.find(MALFORMED[kind])

    assert CANARY not in missing.value.detail


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket", "InternalError"])
@pytest.mark.parametrize("method", ["s3.get_object", "s3.head_object"])
def test_trouble_with_s3_is_taken_neither_for_waiting_nor_for_a_link_that_was_not_used(
    method: str, code: str, cloud: Cloud
) -> None:
    # GIVEN a link that has ended, so that it also matters whether an image came
    calls = Calls()
    calls.before = lambda _number, name: code if name == method else None
    links = Links(recording_client("s3", calls), clients.signer(), UPLOADS, RESULTS, 900)
    # WHEN S3 does not tell
    with pytest.raises(ClientError) as raised:
        links.find(new_id(int(time.time()) - 100))
    # THEN that is what is said
    assert raised.value.response["Error"]["Code"] == code


def test_an_id_tells_when_its_link_ends() -> None:
    assert expiry_of(new_id(1_800_000_000)) == 1_800_000_000
