"""`/api/v1/uploads`, over HTTP and as Lambda's events, with S3 played by moto."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions import local, site, upload_links
from functions.site import API
from tests import buckets
from tests.buckets import BROKEN, CANARY, RESULTS, SETTINGS, UPLOADS, Cloud, start_worker
from tests.events import CONTEXT, rest_event
from tests.fakes import FakeEngine
from tests.images import png_that_claims
from thyroid.core.analyzer import Analyzer
from thyroid.core.formats import MEDIA_TYPES
from thyroid.s3 import clients
from thyroid.s3.link import expiry_of, new_id
from thyroid.s3.links import Links
from thyroid.settings import Settings
from thyroid.web.app import the_analyzer
from thyroid.web.docs import describe
from thyroid.web.problems import KINDS, Problem

cloud = buckets.cloud
ADDRESS = "/api/v1/uploads"

Answer = tuple[int, dict[str, str], Any]
Ask = Callable[..., Answer]


def over_http(method: str, path: str, body: str | None = None, content_type: str = "application/json") -> Answer:
    with TestClient(upload_links.app) as client:
        response = client.request(method, path, content=body, headers={"Content-Type": content_type})
        return response.status_code, {**response.headers}, response.json()


def as_event(method: str, path: str, body: str | None = None, content_type: str = "application/json") -> Answer:
    headers, identifier = {"Content-Type": content_type}, path.removeprefix(f"{ADDRESS}/")
    event = rest_event(method, path, body=body, headers=headers)
    if path != ADDRESS:
        event |= {"resource": f"{ADDRESS}/{{id}}", "pathParameters": {"id": identifier}}
    response = upload_links.handler(event, CONTEXT)
    return response["statusCode"], response["headers"], json.loads(response["body"])


@pytest.fixture(params=[over_http, as_event])
def ask(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Ask]:
    """Ask the endpoint, in one way and in the other."""
    links = Links(cloud.s3, clients.signer(), UPLOADS, RESULTS, 900)
    upload_links.app.dependency_overrides[upload_links.the_links] = lambda: links
    yield request.param
    upload_links.app.dependency_overrides.clear()


def link(ask: Ask, **asked: Any) -> dict[str, Any]:
    status, _, response = ask("POST", ADDRESS, json.dumps({"content_type": "image/png", **asked}))
    assert status == 201, response
    assert isinstance(response, dict)
    return response


def check_problem(response: Answer, status: int, code: str) -> Problem:
    assert response[1]["content-type"] == "application/problem+json"
    problem = Problem.model_validate(response[2])
    assert (response[0], problem.status, problem.code) == (status, status, code), problem.detail
    return problem


def test_a_link_comes_with_all_that_is_needed_to_use_it(ask: Ask) -> None:
    given = link(ask)
    assert set(given) == {"success", "id", "upload", "expires", "largest", "result"}
    assert given["upload"]["method"] == "POST"
    assert given["upload"]["url"] == f"https://{UPLOADS}.s3.eu-central-1.amazonaws.com/"
    assert given["upload"]["fields"]["Content-Type"] == "image/png"
    assert given["largest"] == Settings().max_upload_bytes
    assert given["result"] == f"{ADDRESS}/{given['id']}"
    assert given["success"] is True
    ends = datetime.strptime(given["expires"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert ends.timestamp() == expiry_of(given["id"])


@pytest.mark.parametrize(("asked", "smallest", "largest"), [({}, 1, Settings().max_upload_bytes), ({"size": 7}, 7, 7)])
def test_a_link_takes_just_the_size_that_was_named_or_any_up_to_the_limit(
    ask: Ask, asked: dict[str, int], smallest: int, largest: int
) -> None:
    given = link(ask, **asked)

    signed = json.loads(base64.b64decode(given["upload"]["fields"]["policy"]))
    assert ["content-length-range", smallest, largest] in signed["conditions"]
    assert given["largest"] == largest


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_a_link_is_given_for_every_type_that_a_request_may_be_sent_as(ask: Ask, kind: str) -> None:
    assert link(ask, content_type=kind)["upload"]["fields"]["Content-Type"] == kind


def test_a_file_of_just_the_limit_gets_a_link(ask: Ask) -> None:
    assert link(ask, size=33_554_432)["largest"] == 33_554_432


def test_a_size_that_is_null_is_one_that_was_not_named(ask: Ask) -> None:
    assert link(ask, size=None)["largest"] == Settings().max_upload_bytes


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


def test_the_result_is_waited_for_and_then_there_with_links_to_its_images(ask: Ask, cloud: Cloud) -> None:
    given = link(ask)
    status, headers, response = ask("GET", given["result"])
    assert (status, response["status"]) == (202, "waiting")
    assert int(headers["retry-after"]) >= 1
    # WHEN the image came and was analysed
    start_worker().process(cloud.upload(f"api/{given['id']}"))
    status, _, response = ask("GET", given["result"])
    # THEN it is what was written, without the id for a name and with links
    assert status == 200
    written = cloud.results(f"api/{given['id']}")["result.json"].json
    assert response["prediction"] == written["prediction"]
    assert (written["filename"], response["filename"]) == (given["id"], None)
    for kind, address in response["gradcam"]["images"].items():
        assert address.startswith(f"https://{RESULTS}.s3.")
        assert f"/{kind}.png?" in address


@pytest.mark.parametrize(
    "data", [b"", b"no image", BROKEN, png_that_claims(20_000, 20_000)], ids=["empty", "text", "broken", "huge"]
)
def test_what_cannot_be_read_is_answered_as_analyze_answers_it(ask: Ask, cloud: Cloud, data: bytes) -> None:
    given = link(ask)
    start_worker().process(cloud.upload(f"api/{given['id']}", data))
    response = ask("GET", given["result"])
    service = Analyzer(Settings(), lambda _settings: FakeEngine())
    local.app.dependency_overrides[the_analyzer] = lambda: service
    try:
        asked = TestClient(local.app).post("/api/v1/analyze", content=data, headers={"Content-Type": "image/png"})
    finally:
        del local.app.dependency_overrides[the_analyzer]
    problem = check_problem(response, asked.status_code, asked.json()["code"])
    assert problem.detail == asked.json()["detail"]
    assert problem.title == asked.json()["title"]


def test_a_file_that_grew_over_the_limit_is_told_of_with_the_limit(ask: Ask, cloud: Cloud) -> None:
    """S3 refuses it already, as the link says; were the limit lowered meanwhile, the worker does."""
    given = link(ask)
    start_worker(max_upload_bytes=100).process(cloud.upload(f"api/{given['id']}"))

    problem = check_problem(ask("GET", given["result"]), 413, "payload_too_large")

    assert "limit of 100 bytes" in problem.detail


def test_an_image_that_was_deleted_unread_is_told_of_as_such(ask: Ask, cloud: Cloud) -> None:
    given = link(ask)
    upload = cloud.upload(f"api/{given['id']}")
    cloud.delete(upload.key)
    start_worker().process(upload)

    problem = check_problem(ask("GET", given["result"]), 404, "not_found")

    assert "deleted before it was read" in problem.detail


# What the code of a refusal is answered with is the API's: one that a newer worker wrote may be unknown to it.
@pytest.mark.parametrize(
    ("code", "status"), [(error.code, kind.status) for error, kind in KINDS.items()] + [("a_code_of_tomorrow", 500)]
)
def test_whatever_the_code_of_a_refusal_its_status_is_that_of_the_api(
    ask: Ask, cloud: Cloud, code: str, status: int
) -> None:
    given = link(ask)
    refusal = {"success": False, "code": code, "detail": "Do this."}
    cloud.s3.put_object(Bucket=RESULTS, Key=f"results/api/{given['id']}/error.json", Body=json.dumps(refusal).encode())

    problem = check_problem(ask("GET", given["result"]), status, code)

    assert (problem.detail, problem.type) == ("Do this.", f"urn:thyroid:problem:{code}")
    assert problem.request_id


@pytest.mark.parametrize(
    "identifier",
    [
        "x",
        "%2e%2e%2fresults",
        "..%2F..%2Farchives",
        "00000000-" + "0" * 32,
        "ffffffff-" + "0" * 31,
        "ffffffff-" + "0" * 33,
        "FFFFFFFF-" + "0" * 32,
        "fffffffe-" + "0" * 2000,
    ],
)
def test_what_was_never_given_is_not_found(ask: Ask, identifier: str) -> None:
    check_problem(ask("GET", f"{ADDRESS}/{identifier}"), 404, "not_found")


def test_a_link_that_ended_unused_is_not_waited_for(ask: Ask, cloud: Cloud) -> None:
    identifier = new_id(int(time.time()) - 100)
    problem = check_problem(ask("GET", f"{ADDRESS}/{identifier}"), 404, "not_found")
    assert "before the link expired" in problem.detail
    # BUT an image that came in time is
    cloud.upload(f"api/{identifier}")
    assert ask("GET", f"{ADDRESS}/{identifier}")[0] == 202


@pytest.mark.parametrize("way", [over_http, as_event])
def test_where_there_is_no_bucket_it_says_so(way: Ask) -> None:
    for response in (way("POST", ADDRESS, '{"content_type": "image/png"}'), way("GET", f"{ADDRESS}/{'x' * 41}")):
        problem = check_problem(response, 501, "uploads_unavailable")
        assert "No bucket takes images here" in problem.detail


@pytest.mark.parametrize("way", [over_http, as_event])
def test_where_there_are_buckets_the_links_are_theirs(way: Ask, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process that is told of buckets as a deployed one is
    caches = (clients.s3, clients.signer, upload_links._of_the_buckets)
    for cached in caches:
        cached.cache_clear()
    settings = replace(SETTINGS, upload_link_seconds=120)
    monkeypatch.setattr(upload_links, "get_settings", lambda: settings)
    try:
        # WHEN a link is asked for and an image comes by it
        before = time.time()
        given = link(way)
        start_worker().process(cloud.upload(f"api/{given['id']}"))
        status, _, response = way("GET", given["result"])
    finally:
        for cached in caches:
            cached.cache_clear()
    # THEN link and result are of these buckets, for as long as is set
    assert given["upload"]["url"] == f"https://{UPLOADS}.s3.eu-central-1.amazonaws.com/"
    assert before - 1 <= expiry_of(given["id"]) - 120 <= time.time()
    assert (status, response["success"]) == (200, True)
    assert response["gradcam"]["images"]["heatmap"].startswith(f"https://{RESULTS}.s3.eu-central-1.amazonaws.com/")


def test_trouble_with_s3_is_our_error_and_shows_nothing_of_it(ask: Ask, cloud: Cloud) -> None:
    given = link(ask)
    for found in cloud.s3.list_object_versions(Bucket=RESULTS).get("Versions", []):
        cloud.s3.delete_object(Bucket=RESULTS, Key=found["Key"], VersionId=found["VersionId"])
    cloud.s3.delete_bucket(Bucket=RESULTS)

    response = ask("GET", given["result"])

    check_problem(response, 500, "internal_error")
    assert RESULTS not in json.dumps(response[2])


@pytest.mark.usefixtures("ask")
@pytest.mark.parametrize("ask", [as_event], indirect=True)
def test_neither_what_was_sent_nor_an_id_is_written(
    cloud: Cloud, written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever knows an id may ask for its result, so it is no more for the log than a name is."""
    # GIVEN a link, and a result
    given = link(as_event)
    start_worker().process(cloud.upload(f"api/{given['id']}", b"no image"))
    written.truncate(0)
    capsys.readouterr()
    # WHEN all is asked that can be asked, with a name in it
    as_event("GET", given["result"])
    as_event("GET", f"{ADDRESS}/{CANARY}")
    as_event("POST", ADDRESS, json.dumps({"content_type": CANARY, CANARY: CANARY}))
    as_event("POST", ADDRESS, f'{{"{CANARY}')
    as_event("POST", ADDRESS, "{}", f"text/{CANARY}")
    another = link(as_event, filename=CANARY)
    # THEN there is a line of each, and neither name nor id
    printed = written.getvalue() + "".join(capsys.readouterr())
    assert printed.count('"message":"request"') == 6
    for secret in (CANARY, given["id"], another["id"], another["upload"]["fields"]["policy"]):
        assert secret not in printed


