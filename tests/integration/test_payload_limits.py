"""What is the largest that may be sent and that is answered, to the byte.

A function is called with at most 6,291,456 bytes of JSON and answers with at most 6,291,556 (AWS Lambda quotas). What
is larger never reaches it, or never the client, so the limits here are what keeps errors typed.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import requests

from tests.events import CONTEXT, rest_event
from tests.images import image_file, noise_file
from tests.integration.conftest import HANDLERS, Api
from thyroid.core import explain
from thyroid.core.explain import REFERENCE_SIZE
from thyroid.core.field_of_view import Box
from thyroid.core.options import MAX_SIZE, MIN_SIZE
from thyroid.settings import LAMBDA_EVENT_LIMIT
from thyroid.web.docs import ASSET_TYPES, ASSETS
from thyroid.web.responses import MAX_IMAGE_BYTES
from thyroid.web.schemas import MAX_NAME, MAX_REPORT_SIZE

LAMBDA_ANSWER_LIMIT = 6_291_556
GATEWAY_HEADERS_LIMIT = 10_240  # request line and headers (API Gateway quotas)

# The largest `size` whose answer is sent whatever the image is: each pixel takes at most three bytes of the original,
# three of the overlay and one of the heatmap, and base64 makes four of three.
ALWAYS_FITS = 814


# --- requests --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """A request's body: bytes, or what goes as JSON."""

    body: Any
    content_type: str


def raw(image: bytes) -> Sent:
    return Sent(image, "image/png")


def form_of_requests(image: bytes) -> Sent:
    request = requests.Request("POST", "http://x", files={"image": ("scan.png", image)}).prepare()
    return Sent(request.body, str(request.headers["Content-Type"]))


def form_of_httpx(image: bytes) -> Sent:
    request = httpx.Request("POST", "http://x", files={"image": ("scan.png", image)})
    return Sent(request.read(), request.headers["Content-Type"])


def in_json(image: bytes) -> Sent:
    return Sent({"image": base64.b64encode(image).decode("ascii")}, "application/json")


# Way in, the largest image file that it takes, and the numbers that who sends a larger one is told: the limit of the
# body, and of a form or JSON an image file that fits in it.
WAYS = pytest.mark.parametrize(
    ("sent", "largest", "told"),
    [
        (raw, 4_669_440, ["4669440"]),
        (form_of_requests, 4_669_295, ["4669440", "4668928"]),
        (form_of_httpx, 4_669_270, ["4669440", "4668928"]),
        (in_json, 4_669_428, ["6225920", "4669428", "4669440"]),
    ],
)


def image_of(size: int) -> bytes:
    """A sound PNG file of so many bytes: what follows its end is not looked at."""
    return image_file().ljust(size, b"\0")


@WAYS
def test_the_largest_image_is_answered(api: Api, sent: Any, largest: int, told: list[str]) -> None:
    request = sent(image_of(largest))

    answer = api("POST", "/api/v1/predict", request.body, content_type=request.content_type)

    assert answer.status == 200, answer.text


@WAYS
def test_one_byte_more_is_refused_with_what_fits(api: Api, sent: Any, largest: int, told: list[str]) -> None:
    request = sent(image_of(largest + 1))

    answer = api("POST", "/api/v1/predict", request.body, content_type=request.content_type)

    assert (answer.status, answer.json["code"]) == (413, "payload_too_large")
    assert all(number in answer.json["detail"] for number in told)


@pytest.mark.parametrize("filled", ["User-Agent", "X-Anything"])
@WAYS
def test_the_gateway_can_hand_over_the_largest_image_whatever_the_headers(
    artifact: Path, sent: Any, largest: int, told: list[str], filled: str
) -> None:
    # GIVEN as many headers as the gateway takes, of characters that take two bytes in JSON
    request = sent(image_of(largest))
    event = event_of_gateway("/api/v1/predict", request, filled)

    # THEN the event is one that a function can be called with
    assert len(json.dumps(event)) < LAMBDA_EVENT_LIMIT

    # AND is answered
    assert HANDLERS["/api/v1/predict"](event, CONTEXT)["statusCode"] == 200


