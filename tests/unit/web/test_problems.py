import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from thyroid import errors
from thyroid.errors import ThyroidError
from thyroid.web import problems
from thyroid.web.problems import KINDS, FieldProblem, InvalidFieldsError, kind_of


def answer_to(error: Exception) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and body of the answer of an application that raises `error`."""
    app = FastAPI()

    @app.get("/")
    def fail() -> None:
        raise error

    problems.install(app)
    response = TestClient(app).get("/")
    return response.status_code, dict(response.headers), response.json()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidBase64Error, 400, "invalid_base64"),
        (errors.RequestTimeoutError, 408, "request_timeout"),
        (errors.PayloadTooLargeError, 413, "payload_too_large"),
        (errors.UnsupportedMediaTypeError, 415, "unsupported_media_type"),
        (errors.InvalidRequestError, 422, "invalid_request"),
        (errors.UnreadableImageError, 422, "unreadable_image"),
        (errors.UnsuitableImageError, 422, "unsuitable_image"),
        (errors.UnknownLayerError, 422, "unknown_layer"),
        (errors.ModelUnavailableError, 503, "model_unavailable"),
    ],
)
def test_a_kind_of_error_has_its_status_and_code(error: type[ThyroidError], status: int, code: str) -> None:
    got_status, headers, body = answer_to(error("Do this."))

    assert got_status == body["status"] == status
    assert headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (body["code"], body["detail"], body["type"]) == (code, "Do this.", f"urn:thyroid:problem:{code}")


def test_every_error_of_ours_has_a_status() -> None:
    named = {e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, ThyroidError)}

    assert named - {ThyroidError} == set(KINDS)


def test_a_more_special_error_has_the_status_of_its_parent() -> None:
    assert kind_of(InvalidFieldsError([])) == KINDS[errors.InvalidRequestError]


def test_an_error_without_a_status_tells_nothing_of_the_inside() -> None:
    status, _, body = answer_to(ThyroidError("secret"))

    assert status == 500
    assert "secret" not in str(body)


def test_who_finds_no_model_is_told_when_to_come_back() -> None:
    _, headers, _ = answer_to(errors.ModelUnavailableError("Not now."))

    assert int(headers["retry-after"]) > 0


def test_who_was_too_slow_is_hung_up_on() -> None:
    """What comes on the connection after the answer is the rest of a body, and no request."""
    _, headers, _ = answer_to(errors.RequestTimeoutError("Faster."))

    assert headers["connection"] == "close"


def test_wrong_fields_are_listed() -> None:
    _, _, body = answer_to(InvalidFieldsError([FieldProblem(field="size", message="Too big")]))

    assert body["errors"] == [{"field": "size", "message": "Too big"}]
    assert "size: Too big" in str(body["detail"])


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (405, "method_not_allowed"), (400, "invalid_request")]
)
def test_what_the_router_refuses_is_a_problem_too(status: int, code: str) -> None:
    got_status, headers, body = answer_to(HTTPException(status, "internal words", {"Allow": "POST"}))

    assert (got_status, body["code"]) == (status, code)
    assert headers["allow"] == "POST"
    assert "internal words" not in str(body)


def test_a_client_that_left_is_no_fault_of_ours() -> None:
    status, _, body = answer_to(ClientDisconnect())

    assert (status, body["code"]) == (400, "invalid_request")
