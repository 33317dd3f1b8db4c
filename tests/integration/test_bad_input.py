"""Whatever is sent: a typed answer, never a 500, and the next request works."""

import base64
import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.endpoints import IMAGE_TO_JSON_PATHS
from tests.images import (
    animated_file,
    image_file,
    noise_file,
    png_that_claims,
    ramp_image,
    rotated_file,
    saved,
    sixteen_bit_file,
    transparent_file,
)
from tests.integration.conftest import Answer, Api
from thyroid.core.imaging import UPRIGHT


def as_json(data: bytes, **fields: object) -> dict[str, object]:
    return {"image": base64.b64encode(data).decode("ascii"), **fields}


def score(api: Api, data: bytes) -> float:
    answer = api("POST", "/api/v1/predict", as_json(data))
    assert answer.status == 200, answer.text
    return float(answer.json["prediction"]["confidence_score"])


@pytest.fixture(autouse=True)
def _the_next_request_works(api: Api) -> Iterator[None]:
    before = score(api, image_file())
    yield
    assert score(api, image_file()) == before


def check_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json.get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert len(answer.json["detail"]) > 10


# --- no image ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
@pytest.mark.parametrize("image", ["not base64", "iVBORw0KGgo", "data:image/png,abc", "ÿ", "====", "{}"])
def test_what_is_not_base64(api: Api, endpoint: str, image: str) -> None:
    check_problem(api("POST", endpoint, {"image": image}), 400, "invalid_base64")


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
@pytest.mark.parametrize("data", [b"hello, world", b"%PDF-1.7\n%", b"PK\x03\x04", bytes(1000)])
def test_base64_of_something_else(api: Api, endpoint: str, data: bytes) -> None:
    check_problem(api("POST", endpoint, as_json(data)), 415, "unsupported_media_type")


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_an_empty_raw_body(api: Api, endpoint: str) -> None:
    check_problem(api("POST", endpoint, b"", content_type="image/png"), 422, "invalid_request")


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_an_empty_image(api: Api, endpoint: str) -> None:
    answer = api("POST", endpoint, as_json(b""))

    check_problem(answer, 422, "invalid_request")
    assert "empty" in answer.json["detail"]


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"text"', b"{}", b'{"image": null}', b'{"image": 3}', b"\xff\xfe\x00", b"[" * 50_000],
)
def test_a_json_body_without_an_image(api: Api, endpoint: str, body: bytes) -> None:
    check_problem(api("POST", endpoint, body), 422, "invalid_request")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_a_truncated_image(api: Api, endpoint: str, kind: str) -> None:
    whole = noise_file(200, 200, kind)

    check_problem(api("POST", endpoint, as_json(whole[: len(whole) // 2])), 422, "unreadable_image")


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_one_pixel(api: Api, endpoint: str) -> None:
    check_problem(api("POST", endpoint, as_json(saved(Image.new("L", (1, 1))))), 422, "unreadable_image")


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_a_small_file_whose_header_claims_thirty_thousand_pixels_a_side(api: Api, endpoint: str) -> None:
    answer = api("POST", endpoint, as_json(png_that_claims(30_000, 30_000)))

    check_problem(answer, 413, "payload_too_large")
    assert "20000000" in answer.json["detail"]


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
@pytest.mark.parametrize(
    ("content_type", "limit"),
    [("image/png", 4_669_440), ("application/json", 6_225_920), ("multipart/form-data; boundary=x", 4_669_440)],
)
def test_a_body_of_ten_megabytes(api: Api, endpoint: str, content_type: str, limit: int) -> None:
    answer = api("POST", endpoint, bytes(10_000_000), content_type=content_type)

    check_problem(answer, 413, "payload_too_large")
    assert str(limit) in answer.json["detail"]


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_content_type_that_is_not_taken(api: Api, endpoint: str, content_type: str) -> None:
    body = json.dumps(as_json(image_file())).encode()

    check_problem(api("POST", endpoint, body, content_type=content_type), 415, "unsupported_media_type")


def test_a_wrong_image_type_is_no_matter_for_the_bytes_tell(api: Api) -> None:
    answer = api("POST", "/api/v1/predict", image_file("JPEG"), content_type="image/png")

    assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"no parts at all",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nvalue\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\ncut off',
    ],
)
def test_a_broken_form(api: Api, body: bytes) -> None:
    answer = api("POST", "/api/v1/predict", body, content_type="multipart/form-data; boundary=x")

    assert answer.status in {415, 422}
    check_problem(answer, answer.status, answer.json["code"])


# --- other fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_an_unknown_field_is_ignored(api: Api, endpoint: str) -> None:
    answer = api("POST", endpoint, as_json(image_file(), patient={"name": ["x"]}, model="other"))

    assert answer.status == 200
    assert answer.json["prediction"]["confidence_score"] == score(api, image_file())


@pytest.mark.parametrize("endpoint", ["/api/v1/gradcam", "/api/v1/analyze"])
def test_a_layer_that_does_not_exist(api: Api, endpoint: str) -> None:
    answer = api("POST", endpoint, as_json(image_file(), layer_name="conv2d_99"))

    check_problem(answer, 422, "unknown_layer")
    for layer in api("GET", "/api/v1/model-info").json["conv_layers"]:
        assert layer in answer.json["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 63), ("size", 1025), ("size", "big"), ("target", "both"), ("layer_name", 5), ("filename", "x" * 2000)],
)
def test_a_field_out_of_its_bounds(api: Api, field: str, value: object) -> None:
    answer = api("POST", "/api/v1/gradcam", as_json(image_file(), **{field: value}))

    check_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_file_name_of_odd_characters_comes_back_as_it_was(api: Api) -> None:
    name = 'é "x" \\ \n 甲\u202e🦋 <script>'

    answer = api("POST", "/api/v1/predict", as_json(image_file(), filename=name))

    assert answer.json["filename"] == name


def test_a_text_that_is_no_unicode(api: Api) -> None:
    answer = api("POST", "/api/v1/predict", b'{"image": "AAAA", "filename": "\\ud800"}')

    check_problem(answer, 422, "invalid_request")


# --- addresses and methods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", IMAGE_TO_JSON_PATHS)
def test_a_method_that_is_not_taken(api: Api, endpoint: str) -> None:
    answer = api("GET", endpoint)

    check_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/api/v1", "/api/v1/predict/", "/docs/", "/docs/../apps", "/docs/none.js", "/app/", "/app/none.js"],
)
def test_an_address_that_does_not_exist(api: Api, path: str) -> None:
    check_problem(api("POST" if "predict" in path else "GET", path), 404, "not_found")


# --- odd but sound images get the right answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        (image_file("PNG", "L"), image_file()),
        (image_file("PNG", "P"), saved(ramp_image("P").convert("RGB"))),
        (image_file("GIF"), image_file()),
        (image_file("BMP"), image_file()),
        (image_file("TIFF"), image_file()),
        (sixteen_bit_file(), image_file()),
        (image_file("TIFF", "CMYK"), image_file()),
        (animated_file("GIF"), saved(Image.new("RGB", (96, 64)))),
    ],
    ids=["grey", "palette", "GIF", "BMP", "TIFF", "16 bits", "CMYK", "animated"],
)
def test_however_an_image_is_stored_it_gets_its_score(api: Api, odd: bytes, plain: bytes) -> None:
    assert score(api, odd) == score(api, plain)