def event_of_gateway(path: str, sent: Sent, filled: str) -> dict[str, Any]:
    """Make the event of a request whose header `filled` takes all the room that is left."""
    body = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body)
    host = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.example.org"
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br",
        "Content-Length": str(len(body)),
        "Content-Type": sent.content_type,
        "Host": host,
        "User-Agent": "",
    }
    headers.setdefault(filled, "")
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    headers[filled] = '"' * (GATEWAY_HEADERS_LIMIT - len(head))
    added = {
        "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0",
        "X-Forwarded-For": ", ".join(["2001:db8:85a3:1234:5678:8a2e:1370:7334"] * 4),
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    nobody = (
        "cognitoIdentityPoolId cognitoIdentityId cognitoAuthenticationType cognitoAuthenticationProvider principalOrgId"
    )
    identity = dict.fromkeys([*nobody.split(), "accountId", "caller", "accessKey", "userArn", "user"])
    event = rest_event("POST", path, body=body, headers=headers | added, stage="prod", base="/some-base-path")
    event["requestContext"] |= {
        "resourceId": "abc123def4",
        "operationName": "POST",
        "extendedRequestId": "JJbxmEXXoAMFRMg=" * 4,
        "requestTime": "09/Apr/2026:12:34:56 +0000",
        "requestTimeEpoch": 1775738096123,
        "accountId": "123456789012",
        "protocol": "HTTP/1.1",
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "deploymentId": "abc123",
        "apiId": "abc123def4",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "identity": {
            **identity,
            "sourceIp": "2001:db8:85a3:1234:5678:8a2e:1370:7334",
            "userAgent": headers["User-Agent"],
        },
    }
    return event


# --- answers ---------------------------------------------------------------------------------------------------------


def answered(method: str, path: str, body: object = None, **more: Any) -> tuple[dict[str, Any], int]:
    """A function's answer and the bytes that it takes as JSON, with all of Unicode or escaped, whichever is more."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body)
    answer = HANDLERS.get(path, HANDLERS["/"])(rest_event(method, path, body=content, **more), CONTEXT)
    # The runtime's client escapes up to Python 3.11 and in images, and does not in later managed runtimes.
    return answer, max(len(json.dumps(answer)), len(json.dumps(answer, ensure_ascii=False).encode()))


def images_that_take(total: int) -> explain.Images:
    """Stand-ins that together are `total` bytes of base64."""
    third = total // 12 * 3
    return explain.Images(bytes(third), bytes(third), bytes(total // 4 * 3 - 2 * third))


@pytest.mark.parametrize("endpoint", ["/api/v1/gradcam", "/api/v1/analyze"])
@pytest.mark.parametrize("character", ["x", "é", "\N{GRINNING FACE}", '"', "\\", "\x01", "\u2028"])
def test_the_largest_images_fit_whatever_the_file_is_called(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, character: str
) -> None:
    monkeypatch.setattr(explain, "render", lambda *_: images_that_take(MAX_IMAGE_BYTES))
    name = character * MAX_NAME

    answer, size = answered("POST", endpoint, {**in_json(image_file()).body, "filename": name})

    assert answer["statusCode"] == 200
    body = json.loads(answer["body"])
    images = body.get("gradcam", body)["images"]
    assert body["filename"] == name
    assert sum(len(image) for image in images.values()) == MAX_IMAGE_BYTES
    assert size <= LAMBDA_ANSWER_LIMIT


@pytest.mark.parametrize("endpoint", ["/api/v1/gradcam", "/api/v1/analyze"])
def test_larger_images_are_refused(artifact: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(explain, "render", lambda *_: images_that_take(MAX_IMAGE_BYTES + 4))

    answer, _ = answered("POST", endpoint, image_file(), headers={"Content-Type": "image/png"})

    assert answer["statusCode"] == 413


@pytest.mark.parametrize("endpoint", ["/api/v1/gradcam", "/api/v1/analyze"])
@pytest.mark.parametrize("size", [MIN_SIZE, None, REFERENCE_SIZE, ALWAYS_FITS, MAX_SIZE])
def test_an_answer_about_noise_fits_or_asks_for_a_smaller_size(artifact: Path, endpoint: str, size: int | None) -> None:
    # GIVEN noise of as many pixels as its images will have, which does not compress
    side = size or REFERENCE_SIZE
    query = {"size": str(size)} if size else None

    answer, length = answered(
        "POST", endpoint, noise_file(side, side), headers={"Content-Type": "image/png"}, query=query
    )

    assert length <= LAMBDA_ANSWER_LIMIT
    assert answer["statusCode"] == (200 if side <= ALWAYS_FITS else 413)
    if answer["statusCode"] == 413:
        assert "ask for a smaller `size`" in json.loads(answer["body"])["detail"]


def test_of_a_size_that_always_fits_even_a_map_of_noise_is_not_too_large() -> None:
    side = ALWAYS_FITS
    noise = np.random.default_rng(0)
    pixels = noise.integers(0, 256, (side, side, 3), dtype=np.uint8)
    activation = noise.random((side, side), dtype=np.float32)

    images = explain.render(pixels, activation, Box(0, 0, side, side), side)

    total = sum(len(base64.b64encode(png)) for png in (images.original, images.heatmap, images.overlay))
    assert total <= MAX_IMAGE_BYTES


@pytest.mark.parametrize("kind", ["pdf", "json"])
@pytest.mark.parametrize("character", ["x", "\N{GRINNING FACE}", '"', "\x01"])
def test_the_largest_report_on_noise_fits_whatever_the_file_is_called(
    artifact: Path, kind: str, character: str
) -> None:
    options = {"filename": character * MAX_NAME, "size": MAX_REPORT_SIZE, "include_gradcam": True}
    noise = noise_file(MAX_REPORT_SIZE, MAX_REPORT_SIZE)

    answer, size = answered(
        "POST", f"/api/v1/report/{kind}", {**in_json(noise).body, **options}, headers={"Accept": f"application/{kind}"}
    )

    assert answer["statusCode"] == 200, answer["body"][:500]
    assert size <= LAMBDA_ANSWER_LIMIT


@pytest.mark.parametrize("path", [path for path in HANDLERS if path.startswith("/api") or path == "/"])
def test_an_answer_without_images_is_small(artifact: Path, path: str) -> None:
    _, size = answered("GET", path)

    assert size < 20_000


@pytest.mark.parametrize("name", ASSET_TYPES)
def test_a_file_of_the_documentation_fits_even_in_base64(name: str) -> None:
    answer, size = answered("GET", f"/docs/{name}", resource="/docs/{file}", parameters={"file": name})

    in_base64 = base64.b64encode((ASSETS / name).read_bytes()).decode("ascii")
    assert answer["statusCode"] == 200
    assert max(size, len(json.dumps({**answer, "body": in_base64}))) <= LAMBDA_ANSWER_LIMIT


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_a_page_of_the_documentation_fits_even_in_base64(path: str) -> None:
    answer, size = answered("GET", path)

    in_base64 = base64.b64encode(answer["body"].encode()).decode("ascii")
    assert answer["statusCode"] == 200
    assert max(size, len(json.dumps({**answer, "body": in_base64}))) <= LAMBDA_ANSWER_LIMIT