def test_the_description_tells_all_of_it_and_refers_to_nothing_that_is_not_there() -> None:
    description = describe(API)
    post, get = description["paths"][ADDRESS]["post"], description["paths"][f"{ADDRESS}/{{id}}"]["get"]
    assert {"201", "403", "413", "415", "422", "429"} <= set(post["responses"])
    assert {"200", "202", "403", "404", "415", "422", "429"} <= set(get["responses"])
    referred = {part.partition('"')[0] for part in json.dumps(description).split('"#/components/schemas/')[1:]}
    assert {"UploadRequest", "UploadResponse", "WaitingResponse", "Result"} <= referred
    assert referred <= set(description["components"]["schemas"])
    assert description == json.loads(site.handler(rest_event("GET", "/openapi.json"), CONTEXT)["body"])


def test_the_description_says_that_both_ask_for_a_key_and_belong_together() -> None:
    description = describe(API)

    for path, method in ((ADDRESS, "post"), (f"{ADDRESS}/{{id}}", "get")):
        operation = description["paths"][path][method]
        assert operation["security"] == [{"ApiKey": []}, {}]
        assert operation["tags"] == ["Uploads"]
    waiting = description["paths"][f"{ADDRESS}/{{id}}"]["get"]["responses"]["202"]
    assert waiting["description"] == "Not yet"
    assert waiting["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/WaitingResponse"}


def test_only_images_are_shown_a_sample_of_an_image() -> None:
    content = describe(API)["paths"][ADDRESS]["post"]["requestBody"]["content"]["application/json"]
    assert "image" not in json.dumps(content.get("example", {}))
