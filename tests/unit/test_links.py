"""Links to upload a picture with, and what became of it."""

import base64
import datetime as dt
import json
import time
from typing import Any

import pytest

from tests import buckets
from tests.buckets import BROKEN, CANARY, RESULTS, UPLOADS, Cloud, process
from thyroid.errors import NotFoundError
from thyroid.results import ERROR, RESULT
from thyroid.uploads import aws
from thyroid.uploads.link import expiry_of, new_id
from thyroid.uploads.links import Links

cloud = buckets.cloud


@pytest.fixture
def links(cloud: Cloud) -> Links:
    return Links(cloud.s3, aws.signer(), UPLOADS, RESULTS, 900)


def policy(fields: dict[str, str]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.b64decode(fields["policy"]))
    return decoded


def test_a_link_is_signed_for_one_key_one_type_and_a_size(links: Links) -> None:
    before = time.time()
    link = links.hand_out("image/tiff", 10, 2000)
    signed = policy(link.fields)
    assert {"bucket": UPLOADS} in signed["conditions"]
    assert {"key": f"api/{link.id}"} in signed["conditions"]
    assert {"Content-Type": "image/tiff"} in signed["conditions"]
    assert ["content-length-range", 10, 2000] in signed["conditions"]
    assert link.fields["Content-Type"] == "image/tiff"
    expires = dt.datetime.fromisoformat(signed["expiration"]).timestamp()
    assert abs(expires - link.expires) <= 2
    assert before + 899 <= link.expires <= time.time() + 901


def test_a_link_leads_to_the_bucket_in_its_region(links: Links) -> None:
    assert links.hand_out("image/png", 1, 2).url == f"https://{UPLOADS}.s3.eu-central-1.amazonaws.com/"


def test_no_id_is_given_twice_or_can_be_guessed(links: Links) -> None:
    ids = {links.hand_out("image/png", 1, 2).id for _ in range(50)}
    assert len(ids) == 50
    assert len({identifier.partition("-")[2] for identifier in ids}) == 50
    assert all(len(identifier.partition("-")[2]) == 32 for identifier in ids)  # 128 bits


def test_a_result_is_found_once_it_is_there(links: Links, cloud: Cloud) -> None:
    link = links.hand_out("image/png", 1, 10_000)
    assert links.find(link.id) is None
    upload = cloud.upload(f"api/{link.id}")
    assert links.find(link.id) is None
    process().answer(upload)
    assert links.find(link.id) == cloud.results(upload.key)[RESULT].json


def test_so_is_the_reason_why_there_is_none(links: Links, cloud: Cloud) -> None:
    link = links.hand_out("image/png", 1, 10_000)
    upload = cloud.upload(f"api/{link.id}", BROKEN)
    process().answer(upload)
    assert links.find(link.id) == cloud.results(upload.key)[ERROR].json


def test_the_pictures_are_links_as_well(links: Links, cloud: Cloud) -> None:
    link = links.hand_out("image/png", 1, 10_000)
    pictures = links.pictures(link.id)
    assert set(pictures) == {"heatmap", "overlay"}
    for kind, address in pictures.items():
        assert address.startswith(f"https://{RESULTS}.s3.eu-central-1.amazonaws.com/results/api/{link.id}/{kind}.png?")
        assert "X-Amz-Expires=900" in address


def test_a_link_that_ended_unused_is_not_waited_for(links: Links) -> None:
    with pytest.raises(NotFoundError, match="before the link ended"):
        links.find(new_id(int(time.time()) - 10))


def test_but_a_picture_that_came_in_time_is(links: Links, cloud: Cloud) -> None:
    identifier = new_id(int(time.time()) - 10)
    cloud.upload(f"api/{identifier}")
    assert links.find(identifier) is None


@pytest.mark.parametrize(
    "identifier",
    ["", "x", "../../results/a", new_id(0).upper().replace("-", "/"), new_id(1) + "0", new_id(1) + "\n", CANARY],
)
def test_what_no_link_can_be_called_is_not_found(links: Links, identifier: str) -> None:
    with pytest.raises(NotFoundError) as missing:
        links.find(identifier)
    assert CANARY not in missing.value.detail


def test_trouble_with_s3_is_not_taken_for_waiting(links: Links, cloud: Cloud) -> None:
    cloud.s3.delete_bucket(Bucket=RESULTS)
    with pytest.raises(Exception, match="NoSuchBucket"):
        links.find(links.hand_out("image/png", 1, 2).id)


def test_an_id_tells_when_its_link_ends() -> None:
    assert expiry_of(new_id(1_800_000_000)) == 1_800_000_000
