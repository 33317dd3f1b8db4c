import asyncio
import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request

from thyroid.core.formats import MEDIA_TYPES
from thyroid.errors import (
    InvalidBase64Error,
    InvalidRequestError,
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from thyroid.settings import Settings
from thyroid.web.body import MAX_FORM_BYTES, READ_ON, Body, decode_base64, parse, receive
from thyroid.web.schemas import AnalyzeOptions, AnalyzeRequest

IMAGE = bytes(range(256)) * 20


def read(
    content: bytes,
    content_type: str | None = "application/json",
    query: dict[str, str] | None = None,
    limit: int = 10_000_000,
    chunk: int = 1000,
    log: list[int] | None = None,
    another_type: str | None = None,
) -> Body:
    """Receive a body that arrives in chunks; `log` gets the length of each that was asked for."""
    chunks: Iterator[bytes] = (content[i : i + chunk] for i in range(0, len(content), chunk))

    async def messages() -> dict[str, Any]:
        part = next(chunks, None)
        if part is not None and log is not None:
            log.append(len(part))
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    headers = [(b"content-type", each.encode()) for each in (content_type, another_type) if each is not None]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": headers,
        "query_string": urlencode(query or {}).encode(),
    }
    return asyncio.run(receive(Request(scope, messages), Settings(max_body_bytes=limit)))


def form(files: Any, data: dict[str, str] | None = None) -> tuple[bytes, str]:
    """A multipart body and its content type."""
    request = httpx.Request("POST", "http://x/", files=files, data=data)
    return request.read(), request.headers["content-type"]


def options_of(body: Body) -> tuple[bytes, AnalyzeOptions]:
    return parse(body, AnalyzeOptions, AnalyzeRequest)


# --- base64 ----------------------------------------------------------------------------------------------------------

ENCODED = base64.b64encode(IMAGE).decode()


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        f"data:image/png;base64,{ENCODED}",
        f"data:;base64,{ENCODED}",
        f"DATA:image/jpeg;charset=x;BASE64,{ENCODED}",
        f" \n{ENCODED}\n",
        "\r\n".join(ENCODED[i : i + 76] for i in range(0, len(ENCODED), 76)),
    ],
)
def test_base64_is_decoded_plain_as_data_uri_and_in_lines(text: str) -> None:
    assert decode_base64(text) == IMAGE


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "abcde",
        "abc",
        "ab=c",
        "QUJD=",
        "äöü",
        "data:image/png,abcd",
        "data:image/png;base64;abcd",
        f"x{ENCODED}",
        "_-_-",
        "\x00",
    ],
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidBase64Error, match="base64"):
        decode_base64(text)


def test_an_endless_data_uri_header_is_refused() -> None:
    with pytest.raises(InvalidBase64Error):
        decode_base64("data:" + "a;" * 1_000_000)


# --- the three kinds -------------------------------------------------------------------------------------------------

ALL_OPTIONS = {
    "filename": "a.png",
    "layer_name": "conv2d",
    "target": "benign",
    "size": "99",
    "include_gradcam": "false",
}


def check_all(image: bytes, options: AnalyzeOptions) -> None:
    assert image == IMAGE
    assert options == AnalyzeOptions(
        filename="a.png", layer_name="conv2d", target="benign", size=99, include_gradcam=False
    )


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", None]
)
def test_json_carries_the_image_in_base64(content_type: str | None) -> None:
    request = AnalyzeRequest.model_validate({"image": ENCODED, **ALL_OPTIONS})

    check_all(*options_of(read(request.model_dump_json().encode(), content_type)))


@pytest.mark.parametrize("content_type", [*MEDIA_TYPES, "Image/TIFF", "image/png; q=1"])
def test_a_raw_body_is_the_image_and_the_query_its_options(content_type: str) -> None:
    check_all(*options_of(read(IMAGE, content_type, ALL_OPTIONS)))


def test_a_form_carries_the_image_as_a_file() -> None:
    check_all(*options_of(read(*form({"image": ("b.png", IMAGE)}, ALL_OPTIONS))))


def test_a_form_without_a_filename_field_takes_the_files() -> None:
    assert options_of(read(*form({"image": ("b.png", IMAGE)})))[1].filename == "b.png"


def test_a_form_may_carry_the_image_as_base64_text() -> None:
    assert options_of(read(*form({"image": (None, ENCODED)})))[0] == IMAGE


