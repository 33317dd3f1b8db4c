"""The stack, deployed with `sam deploy` to a local AWS and called as its users would call it."""

import base64
import io
import json
import re
import time
from typing import Any

import httpx
import numpy as np
import pypdf
import pytest
from PIL import Image

from functions.endpoints import ENDPOINTS
from tests.e2e.calls import NAME, SCAN, as_json, assert_problem
from tests.e2e.commands import ROOT, docker
from tests.e2e.conftest import measured
from tests.e2e.local_aws import GENEROUS, LOCAL_IMAGE, STACK, LocalAws, gateway_responses
from tests.endpoints import IMAGE_PATHS, SITE_PATHS
from thyroid.core.audit import AuditRecord
from thyroid.settings import Settings
from thyroid.web.page import PAGE, files, release_of

OPEN = (*SITE_PATHS, "/docs/swagger-ui.css", *(endpoint.path for endpoint in ENDPOINTS if not endpoint.needs_key))
CLOSED = [(endpoint.method, endpoint.path.replace("{id}", "x")) for endpoint in ENDPOINTS if endpoint.needs_key]
LAMBDA_ANSWER_LIMIT = 6_291_556


# --- with and without a key -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_needs_no_key(anyone: httpx.Client, path: str) -> None:
    assert anyone.get(path).status_code == 200


def test_the_page_comes_whole_and_without_a_key_under_a_policy_that_lets_it_upload(anyone: httpx.Client) -> None:
    for name, file in files().items():
        path = "/app" if name == PAGE else f"/app/{release_of(files())}/{name}"
        response = anyone.get(path, headers={"Accept": file.media_type.partition(";")[0]})
        assert response.status_code == 200, (name, response.text[:200])
        assert response.content == file.content, name
        assert response.headers["content-type"] == file.media_type
        assert response.headers["etag"] == file.tag
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert re.search(r"connect-src 'self' https://\S+uploads\S+\.s3\.\S+ https://", policy, re.IGNORECASE), policy
        assert anyone.get(path, headers={"If-None-Match": file.tag}).status_code == 304


@pytest.mark.parametrize("key", [None, "0123456789abcdefghij0123456789"])
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_all_else_is_closed_without_a_key_that_is_known(
    anyone: httpx.Client, method: str, path: str, key: str | None
) -> None:
    headers = {"Origin": "https://page.example"} | ({"X-Api-Key": key} if key else {})

    response = anyone.request(method, path, json=as_json() if method == "POST" else None, headers=headers)

    assert_problem(response, 403, "forbidden")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "X-Api-Key" in response.json()["detail"]


def test_health_proves_the_model(anyone: httpx.Client) -> None:
    assert anyone.get("/api/v1/health").json()["status"] == "healthy"


def test_model_info_answers_with_a_key(user: httpx.Client) -> None:
    response = user.get("/api/v1/model-info")
    assert response.status_code == 200, response.text
    assert response.json()["model"]["sha256"]


def test_an_image_gets_the_same_score_whichever_way_it_comes(user: httpx.Client) -> None:
    responses = [
        user.post("/api/v1/predict", json=as_json()),
        user.post("/api/v1/predict", content=SCAN, headers={"Content-Type": "image/png"}),
        user.post("/api/v1/predict", files={"image": (NAME, SCAN, "image/png")}),
        user.post("/api/v1/gradcam", json=as_json()),
        user.post("/api/v1/analyze", content=SCAN, headers={"Content-Type": "application/octet-stream"}),
    ]
    assert [response.status_code for response in responses] == [200] * len(responses), [
        response.text[:300] for response in responses
    ]
    assert len({response.json()["prediction"]["confidence_score"] for response in responses}) == 1


def test_images_come_back_whole(user: httpx.Client) -> None:
    images = user.post("/api/v1/analyze", json=as_json(size=300)).json()["gradcam"]["images"]
    for kind in ("original", "heatmap", "overlay"):
        assert Image.open(io.BytesIO(base64.b64decode(images[kind]))).size == (300, 200)


