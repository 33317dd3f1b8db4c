"""Uploads by link on a laptop: the same conversation as with a deployed service, without buckets."""

import io
import tempfile

import pytest
from aws_lambda_powertools import Logger
from PIL import Image
from starlette.testclient import TestClient

from functions import local_uploads
from functions.local import app
from functions.local_uploads import LocalLinks, local_uploads_router
from tests.fakes import FakeEngine
from tests.images import image_file
from thyroid.core.analyzer import Analyzer
from thyroid.s3.link import new_id
from thyroid.settings import Settings
from thyroid.web.app import build_app

IMAGE = image_file()
ADDRESS = "/api/v1/uploads"


@pytest.fixture
def client() -> TestClient:
    """A client of the server that `make run` starts."""
    return TestClient(app)


def form_of(link: dict[str, dict[str, dict[str, str]]]) -> dict[str, str]:
    return dict(link["upload"]["fields"])


@pytest.mark.usefixtures("artifact")
def test_an_image_larger_than_a_request_may_be_comes_in_by_a_link(client: TestClient) -> None:
    # GIVEN an image file that no request takes
    large = IMAGE + bytes(Settings().max_binary_body_bytes)
    assert client.post("/api/v1/analyze", content=large, headers={"Content-Type": "image/png"}).status_code == 413
    # WHEN a link is asked for and used
    link = client.post(ADDRESS, json={"content_type": "image/png", "size": len(large)}).json()
    waiting = client.get(link["result"])
    sent = client.post(link["upload"]["url"], data=form_of(link), files={"file": ("Jane-Doe.png", large)})
    # THEN its result is that of the image, and its images are there
    assert (waiting.status_code, sent.status_code) == (202, 204)
    assert int(waiting.headers["retry-after"]) >= 1
    found = client.get(link["result"]).json()
    asked = client.post("/api/v1/analyze", content=IMAGE, headers={"Content-Type": "image/png"}).json()
    assert found["prediction"] == asked["prediction"]
    assert found["filename"] is None
    for address in found["gradcam"]["images"].values():
        response = client.get(address)
        assert response.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(response.content)).size == (224, 224)
    # AND nothing else is
    nothing = client.get(address.rpartition("/")[0] + "/report.pdf")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("artifact")
def test_nothing_is_written_to_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        pytest.fail("a temporary file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    link = client.post(ADDRESS, json={"content_type": "image/png"}).json()
    large = IMAGE + bytes(3_000_000)
    assert client.post(link["upload"]["url"], data=form_of(link), files={"file": ("a.png", large)}).status_code == 204


@pytest.mark.usefixtures("artifact")
def test_a_file_that_is_no_image_gets_the_problem_that_analyze_answers(client: TestClient) -> None:
    link = client.post(ADDRESS, json={"content_type": "image/png"}).json()
    client.post(link["upload"]["url"], data=form_of(link), files={"file": ("a.png", b"no image")})
    response = client.get(link["result"])
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("data", "changed"),
    [
        (IMAGE + b"x", {}),
        (IMAGE[:-1], {}),
        (IMAGE, {"Content-Type": "image/jpeg"}),
    ],
    ids=["larger", "smaller", "another type"],
)
def test_a_link_takes_what_it_is_for_and_nothing_else(client: TestClient, data: bytes, changed: dict[str, str]) -> None:
    link = client.post(ADDRESS, json={"content_type": "image/png", "size": len(IMAGE)}).json()
    response = client.post(link["upload"]["url"], data=form_of(link) | changed, files={"file": ("a.png", data)})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert client.get(link["result"]).status_code == 202


def test_what_is_no_form_with_a_file_is_refused(client: TestClient) -> None:
    assert client.post("/local-uploads", json={}).status_code == 415
    assert client.post("/local-uploads", files={"image": ("a.png", IMAGE)}).status_code == 422


def test_a_form_over_the_limit_is_refused_before_it_is_held() -> None:
    settings = Settings(max_upload_bytes=10_000)
    links = LocalLinks(Analyzer(settings, lambda _settings: FakeEngine()), settings)
    client = TestClient(build_app([local_uploads_router(links, settings)]))
    response = client.post("/local-uploads", files={"file": ("a.png", bytes(20_000))})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    "identifier",
    ["x", "..%2f..%2fetc", new_id(0), new_id(2**31)],
    ids=["x", "..%2f..%2fetc", "of 1970", "of 2038"],
)
def test_an_upload_that_nobody_was_given_is_not_found(client: TestClient, identifier: str) -> None:
    for address in (f"{ADDRESS}/{identifier}", f"/local-uploads/{identifier}/heatmap.png"):
        response = client.get(address)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def links_that_end(seconds: int) -> LocalLinks:
    settings = Settings(upload_link_seconds=seconds)
    return LocalLinks(Analyzer(settings, lambda _settings: FakeEngine()), settings)


def test_a_link_that_has_ended_takes_nothing_and_waits_no_longer() -> None:
    client = TestClient(build_app([local_uploads_router(links := links_that_end(-10), Settings())]))
    link = links.create("image/png", 1, 10_000)
    response = client.post(link.url, data=link.fields, files={"file": ("a.png", IMAGE)})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    with pytest.raises(Exception, match="before the link expired"):
        links.find(link.id)


def test_only_the_latest_uploads_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_uploads, "MAX_UPLOADS", 3)
    links = links_that_end(900)
    given = [links.create("image/png", 1, 10_000) for _ in range(5)]
    assert [links.find(link.id) for link in given[2:]] == [None, None, None]
    with pytest.raises(Exception, match="no such upload"):
        links.find(given[1].id)


def test_an_upload_leaves_its_audit_record_as_any_prediction_does() -> None:
    settings = Settings()
    links = LocalLinks(Analyzer(settings, lambda _settings: FakeEngine()), settings)
    stream = io.StringIO()
    router = local_uploads_router(links, settings)
    client = TestClient(build_app([router], settings, Logger(service="local-uploads", stream=stream)))
    link = links.create("image/png", 1, 10_000)
    assert client.post(link.url, data=link.fields, files={"file": ("Jane-Doe.png", IMAGE)}).status_code == 204
    assert (links.find(link.id) or {})["success"] is True
    assert stream.getvalue().count('"audit"') == 1
    assert "Jane" not in stream.getvalue()