def test_what_a_form_leaves_empty_counts_as_left_out() -> None:
    body = read(*form({"image": ("b.png", IMAGE)}, {"size": "", "layer_name": "", "target": ""}))

    assert options_of(body)[1] == AnalyzeOptions(filename="b.png")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/pdf",
        "multipart/mixed",
        "image/x-icon",
        "image/svg+xml",
        "nonsense",
        "",
    ],
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="application/json") as caught:
        read(b"{}", content_type)

    assert all(taken in caught.value.detail for taken in MEDIA_TYPES)


@pytest.mark.parametrize("content_type", ["image/png", "application/json"])
def test_two_content_types_are_neither_as_the_gateway_makes_one_of_them(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        read(IMAGE, content_type, another_type=content_type)


def test_a_form_is_not_looked_at_before_its_turn_has_come() -> None:
    """To read it may take a second, in which a server's event loop would answer nobody."""
    assert read(b"no form", "multipart/form-data; boundary=x").content == b"no form"


def test_a_form_of_two_boundaries_cannot_be_read() -> None:
    content, content_type = form({"image": ("b.png", IMAGE)})

    with pytest.raises(InvalidRequestError):
        options_of(read(content, content_type, another_type="multipart/form-data; boundary=x"))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"image": "\\ud800"}', b"[" * 100_000, b'{"image": NaN}']
)
def test_broken_json_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        options_of(read(content))


def test_a_wrong_field_is_named_but_its_value_is_not_repeated() -> None:
    with pytest.raises(InvalidRequestError, match="size") as caught:
        options_of(read(IMAGE, "image/png", {"size": "Jane-Doe"}))

    assert "Jane" not in caught.value.detail


# --- its size --------------------------------------------------------------------------------------------------------


# In an event whose body may take 10,000 bytes.
LIMITS = {
    "application/json": 10_000,
    "image/png": 7_500,
    "application/octet-stream": 7_500,
    "multipart/form-data": 7_500,
}


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "application/octet-stream"])
def test_a_body_at_the_limit_of_its_kind_is_read(content_type: str) -> None:
    content = bytes(LIMITS[content_type])

    assert read(content, content_type, limit=10_000).content == content


def test_a_form_at_the_limit_is_read() -> None:
    itself = len(form({"image": ("b.png", b"")})[0])
    image = bytes(LIMITS["multipart/form-data"] - itself)

    assert options_of(read(*form({"image": ("b.png", image)}), limit=10_000))[0] == image


@pytest.mark.parametrize("content_type", LIMITS)
def test_a_body_over_the_limit_of_its_kind_is_refused_with_the_limit(content_type: str) -> None:
    with pytest.raises(PayloadTooLargeError, match=f" {LIMITS[content_type]} bytes"):
        read(bytes(LIMITS[content_type] + 1), f"{content_type}; boundary=x", limit=10_000)


@pytest.mark.parametrize(
    ("content_type", "largest"),
    [("image/png", 7_500), ("multipart/form-data", 7_500 - MAX_FORM_BYTES), ("application/json", 7_488)],
)
def test_who_sends_too_much_is_told_the_largest_image_that_fits(content_type: str, largest: int) -> None:
    with pytest.raises(PayloadTooLargeError, match=rf"image file\D* {largest} bytes"):
        read(bytes(20_000), content_type, limit=10_000)


def test_no_form_of_one_image_takes_more_than_is_allowed_for() -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={'x' * 70}"}
    file = ("n" * 255, b"", "application/octet-stream")

    assert len(httpx.Request("POST", "http://x/", files={"image": file}, headers=headers).read()) <= MAX_FORM_BYTES


def test_a_content_type_that_is_not_taken_is_refused_as_such_however_large_its_body_is() -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        read(bytes(20_000), "text/plain", limit=10_000)


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    asked: list[int] = []

    with pytest.raises(PayloadTooLargeError):
        read(bytes(1_000_000), "image/png", limit=5_000, chunk=1_000, log=asked)

    assert sum(asked) == READ_ON * 3_750 + 1_000


def test_a_client_that_leaves_is_no_fault_of_the_body() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    with pytest.raises(ClientDisconnect):
        asyncio.run(receive(Request(scope, gone), Settings()))


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "multipart/form-data; boundary=x", "a/b"])
def test_a_body_that_stops_in_the_middle_is_not_waited_for(content_type: str) -> None:
    messages = iter([{"type": "http.request", "body": b"half", "more_body": True}])

    async def stalled() -> dict[str, Any]:
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    headers = [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
    with pytest.raises(RequestTimeoutError, match="within 0 seconds"):
        asyncio.run(receive(Request(scope, stalled), Settings(body_seconds=0)))
