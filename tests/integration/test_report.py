"""Reports, through the one local application and through the function's Lambda handler."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader
from starlette.testclient import TestClient

from functions import local, report
from tests.events import CONTEXT, rest_event
from tests.images import image_file
from tests.integration.conftest import Api

PDF, JSON = "/api/v1/report/pdf", "/api/v1/report/json"
NAME = "Größe 患者.png"

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


def through_local_app(body: bytes, content_type: str, query: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    headers = {"Content-Type": content_type}
    answer = TestClient(local.app).post(PDF, content=body, headers=headers, params=query)
    return answer.status_code, answer.headers, answer.content


def through_gateway(body: bytes, content_type: str, query: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    headers = {"Content-Type": content_type, "Accept": "application/pdf"}
    sent = body.decode() if content_type == "application/json" else body  # as the template's binary types say
    answer = report.handler(rest_event("POST", PDF, body=sent, headers=headers, query=query), CONTEXT)
    content = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    return answer["statusCode"], answer["headers"], content


@pytest.fixture(params=[through_local_app, through_gateway])
def ask(request: pytest.FixtureRequest, artifact: Path) -> Ask:
    """Each way to a PDF in turn."""
    way: Ask = request.param
    return way


def text_of(data: bytes) -> str:
    (page,) = PdfReader(io.BytesIO(data)).pages
    return page.extract_text()


def test_a_report_comes_whichever_way_the_image_does(ask: Ask, scan: bytes) -> None:
    form = httpx.Request("POST", "http://x", files={"image": (NAME, scan, "image/png")})
    in_json = json.dumps({"image": base64.b64encode(scan).decode(), "filename": NAME}).encode()
    for body, content_type, query in (
        (scan, "image/png", {"filename": NAME}),
        (form.read(), form.headers["content-type"], None),
        (in_json, "application/json", None),
    ):
        status, headers, content = ask(body, content_type, query)

        assert status == 200, content[:500]
        assert headers["content-type"] == "application/pdf"
        encoded = "Gr%C3%B6%C3%9Fe%20%E6%82%A3%E8%80%85.report.pdf"
        assert headers["content-disposition"] == f"attachment; filename=\"Groe.report.pdf\"; filename*=UTF-8''{encoded}"
        assert NAME in text_of(content)


def test_layer_target_and_size_are_those_asked_for(ask: Ask, api: Api, scan: bytes) -> None:
    layer = api("GET", "/api/v1/model-info").json["conv_layers"][0]

    _, _, content = ask(scan, "image/png", {"layer_name": layer, "target": "benign", "size": "80"})

    (page,) = PdfReader(io.BytesIO(content)).pages
    assert f"Grad-CAM at {layer}" in page.extract_text()
    assert "for benign" in page.extract_text()
    assert {max(image.image.size) for image in page.images if image.image} == {80}


def test_what_is_no_image_is_a_problem_that_can_be_read(ask: Ask) -> None:
    status, headers, content = ask(b"no image", "image/png")

    assert (status, json.loads(content)["code"]) == (415, "unsupported_media_type")
    assert headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("size", ["63", "801", "x"])
def test_images_may_not_be_larger_than_what_fits(ask: Ask, size: str) -> None:
    status, _, content = ask(image_file(), "image/png", {"size": size})

    assert (status, json.loads(content)["code"]) == (422, "invalid_request")


def test_behind_the_gateway_a_pdf_has_to_be_asked_for() -> None:
    event = rest_event("POST", PDF, body=image_file(), headers={"Content-Type": "image/png", "Accept": "*/*"})

    answer = report.handler(event, CONTEXT)

    assert (answer["statusCode"], answer["isBase64Encoded"]) == (406, False)
    assert "Accept: application/pdf" in json.loads(answer["body"])["detail"]


def test_a_report_in_json_has_the_fields_of_its_schema_and_says_what_the_page_says(
    api: Api, ask: Ask, scan: bytes
) -> None:
    answer = api("POST", JSON, scan, content_type="image/png", query={"filename": "scan.png"})

    body = answer.json
    assert answer.status == 200
    assert list(body) == [
        *("success", "timestamp", "filename", "schema_version", "prediction", "risk_assessment", "recommendation"),
        *("gradcam", "image_facts", "field_of_view", "model", "code_version", "input_check", "disclaimer"),
    ]
    assert body["schema_version"] == 2
    assert body["gradcam"]["images"] is None
    assert answer.headers["content-disposition"].startswith('attachment; filename="scan.report.json"')
    _, _, page = ask(scan, "image/png", {"filename": "scan.png"})
    for told in (
        body["image_facts"]["sha256"],
        body["model"]["sha256"],
        body["risk_assessment"],
        body["disclaimer"][:40],
    ):
        assert told in text_of(page)


def test_a_report_in_json_has_the_images_if_they_are_asked_for(api: Api, scan: bytes) -> None:
    asked = {"image": base64.b64encode(scan).decode(), "include_gradcam": True, "size": 100}

    images = api("POST", JSON, asked).json["gradcam"]["images"]

    assert {max(Image.open(io.BytesIO(base64.b64decode(image))).size) for image in images.values()} == {100}


def test_a_page_elsewhere_may_read_what_the_report_is_called(artifact: Path) -> None:
    headers = {"Origin": "https://page.example", "Content-Type": "image/png"}

    answer = TestClient(local.app).post(PDF, content=image_file(), headers=headers)

    assert "content-disposition" in answer.headers["access-control-expose-headers"].lower()
