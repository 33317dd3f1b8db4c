"""An image too large for a request: a link, the bucket, and the wait for its result."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.client import (
    ADDRESS,
    BUCKET,
    LINK,
    MAP_LINKS,
    PNG,
    UPLOAD_ID,
    UPLOADED,
    Script,
    ok,
    problem,
)
from thyroid_client import BadImage, NotReady, Unavailable, UnexpectedResponse, Unreachable

STATUS = f"{ADDRESS}/api/v1/uploads/{UPLOAD_ID}"
WAITING = {"success": True, "status": "waiting", "detail": "No result yet."}


def waiting(**headers: str) -> httpx.Response:
    return ok(WAITING, 202, **headers)


def taken() -> httpx.Response:
    return httpx.Response(204)


def image_responses() -> list[httpx.Response]:
    return [httpx.Response(200, content=PNG), httpx.Response(200, content=PNG)]


def a_whole_upload() -> Script:
    later = {"Retry-After": "2"}
    return Script(ok(LINK, 201), taken(), waiting(**later), waiting(**later), ok(UPLOADED), *image_responses())


def test_an_upload_asks_for_a_link_uses_it_and_waits() -> None:
    script = a_whole_upload()
    large = PNG + bytes(5_000_000)

    result = script.client("k3y").upload(large)

    assert script.asked == [
        f"POST {ADDRESS}/api/v1/uploads",
        f"POST {BUCKET}/",
        *[f"GET {STATUS}"] * 3,
        f"GET {MAP_LINKS['heatmap']}",
        f"GET {MAP_LINKS['overlay']}",
    ]
    assert script.waited == [2, 2]
    assert result.risk_assessment == "High Risk"
    assert result.gradcam.overlay.size == (96, 64)
    assert result.raw["gradcam"]["images"] == MAP_LINKS


def test_so_it_does_with_async() -> None:
    script = a_whole_upload()

    async def upload() -> str:
        async with script.async_client() as client:
            return (await client.upload(PNG)).risk_assessment

    assert asyncio.run(upload()) == "High Risk"
    assert script.waited == [2, 2]


def test_the_form_has_the_links_fields_then_the_image_by_a_name_that_says_nothing() -> None:
    script = a_whole_upload()
    script.client().upload(PNG)

    asked, form = script.requests[:2]
    assert asked.content == b'{"content_type": "application/octet-stream", "size": %d}' % len(PNG)
    body = form.content
    assert body.index(b'name="key"') < body.index(b'name="policy"') < body.index(b'name="file"; filename="image"')
    assert PNG in body
    assert form.headers["content-length"] == str(len(body))


def test_the_key_goes_to_the_service_alone() -> None:
    script = a_whole_upload()
    script.client("k3y").upload(PNG)
    with_key = {str(request.url.host): "x-api-key" in request.headers for request in script.requests}
    assert with_key == {"api.example.com": True, "bucket.example.com": False}


def test_a_result_that_does_not_come_in_time_can_be_asked_for_later() -> None:
    # GIVEN a service that is slow
    script = Script(ok(LINK, 201), taken(), *(waiting(**{"Retry-After": "4"}) for _ in range(3)))
    # WHEN the time is over
    with pytest.raises(NotReady, match="after 10 seconds") as caught:
        script.client().upload(PNG, timeout=10)
    assert script.waited == [4, 4]
    # THEN the error names what to ask for, though not in its text
    assert caught.value.upload_id == UPLOAD_ID
    assert UPLOAD_ID not in str(caught.value)
    assert caught.value.retry_after == 4
    later = Script(waiting(), ok(UPLOADED), *image_responses())
    assert later.client().result(caught.value.upload_id).risk_assessment == "High Risk"
    assert later.waited == [2]


def test_a_throttle_while_waiting_is_waited_out() -> None:
    script = Script(waiting(), httpx.Response(429), ok(UPLOADED), *image_responses())
    script.client().result(UPLOAD_ID)
    assert script.waited == [2, 0.5]


def test_a_refused_image_is_the_problem_that_analyze_answers() -> None:
    script = Script(ok(LINK, 201), taken(), problem(422, "unreadable_image", "It cannot be decoded; save it anew."))
    with pytest.raises(BadImage, match="save it anew"):
        script.client().upload(PNG)


def test_a_service_without_a_bucket_says_so() -> None:
    script = Script(problem(501, "uploads_unavailable", "No bucket accepts images here; send the image itself."))
    with pytest.raises(Unavailable, match="send the image itself"):
        script.client().upload(PNG)


def test_an_image_larger_than_any_link_takes_is_not_asked_for_a_link() -> None:
    script = Script()
    with pytest.raises(BadImage, match="33554432"):
        script.client().upload(bytes(33_554_433))
    assert script.requests == []


def test_an_image_larger_than_this_services_links_take_is_told_the_limit() -> None:
    script = Script(problem(413, "payload_too_large", "The image file is over the limit of 33554432 bytes."))
    with pytest.raises(BadImage, match="33554432"):
        script.client().upload(PNG)


@pytest.mark.parametrize("status", [400, 403])
def test_a_bucket_that_refuses_speaks_of_no_key(status: int) -> None:
    script = Script(ok(LINK, 201), httpx.Response(status, text="<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(Unavailable, match=r"bucket refused the upload; call `upload` again"):
        script.client().upload(PNG)


def test_a_laptop_that_stands_in_for_a_bucket_is_heard() -> None:
    script = Script(ok(LINK, 201), problem(503, "model_unavailable", "Run `make model`."))
    with pytest.raises(Unavailable, match="make model"):
        script.client(retries=0).upload(PNG)


def test_a_bucket_that_cannot_be_reached_is_told_from_the_service() -> None:
    error = httpx.ConnectError("no")
    with pytest.raises(Unreachable, match="bucket") as caught:
        Script(ok(LINK, 201), error).client(retries=0).upload(PNG)
    assert caught.value.__cause__ is error


def test_images_whose_link_ended_are_asked_for_anew() -> None:
    script = Script(ok(UPLOADED), httpx.Response(403))
    with pytest.raises(Unavailable, match="ask again with `result`"):
        script.client().result(UPLOAD_ID)


NO_LINKS = [
    *("http://bucket.example.com/", "ftp://x/", "nothing", "", "https://", "https://\x00", "https://x:99999/"),
    f"https://{'a' * 70}/",
]


@pytest.mark.parametrize("url", NO_LINKS, ids=ascii)
def test_an_image_is_sent_to_no_link_that_is_not_safe(url: str) -> None:
    script = Script(ok(LINK | {"upload": LINK["upload"] | {"url": url}}, 201))
    with pytest.raises(UnexpectedResponse, match="gave a link"):
        script.client().upload(PNG)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "link",
    [{}, LINK | {"id": 7}, LINK | {"upload": None}, LINK | {"upload": LINK["upload"] | {"fields": {"key": 7}}}],
)
def test_a_link_that_lacks_something_is_unexpected(link: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        Script(ok(link, 201)).client().upload(PNG)


def test_a_result_whose_images_are_none_is_unexpected() -> None:
    script = Script(ok(UPLOADED), httpx.Response(200, content=PNG), httpx.Response(200, content=b"<html>"))
    with pytest.raises(UnexpectedResponse, match="'overlay' is not an image"):
        script.client().result(UPLOAD_ID)


def test_an_id_cannot_lead_elsewhere() -> None:
    script = Script(ok(UPLOADED), *image_responses())
    script.client().result("../predict?x=1")
    assert script.asked[0] == f"GET {ADDRESS}/api/v1/uploads/..%2Fpredict%3Fx%3D1"
