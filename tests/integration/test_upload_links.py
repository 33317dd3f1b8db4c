"""`/api/v1/uploads`, over HTTP and as Lambda's events, with S3 played by moto."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions import local, upload_links
from functions.site import API
from tests import buckets
from tests.buckets import BROKEN, RESULTS, UPLOADS, Cloud, process
from tests.events import CONTEXT, rest_event
from tests.fakes import FakeEngine
from tests.pictures import png_that_claims
from thyroid.service import Service
from thyroid.settings import Settings
from thyroid.uploads import aws
from thyroid.uploads.links import Links
from thyroid.web.app import get_service
from thyroid.web.docs import describe
from thyroid.web.problems import Problem

cloud = buckets.cloud
ADDRESS = "/api/v1/uploads"

Answer = tuple[int, dict[str, str], Any]
Ask = Callable[..., Answer]


def over_http(method: str, path: str, body: str | None = None, content_type: str = "application/json") -> Answer:
    with TestClient(upload_links.app) as client:
        answer = client.request(method, path, content=body, headers={"Content-Type": content_type})
        return answer.status_code, {**answer.headers}, answer.json()


def as_event(method: str, path: str, body: str | None = None, content_type: str = "application/json") -> Answer:
    headers, identifier = {"Content-Type": content_type}, path.removeprefix(f"{ADDRESS}/")
    event = rest_event(method, path, body=body, headers=headers)
    if path != ADDRESS:
        event |= {"resource": f"{ADDRESS}/{{id}}", "pathParameters": {"id": identifier}}
    answer = upload_links.handler(event, CONTEXT)
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@pytest.fixture(params=[over_http, as_event])
def ask(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Ask]:
    """Ask the endpoint, in one way and in the other."""
    links = Links(cloud.s3, aws.signer(), UPLOADS, RESULTS, 900)
    upload_links.app.dependency_overrides[upload_links.get_links] = lambda: links
    yield request.param
    upload_links.app.dependency_overrides.clear()


def link(ask: Ask, **asked: Any) -> dict[str, Any]:
    status, _, answer = ask("POST", ADDRESS, json.dumps({"content_type": "image/png", **asked}))
    assert status == 201, answer
    assert isinstance(answer, dict)
    return answer


def check_problem(answer: Answer, status: int, code: str) -> Problem:
    assert answer[1]["content-type"] == "application/problem+json"
    problem = Problem.model_validate(answer[2])
    assert (answer[0], problem.status, problem.code) == (status, status, code), problem.detail
    return problem


def test_a_link_comes_with_all_that_is_needed_to_use_it(ask: Ask) -> None:
    given = link(ask)
    assert set(given) == {"success", "id", "upload", "expires", "largest", "result"}
    assert given["upload"]["method"] == "POST"
    assert given["upload"]["url"] == f"https://{UPLOADS}.s3.eu-central-1.amazonaws.com/"
    assert given["upload"]["fields"]["Content-Type"] == "image/png"
    assert given["largest"] == Settings().max_upload_bytes
    assert given["result"] == f"{ADDRESS}/{given['id']}"
    assert link(ask, size=1234)["largest"] == 1234


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ('{"content_type": "image/png"}', "image/png", 415, "unsupported_media_type"),
        ('{"content_type": "image/png"}', "text/plain", 415, "unsupported_media_type"),
        ("{", "application/json", 422, "invalid_request"),
        ("", "application/json", 422, "invalid_request"),
        ("{}", "application/json", 422, "invalid_request"),
        ('{"content_type": "text/html"}', "application/json", 422, "invalid_request"),
        ('{"content_type": "image/png", "size": 0}', "application/json", 422, "invalid_request"),
        ('{"content_type": "image/png", "size": -1}', "application/json", 422, "invalid_request"),
        ('{"content_type": "image/png", "size": "much"}', "application/json", 422, "invalid_request"),
        ('{"content_type": "image/png", "size": 33554433}', "application/json", 413, "payload_too_large"),
    ],
)
def test_what_no_link_can_be_given_for_is_a_problem(
    ask: Ask, body: str, content_type: str, status: int, code: str
) -> None:
    problem = check_problem(ask("POST", ADDRESS, body, content_type), status, code)
    if status == 413:
        assert "33554432" in problem.detail


def test_the_result_is_waited_for_and_then_there_with_links_to_its_pictures(ask: Ask, cloud: Cloud) -> None:
    given = link(ask)
    status, headers, answer = ask("GET", given["result"])
    assert (status, answer["status"]) == (202, "waiting")
    assert int(headers["retry-after"]) >= 1
    # WHEN the picture came and was analysed
    process().answer(cloud.upload(f"api/{given['id']}"))
    status, _, answer = ask("GET", given["result"])
    # THEN it is what was written, without the id for a name and with links
    assert status == 200
    written = cloud.results(f"api/{given['id']}")["result.json"].json
    assert answer["prediction"] == written["prediction"]
    assert (written["filename"], answer["filename"]) == (given["id"], None)
    for kind, address in answer["gradcam"]["images"].items():
        assert address.startswith(f"https://{RESULTS}.s3.")
        assert f"/{kind}.png?" in address


@pytest.mark.parametrize(
    "data", [b"", b"no picture", BROKEN, png_that_claims(20_000, 20_000)], ids=["empty", "text", "broken", "huge"]
)
def test_what_cannot_be_read_is_answered_as_analyze_answers_it(ask: Ask, cloud: Cloud, data: bytes) -> None:
    given = link(ask)
    process().answer(cloud.upload(f"api/{given['id']}", data))
    answer = ask("GET", given["result"])
    service = Service(Settings(), lambda _folder, _threads: FakeEngine())
    local.app.dependency_overrides[get_service] = lambda: service
    try:
        asked = TestClient(local.app).post("/api/v1/analyze", content=data, headers={"Content-Type": "image/png"})
    finally:
        del local.app.dependency_overrides[get_service]
    problem = check_problem(answer, asked.status_code, asked.json()["code"])
    assert problem.detail == asked.json()["detail"]
    assert problem.title == asked.json()["title"]


@pytest.mark.parametrize("identifier", ["x", "%2e%2e%2fresults", "00000000-" + "0" * 32, "ffffffff-" + "0" * 31])
def test_what_was_never_given_is_not_found(ask: Ask, identifier: str) -> None:
    check_problem(ask("GET", f"{ADDRESS}/{identifier}"), 404, "not_found")


def test_where_there_is_no_bucket_it_says_so() -> None:
    check_problem(over_http("POST", ADDRESS, '{"content_type": "image/png"}'), 501, "uploads_unavailable")
    check_problem(over_http("GET", f"{ADDRESS}/x"), 501, "uploads_unavailable")


def test_the_description_tells_all_of_it_and_refers_to_nothing_that_is_not_there() -> None:
    description = describe(API)
    post, get = description["paths"][ADDRESS]["post"], description["paths"][f"{ADDRESS}/{{id}}"]["get"]
    assert {"201", "403", "413", "415", "422", "429"} <= set(post["responses"])
    assert {"200", "202", "403", "404", "415", "422", "429"} <= set(get["responses"])
    referred = {part.partition('"')[0] for part in json.dumps(description).split('"#/components/schemas/')[1:]}
    assert {"UploadRequest", "UploadResponse", "WaitingResponse", "Result"} <= referred
    assert referred <= set(description["components"]["schemas"])


def test_only_pictures_are_shown_a_sample_of_a_picture() -> None:
    content = describe(API)["paths"][ADDRESS]["post"]["requestBody"]["content"]["application/json"]
    assert "image" not in json.dumps(content.get("example", {}))
