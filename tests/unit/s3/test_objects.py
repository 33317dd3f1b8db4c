"""What lies under a key now, and whether it is what was told of."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import buckets
from tests.buckets import BROKEN, SOUND, UPLOADS, Calls, Cloud, recording_client
from thyroid.errors import NotFoundError
from thyroid.s3.events import Upload
from thyroid.s3.objects import identify, is_same, open_current

cloud = buckets.cloud

ABSENT = Upload(UPLOADS, "a.png")


def of(version: str | None, etag: str | None) -> Upload:
    return Upload(UPLOADS, "a.png", version, etag)


def test_a_state_that_was_told_is_not_asked_for(cloud: Cloud) -> None:
    calls = Calls()

    assert identify(recording_client("s3", calls), of("v1", "e1")) == of("v1", "e1")

    assert calls.names == []


@pytest.mark.parametrize("told", [of(None, None), of("v1", None), of(None, "e1")])
def test_one_that_was_not_told_whole_is_the_one_that_lies_there(told: Upload, cloud: Cloud) -> None:
    cloud.upload("a.png", BROKEN)
    lies = cloud.upload("a.png")

    assert identify(cloud.s3, told) == lies


def test_a_bucket_without_versions_tells_states_apart_by_their_etags(cloud: Cloud) -> None:
    cloud.add_bucket("an-archive", versions=False)
    first = cloud.upload("a.png", bucket="an-archive")

    found = identify(cloud.s3, Upload("an-archive", "a.png"))

    assert found == first
    assert found.version is None
    assert not is_same(found, cloud.upload("a.png", BROKEN, bucket="an-archive"))


def test_what_is_opened_is_what_lies_there_now_whatever_was_told_of(cloud: Cloud) -> None:
    old = cloud.upload("a.png", BROKEN)
    new = cloud.upload("a.png")

    opened = open_current(cloud.s3, old)

    with opened.stream:
        assert (opened.upload, opened.size, opened.stream.read()) == (new, len(SOUND), SOUND)


@pytest.mark.parametrize("ask", [identify, open_current])
@pytest.mark.parametrize("deleted", [True, False])
def test_where_nothing_lies_that_is_said_without_the_key(ask: Callable[..., Any], deleted: bool, cloud: Cloud) -> None:
    if deleted:
        cloud.upload("a.png")
        cloud.delete("a.png")

    with pytest.raises(NotFoundError, match="upload it again") as missing:
        ask(cloud.s3, ABSENT)

    assert "a.png" not in missing.value.detail


def test_a_bucket_that_is_not_there_is_no_deleted_image(cloud: Cloud) -> None:
    with pytest.raises(ClientError):
        open_current(cloud.s3, Upload("no-such-bucket", "a.png"))


def test_nor_is_it_where_s3_says_but_404(cloud: Cloud) -> None:
    # GIVEN that HEAD returns 404 alone, as it does for an image that was deleted
    calls = Calls()
    calls.before = lambda _number, name: "404" if name.startswith("s3.head_") else None

    # WHEN it does so for the bucket as well THEN the image is not to blame
    with pytest.raises(ClientError):
        identify(recording_client("s3", calls), Upload("no-such-bucket", "a.png"))


@pytest.mark.parametrize(("ask", "method"), [(identify, "s3.head_object"), (open_current, "s3.get_object")])
@pytest.mark.parametrize("code", ["AccessDenied", "403", "SlowDown", "InternalError"])
def test_what_may_not_be_read_is_no_deleted_image(
    ask: Callable[..., Any], method: str, code: str, cloud: Cloud
) -> None:
    calls = Calls()
    calls.before = lambda _number, name: code if name == method else None
    cloud.upload("a.png")

    with pytest.raises(ClientError) as raised:
        ask(recording_client("s3", calls), ABSENT)

    assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("told", "found", "same"),
    [
        (of("v1", "e1"), of("v1", "e1"), True),
        (of("v1", "e1"), of("v2", "e1"), False),  # the same bytes, uploaded again
        (of("v1", "e1"), of("v1", "e2"), False),
        (of(None, "e1"), of("v1", "e1"), True),
        (of(None, "e1"), of(None, "e1"), True),
        (of(None, "e1"), of(None, "e2"), False),
        (of("v1", None), of("v2", "e1"), False),
        (of(None, None), of("v1", "e1"), True),
    ],
)
def test_two_states_are_one_by_all_that_is_known_of_both(told: Upload, found: Upload, same: bool) -> None:
    assert is_same(told, found) is same
    assert is_same(found, told) is same
