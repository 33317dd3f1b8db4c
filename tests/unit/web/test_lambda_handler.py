import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response

from tests.endpoints import ASK_NO_MODEL, FUNCTIONS
from tests.events import CONTEXT, rest_event
from thyroid.errors import UnknownLayerError
from thyroid.web.app import build_app
from thyroid.web.lambda_handler import Handler, lambda_handler, path_below_base

ROOT = Path(__file__).parents[3]

router = APIRouter()


@router.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


@router.get("/query")
def query(name: str) -> str:
    return name


@router.get("/fail")
def fail() -> None:
    raise UnknownLayerError("No.")


@router.get("/drawing")
def drawing() -> Response:
    return Response("<svg/>", media_type="image/svg+xml")


@router.get("/broken")
def broken() -> None:
    raise RuntimeError("secret")


@pytest.fixture(scope="module")
def handler() -> Handler:
    return lambda_handler(build_app([router]))


def test_a_binary_body_arrives_and_leaves_whole(handler: Handler) -> None:
    image = bytes(range(256))

    answer = handler(rest_event("POST", "/echo", body=image, headers={"Content-Type": "image/png"}), CONTEXT)

    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]) == image


def test_query_parameters_arrive(handler: Handler) -> None:
    assert handler(rest_event("GET", "/query", query={"name": "a b&c"}), CONTEXT)["body"] == '"a b&c"'


@pytest.mark.parametrize(("path", "media_type"), [("/fail", "application/problem+json"), ("/drawing", "image/svg+xml")])
def test_problems_and_drawings_are_sent_as_text(handler: Handler, path: str, media_type: str) -> None:
    answer = handler(rest_event("GET", path), CONTEXT)

    assert answer["headers"]["content-type"] == media_type
    assert not answer["isBase64Encoded"]


def test_the_request_id_is_the_gateways(handler: Handler) -> None:
    answer = handler(rest_event("GET", "/fail"), CONTEXT)

    assert json.loads(answer["body"])["request_id"] == answer["headers"]["x-request-id"] == "gateway-request"


def test_what_nobody_foresaw_is_a_problem_and_the_next_request_works(handler: Handler) -> None:
    answer = handler(rest_event("GET", "/broken"), CONTEXT)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["code"] == "internal_error"
    assert handler(rest_event("GET", "/query", query={"name": "x"}), CONTEXT)["statusCode"] == 200


@pytest.mark.parametrize("body", ["a", "ä"])
def test_a_body_that_is_not_base64_though_the_event_says_so_is_a_problem(handler: Handler, body: str) -> None:
    event = {**rest_event("POST", "/echo", body=body), "isBase64Encoded": True}

    answer = handler(event, CONTEXT)

    assert answer["statusCode"] == 400
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"])["code"] == "invalid_base64"
    assert json.loads(answer["body"])["request_id"] == answer["headers"]["x-request-id"] == "gateway-request"


@pytest.mark.parametrize("body", [None, "text", b"bytes"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "api.example.org:Jane"},
        {"Host": "[2001:db8::1]:80"},
        {"Host": "api.example.org:"},
        {"X-Forwarded-Port": "443, Jane"},
        {"X-Anything": "Jane \ud800"},
    ],
)
def test_an_event_that_cannot_be_read_is_a_problem_and_no_failure_that_lambda_logs(
    handler: Handler, headers: dict[str, str], body: str | bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = handler(rest_event("POST", "/echo", body=body, headers=headers), CONTEXT)

    assert answer["statusCode"] == 400
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"])["code"] == "invalid_request"
    assert "Jane" not in json.dumps(answer) + "".join(capsys.readouterr())


def test_a_text_that_no_bytes_can_be_made_of_is_a_problem(handler: Handler) -> None:
    answer = handler(rest_event("POST", "/echo", body="\ud800"), CONTEXT)

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "invalid_request")


def test_it_works_after_something_else_used_an_event_loop(handler: Handler) -> None:
    asyncio.run(asyncio.sleep(0))  # leaves the thread without a loop

    assert handler(rest_event("GET", "/query", query={"name": "x"}), CONTEXT)["statusCode"] == 200


def test_the_event_is_not_changed(handler: Handler) -> None:
    event = rest_event("GET", "/query", query={"name": "x"}, base="/thyroid")
    before = json.dumps(event)

    handler(event, CONTEXT)

    assert json.dumps(event) == before


