"""What API Gateway refuses on its own looks like what the application refuses."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from fastapi import FastAPI
from starlette.testclient import TestClient

from thyroid.errors import InvalidRequestError, PayloadTooLargeError, ThyroidError, UnsupportedMediaTypeError
from thyroid.settings import Settings
from thyroid.web.openapi import IMAGE_PROBLEMS
from thyroid.web.problems import INTERNAL_ERROR, KINDS, MEDIA_TYPE, Problem, install

TEMPLATE: dict[str, Any] = cfn_yaml.load(str(Path(__file__).parents[3] / "template.yaml"))
RESPONSES: dict[str, Any] = TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]

STATUS = {
    "MISSING_AUTHENTICATION_TOKEN": HTTPStatus.NOT_FOUND,
    "RESOURCE_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "UNAUTHORIZED": HTTPStatus.UNAUTHORIZED,
    "INVALID_API_KEY": HTTPStatus.FORBIDDEN,
    "ACCESS_DENIED": HTTPStatus.FORBIDDEN,
    "INVALID_SIGNATURE": HTTPStatus.FORBIDDEN,
    "EXPIRED_TOKEN": HTTPStatus.FORBIDDEN,
    "WAF_FILTERED": HTTPStatus.FORBIDDEN,
    "QUOTA_EXCEEDED": HTTPStatus.TOO_MANY_REQUESTS,
    "INTEGRATION_FAILURE": HTTPStatus.BAD_GATEWAY,
    "REQUEST_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "UNSUPPORTED_MEDIA_TYPE": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "THROTTLED": HTTPStatus.TOO_MANY_REQUESTS,
    "INTEGRATION_TIMEOUT": HTTPStatus.GATEWAY_TIMEOUT,
    "DEFAULT_4XX": HTTPStatus.BAD_REQUEST,
    "DEFAULT_5XX": HTTPStatus.INTERNAL_SERVER_ERROR,
}


def body_of(name: str) -> dict[str, Any]:
    """Return a gateway response's body as the gateway would fill it in."""
    (template,) = RESPONSES[name]["ResponseTemplates"].values()
    body: dict[str, Any] = json.loads(template.replace("$context.requestId", "an-id"))
    return body


@pytest.mark.parametrize("name", RESPONSES)
def test_a_refusal_of_the_gateway_is_a_problem_that_browsers_may_read(name: str) -> None:
    body = body_of(name)
    problem = Problem.model_validate(body, strict=True, extra="forbid")
    assert problem.type == f"urn:thyroid:problem:{problem.code}"
    assert problem.request_id == "an-id"
    assert problem.status == int(RESPONSES[name]["StatusCode"])
    headers = RESPONSES[name]["ResponseParameters"]["Headers"]
    assert headers.items() >= {"Access-Control-Allow-Origin": "'*'", "Content-Type": f"'{MEDIA_TYPE}'"}.items()


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_a_refusal_of_the_gateway_has_its_status(name: str, status: HTTPStatus) -> None:
    assert body_of(name)["status"] == status


def test_every_refusal_has_its_status_checked_here() -> None:
    assert set(STATUS) == set(RESPONSES)


def test_who_is_throttled_is_told_when_to_come_back() -> None:
    headers = RESPONSES["THROTTLED"]["ResponseParameters"]["Headers"]
    assert headers["Retry-After"] == "'1'"
    # Browsers see only those headers of another origin that they are told of.
    assert "Retry-After" in headers["Access-Control-Expose-Headers"]


def test_what_is_too_large_is_told_the_limits_that_the_application_has() -> None:
    settings = Settings()
    for limit in (settings.max_body_bytes, settings.max_binary_body_bytes):
        assert str(limit) in body_of("REQUEST_TOO_LARGE")["detail"]


def test_a_content_encoding_that_is_not_taken_is_answered_as_a_content_type_that_is_not() -> None:
    app = FastAPI()
    install(app)

    @app.post("/")
    def refuse() -> None:
        raise UnsupportedMediaTypeError("This content type is not taken.")

    answer = TestClient(app).post("/")
    refused, ours = answer.json(), body_of("UNSUPPORTED_MEDIA_TYPE")
    assert answer.status_code == int(RESPONSES["UNSUPPORTED_MEDIA_TYPE"]["StatusCode"])
    assert set(ours) == set(refused)
    assert {name for name in refused if ours[name] != refused[name]} == {"detail", "request_id"}
    # The next step names what the gateway unpacks.
    assert "Content-Encoding" in ours["detail"]
    assert "gzip" in ours["detail"]
    assert "deflate" in ours["detail"]


def test_an_unknown_address_gets_the_code_that_the_application_gives_it() -> None:
    app = FastAPI()
    install(app)
    refused = TestClient(app).get("/nowhere").json()
    ours = body_of("MISSING_AUTHENTICATION_TOKEN")
    assert [ours[key] for key in ("status", "title", "code")] == [refused[key] for key in ("status", "title", "code")]


@pytest.mark.parametrize(
    "name", ["INVALID_API_KEY", "UNSUPPORTED_MEDIA_TYPE", "THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_TIMEOUT"]
)
def test_what_a_caller_may_meet_of_the_gateway_is_in_the_documentation(name: str) -> None:
    assert f"`{body_of(name)['code']}`" in IMAGE_PROBLEMS[STATUS[name]]["description"]


def test_the_gateway_uses_the_codes_of_the_application() -> None:
    assert body_of("REQUEST_TOO_LARGE")["code"] == PayloadTooLargeError.code
    assert body_of("REQUEST_TOO_LARGE")["title"] == KINDS[PayloadTooLargeError].title
    assert body_of("DEFAULT_4XX")["code"] == InvalidRequestError.code
    assert body_of("DEFAULT_5XX")["code"] == ThyroidError.code
    assert body_of("DEFAULT_5XX")["title"] == INTERNAL_ERROR.title