def test_a_report_comes_as_bytes_and_is_named_after_the_image(user: httpx.Client) -> None:
    report = user.post("/api/v1/report/pdf", json=as_json(), headers={"Accept": "application/pdf"})

    assert report.status_code == 200, report.text[:500]
    assert report.headers["content-type"] == "application/pdf"
    assert 'filename="Jane-Doe.report.pdf"' in report.headers["content-disposition"]
    (page,) = pypdf.PdfReader(io.BytesIO(report.content)).pages
    assert NAME in page.extract_text()
    told = user.post("/api/v1/report/json", json=as_json()).json()
    assert f"{told['prediction']['confidence_score']:.4f}" in page.extract_text()
    measured(f"report of a {len(SCAN):,} byte image: {len(report.content):,} bytes")


def test_a_report_whose_bytes_would_come_as_text_is_refused_with_what_to_send(user: httpx.Client) -> None:
    for accept in ("*/*", "application/json, application/pdf"):
        response = user.post("/api/v1/report/pdf", json=as_json(), headers={"Accept": accept})
        assert_problem(response, 406, "not_acceptable")
        assert "application/pdf" in response.json()["detail"]


def test_a_refusal_is_readable_for_who_asks_for_bytes(user: httpx.Client) -> None:
    headers = {"Accept": "application/pdf", "Content-Type": "image/png"}
    response = user.post("/api/v1/report/pdf", content=b"no image", headers=headers)
    assert_problem(response, 415, "unsupported_media_type")


def test_a_browser_may_ask_first_without_a_key(anyone: httpx.Client) -> None:
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    for path in IMAGE_PATHS:
        response = anyone.options(path, headers=asked)
        assert response.status_code == 200, response.text
        assert response.headers["access-control-allow-origin"] == "*"
        assert "x-api-key" in response.headers["access-control-allow-headers"]


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("POST", "/"), ("DELETE", "/api/v1/predict")])
def test_an_address_that_does_not_exist_is_a_problem(user: httpx.Client, method: str, path: str) -> None:
    assert_problem(user.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"image": "not base64!"}', "application/json", 400, "invalid_base64"),
        (b"{", "application/json", 422, "invalid_request"),
        (b"no image", "image/png", 415, "unsupported_media_type"),
        (SCAN[:300], "image/png", 422, "unreadable_image"),
        (b"x", "text/csv", 415, "unsupported_media_type"),
        (b"", "application/json", 422, "invalid_request"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    user: httpx.Client, body: bytes, content_type: str, status: int, code: str
) -> None:
    assert_problem(user.post("/api/v1/predict", content=body, headers={"Content-Type": content_type}), status, code)


def test_an_unknown_layer_is_a_problem_that_names_those_that_exist(user: httpx.Client) -> None:
    names = user.get("/api/v1/model-info").json()["conv_layers"]
    response = user.post("/api/v1/gradcam", json=as_json(layer_name="no_such_layer"))
    assert_problem(response, 422, "unknown_layer")
    assert names
    assert all(name in response.json()["detail"] for name in names)


# --- the largest ------------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """Return the scan as a file of this many bytes; what follows a PNG's end is not looked at."""
    return SCAN + bytes(size - len(SCAN))


def test_the_largest_image_of_each_way_in_is_answered_and_one_byte_more_is_not(user: httpx.Client) -> None:
    largest = Settings().max_binary_body_bytes
    in_json = (Settings().max_body_bytes - len(json.dumps({"image": ""}))) // 4 * 3
    form = len(httpx.Request("POST", "https://x", files={"image": ("a.png", b"", "image/png")}).read())
    ways: dict[str, tuple[int, Any]] = {
        "raw": (largest, lambda data: {"content": data, "headers": {"Content-Type": "image/png"}}),
        "multipart": (largest - form, lambda data: {"files": {"image": ("a.png", data, "image/png")}}),
        "base64": (in_json, lambda data: {"content": json.dumps({"image": base64.b64encode(data).decode("ascii")})}),
    }
    for way, (size, request) in ways.items():
        response = user.post("/api/v1/predict", **request(padded(size)))
        assert response.status_code == 200, (way, response.text[:500])
        # A byte more may still fit into the last four of base64.
        response = user.post("/api/v1/predict", **request(padded(size + 3)))
        assert_problem(response, 413, "payload_too_large")
        measured(f"largest image, {way}: {size:,} bytes answered; more: {response.json()['detail']}")