def test_transparency_shows_black(api: Api) -> None:
    over_black = np.zeros((64, 96, 3), np.uint8)
    over_black[:, 48:] = 255

    assert score(api, transparent_file()) == score(api, saved(Image.fromarray(over_black)))


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_rotated_image_gets_the_score_of_the_upright_one(api: Api, orientation: int) -> None:
    upright = saved(ramp_image().transpose(UPRIGHT[orientation]))

    assert score(api, rotated_file(orientation, "PNG")) == score(api, upright)


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_jpeg_of_any_colours_is_taken(api: Api, mode: str) -> None:
    assert 0 <= score(api, image_file("JPEG", mode)) <= 1


def test_images_too_large_to_be_sent_back(api: Api) -> None:
    answer = api("POST", "/api/v1/gradcam", noise_file(1024, 1024), content_type="image/png", query={"size": "1024"})

    check_problem(answer, 413, "payload_too_large")
    assert "size" in answer.json["detail"]


def test_a_form_over_a_megabyte_is_read_whole(api: Api) -> None:
    data = noise_file(700, 700)
    form = httpx.Request("POST", "http://x", files={"image": ("a.png", data)})
    assert len(data) > 1_400_000

    answer = api("POST", "/api/v1/predict", form.read(), content_type=form.headers["content-type"])

    assert answer.json["prediction"]["confidence_score"] == score(api, data)