def test_below_a_base_path_of_a_custom_domain_it_answers_as_well(handler: Handler) -> None:
    assert handler(rest_event("GET", "/query", query={"name": "x"}, base="/a/b"), CONTEXT)["statusCode"] == 200


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"path": "/api/v1/health", "resource": "/api/v1/health"}, "/api/v1/health"),
        ({"path": "/thyroid/api/v1/health", "resource": "/api/v1/health"}, "/api/v1/health"),
        ({"path": "/t/docs/a.js", "resource": "/docs/{file}", "pathParameters": {"file": "a.js"}}, "/docs/a.js"),
        ({"path": "/t/docs/a.js", "resource": "/{all+}", "pathParameters": {"all": "docs/a.js"}}, "/docs/a.js"),
        ({"path": "/thyroid/", "resource": "/"}, "/"),
        ({"path": "/thyroid", "resource": "/"}, "/"),
        ({"path": "/docs/", "resource": "/docs"}, "/docs/"),
        ({"path": "/thyroid/docs/", "resource": "/docs"}, "/thyroid/docs/"),
        ({"path": "/other", "resource": "/api/v1/health"}, "/other"),
        ({"path": "/docs/x", "resource": "/docs/{file}", "pathParameters": None}, "/docs/x"),
        ({"path": "/x"}, "/x"),
        ({}, "/"),
    ],
)
def test_the_base_path_is_what_comes_before_the_resource(event: dict[str, Any], path: str) -> None:
    assert path_below_base(event) == path


# --- init -------------------------------------------------------------------------------------------------------------

STARTED = "import functions.{function}, thyroid.web.app as app; print(app._analyzer.cache_info().currsize)"


def start(function: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import a function's module in a process of its own, as Lambda's init does; print whether there is a service."""
    told = {**os.environ, "POWERTOOLS_SERVICE_NAME": "a-stack", **environment}
    command = [sys.executable, "-c", STARTED.format(function=function)]
    return subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name not in ASK_NO_MODEL])
def test_a_function_that_asks_the_model_loads_and_proves_it_in_init(function: str, tmp_path: Path) -> None:
    # GIVEN no model, so that loading it is heard of
    done = start(function, THYROID_WARM_UP="true", THYROID_MODEL_DIR=str(tmp_path))
    # THEN init goes on, and one line says what is wrong, in the form of all others
    log, service = done.stdout.splitlines()
    assert service == "1"
    told = json.loads(log)
    assert (told["level"], told["service"]) == ("ERROR", "a-stack")
    assert "make model" in told["message"]


@pytest.mark.parametrize("warm_up", ["false", ""])
def test_who_is_not_to_warm_up_loads_no_model_in_init(warm_up: str, tmp_path: Path) -> None:
    done = start("predict", THYROID_WARM_UP=warm_up, THYROID_MODEL_DIR=str(tmp_path))

    assert done.stdout.split() == ["0"]


# --- what is told -----------------------------------------------------------------------------------------------------

TWO_CALLS = """
from functions import model_info
from tests.events import CONTEXT, rest_event
for _ in range(2):
    model_info.handler(rest_event("GET", "/api/v1/model-info"), CONTEXT)
"""


def test_the_first_call_of_a_process_is_told_as_a_cold_start(artifact: Path) -> None:
    told = {**os.environ, "POWERTOOLS_METRICS_NAMESPACE": "Thyroid", "THYROID_MODEL_DIR": str(artifact)}
    done = subprocess.run(
        [sys.executable, "-c", TWO_CALLS], env=told, cwd=ROOT, capture_output=True, text=True, check=True
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["cold_start"] for line in lines if line.get("message") == "request"] == [True, False]
    assert [line["ColdStart"] for line in lines if "_aws" in line] == [[1.0], [0.0]]


def test_no_setting_of_the_environment_makes_it_log_the_event() -> None:
    told = {**os.environ, "POWERTOOLS_LOGGER_LOG_EVENT": "true", "THYROID_MODEL_DIR": "none"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_CALLS], env=told, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "request" in done.stdout
    assert "amazonaws.com" not in done.stdout  # the host, which is in the event


def test_a_fault_of_ours_is_not_taken_for_an_event_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("of ours")

    monkeypatch.setattr("mangum.protocols.http.HTTPCycle.__call__", fail)

    with pytest.raises(ValueError, match="of ours"):
        lambda_handler(build_app([APIRouter()]))(rest_event("GET", "/"), CONTEXT)