def test_the_largest_answer_passes_and_a_larger_one_is_refused_with_a_sentence(user: httpx.Client) -> None:
    # GIVEN colour noise, which no image format makes smaller
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    # WHEN ever larger images are asked for
    largest, refused = 0, None
    for size in (*range(800, 960, 10), 1024):
        response = user.post("/api/v1/gradcam", json=as_json(file.getvalue(), size=size))
        if response.status_code == 200:
            largest = max(largest, len(response.content))
        else:
            refused = response
    # THEN answers come whole up to nearly what Lambda lets through, and what would not pass is refused
    measured(f"largest response: {largest:,} of {LAMBDA_ANSWER_LIMIT:,} bytes")
    assert 0.95 * LAMBDA_ANSWER_LIMIT < largest < LAMBDA_ANSWER_LIMIT
    assert refused is not None
    assert_problem(refused, 413, "payload_too_large")
    assert "size" in refused.json()["detail"]


# --- how it runs, and what is kept of it ------------------------------------------------------------------------------


def test_functions_run_with_little_memory_a_read_only_root_and_as_a_user_of_their_own(user: httpx.Client) -> None:
    assert user.post("/api/v1/predict", json=as_json()).status_code == 200
    running = docker("ps", "-q", "--filter", f"ancestor={LOCAL_IMAGE}").split()
    assert running
    for container in running:
        told = json.loads(docker("inspect", container))[0]
        assert told["HostConfig"]["ReadonlyRootfs"] is True
        assert told["HostConfig"]["Memory"] == 512 * 2**20
        assert told["Config"]["User"] == "993:990"


def test_a_prediction_leaves_an_audit_record_in_its_log_group_and_nothing_of_the_patient(
    aws: LocalAws, user: httpx.Client
) -> None:
    # GIVEN a prediction
    response = user.post("/api/v1/predict", json=as_json(), params={"filename": NAME}).json()
    # WHEN the logs are searched for it
    lines: list[str] = []
    for _ in range(50):
        lines = aws.log_lines("PredictLogs")
        records = [json.loads(line)["audit"] for line in lines if '"audit"' in line]
        if records:
            break
        time.sleep(0.2)
    # THEN there is its record
    record = AuditRecord.model_validate(records[-1])
    assert record.score == response["prediction"]["confidence_score"]
    assert record.model.model_dump() == response["model"]
    # AND neither the image nor its name, in no log group of the stack
    encoded = base64.b64encode(SCAN).decode("ascii")
    for group in ("PredictLogs", "GradcamLogs", "AnalyzeLogs", "HealthLogs", "ModelInfoLogs", "SiteLogs", "AccessLogs"):
        text = "\n".join(aws.log_lines(group))
        assert "Jane" not in text, group
        assert encoded[:60] not in text, group


def test_the_audit_record_names_the_commit_that_was_built(aws: LocalAws, user: httpx.Client) -> None:
    assert user.post("/api/v1/predict", json=as_json()).status_code == 200
    (revision,) = {
        json.loads(line)["audit"]["code_version"].partition("+")[2]
        for line in aws.log_lines("PredictLogs")
        if '"audit"' in line
    }
    if (ROOT / ".git").exists():
        assert len(revision.removesuffix(".dirty")) == 12


def test_metrics_of_requests_are_in_the_log_in_embedded_metric_format(aws: LocalAws, user: httpx.Client) -> None:
    user.post("/api/v1/predict", content=b"no image", headers={"Content-Type": "image/png"})
    lines = [json.loads(line) for line in aws.log_lines("PredictLogs") if '"_aws"' in line]
    assert any(line.get("code") == "unsupported_media_type" and line["Errors"] == [1.0] for line in lines)
    assert any(line.get("FlaggedInputs") == [1.0] for line in lines)
    assert {line["service"] for line in lines} == {STACK}


# --- changes of the stack ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("MemorySize", "512"), ("KeyQuota", "0"), ("CorsOrigins", "not an origin"), ("LogRetentionDays", "2")],
)
def test_a_parameter_out_of_range_is_refused_before_anything_is_changed(
    aws: LocalAws, parameter: str, value: str
) -> None:
    before = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    with pytest.raises(AssertionError, match=parameter):
        aws.deploy(**GENEROUS | {parameter: value})
    assert aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"] == before


def test_a_changed_parameter_reaches_the_version_that_callers_get(aws: LocalAws, user: httpx.Client) -> None:
    live = {"FunctionName": aws.physical_name("PredictFunction"), "Qualifier": "live"}
    before = aws.client("lambda").get_function_configuration(**live)

    aws.deploy(**GENEROUS | {"MemorySize": "2048", "CorsOrigins": "https://page.example"})

    after = aws.client("lambda").get_function_configuration(**live)
    assert (before["MemorySize"], after["MemorySize"]) == (1769, 2048)
    assert int(after["Version"]) == int(before["Version"]) + 1
    allowed = user.post("/api/v1/predict", json=as_json(), headers={"Origin": "https://page.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    other = user.post("/api/v1/predict", json=as_json(), headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


# --- limits, last: they change the stack ------------------------------------------------------------------------------


def test_over_the_rate_of_a_key_requests_are_refused_and_come_through_again_later(
    aws: LocalAws, user: httpx.Client
) -> None:
    aws.deploy(**GENEROUS | {"KeyRateLimit": "1", "KeyBurstLimit": "2"})
    responses = [user.get("/api/v1/model-info") for _ in range(8)]
    refused = [response for response in responses if response.status_code != 200]
    assert responses[0].status_code == 200
    assert len(refused) >= 4
    for response in refused:
        assert_problem(response, 429, "throttled")
        assert int(response.headers["retry-after"]) >= 1
    time.sleep(2)
    assert user.get("/api/v1/model-info").status_code == 200


def test_over_its_quota_a_key_is_refused_and_what_is_open_still_answers(
    aws: LocalAws, user: httpx.Client, anyone: httpx.Client
) -> None:
    aws.deploy(**GENEROUS | {"KeyQuota": "1"})
    responses = [user.get("/api/v1/model-info") for _ in range(3)]
    assert_problem(responses[-1], 429, "quota_exceeded")
    assert anyone.get("/api/v1/health").status_code == 200


def test_over_the_rate_of_the_stage_what_is_open_is_refused_as_well(aws: LocalAws, anyone: httpx.Client) -> None:
    aws.deploy(**GENEROUS | {"StageRateLimit": "1", "StageBurstLimit": "1"})
    responses = [anyone.get("/api/v1/health") for _ in range(6)]
    assert responses[0].status_code == 200
    assert_problem(next(response for response in responses if response.status_code != 200), 429, "throttled")


def test_every_refusal_of_the_gateway_is_one_that_it_knows(aws: LocalAws) -> None:
    known = {
        response["responseType"]
        for response in aws.client("apigateway").get_gateway_responses(restApiId=aws.physical_name("Api"), limit=500)[
            "items"
        ]
    }
    assert set(gateway_responses()) <= known


def test_the_stack_goes_and_leaves_its_logs(aws: LocalAws) -> None:
    kept = [aws.physical_name(group) for group in ("PredictLogs", "AccessLogs")]
    aws.delete()
    stacks = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
    assert STACK not in {stack["StackName"] for stack in stacks["StackSummaries"]}
    assert aws.client("lambda").list_functions()["Functions"] == []
    groups = {group["logGroupName"] for group in aws.client("logs").describe_log_groups()["logGroups"]}
    assert set(kept) <= groups
