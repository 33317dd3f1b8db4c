import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from fastapi import FastAPI
from starlette.testclient import TestClient

from thyroid.web.observe import CatchUnexpected, RequestLog, request_id_of


def observed(app: FastAPI) -> tuple[TestClient, io.StringIO]:
    """A client of `app` below the middlewares, and what they log."""
    stream = io.StringIO()
    logger = Logger(service=f"test-{id(stream)}", stream=stream)
    app.add_middleware(CatchUnexpected, logger=logger)
    app.add_middleware(RequestLog, logger=logger)
    return TestClient(app), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def an_app() -> FastAPI:
    app = FastAPI()

    @app.get("/scans/{name}")
    def scan(name: str) -> str:
        return name

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("Jane Doe")

    return app


def test_a_request_is_one_line_with_route_status_time_and_id() -> None:
    client, stream = observed(an_app())

    response = client.get("/scans/3")

    (line,) = lines(stream)
    assert (line["route"], line["method"], line["status"]) == ("/scans/{name}", "GET", 200)
    assert line["duration_ms"] >= 0
    assert line["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/scans/Jane-Doe?filename=Jane-Doe", "/Jane-Doe", "/broken?filename=Jane-Doe"])
def test_nothing_of_a_patient_is_logged(path: str) -> None:
    client, stream = observed(an_app())

    client.get(path, headers={"x-patient": "Jane"})

    assert lines(stream)
    assert "Jane" not in stream.getvalue()


def test_an_address_that_does_not_exist_is_logged_as_such() -> None:
    client, stream = observed(an_app())

    client.get("/nowhere")

    assert [(line["route"], line["status"]) for line in lines(stream)] == [("unmatched", 404)]


def test_what_nobody_foresaw_is_a_problem_that_tells_nothing() -> None:
    client, _ = observed(an_app())

    response = client.get("/broken")

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["code"], body["request_id"]) == ("internal_error", response.headers["x-request-id"])
    assert "Jane" not in response.text
    assert "RuntimeError" not in response.text


def test_what_nobody_foresaw_is_logged_with_its_type_and_place() -> None:
    client, stream = observed(an_app())

    client.get("/broken")

    error, request = lines(stream)
    assert request["problem"] == "internal_error"
    assert (error["level"], error["error"]) == ("ERROR", "RuntimeError")
    assert error["where"][-1].endswith(" broken")
    assert error["request_id"] == request["request_id"]
    assert request["status"] == 500


def test_the_next_request_works() -> None:
    client, _ = observed(an_app())
    client.get("/broken")

    assert client.get("/scans/3").json() == "3"


def test_the_gateways_id_goes_before_the_functions_and_that_before_a_new_one() -> None:
    context = SimpleNamespace(aws_request_id="function")

    assert (
        request_id_of({"aws.event": {"requestContext": {"requestId": "gateway"}}, "aws.context": context}) == "gateway"
    )
    assert request_id_of({"aws.event": {"requestContext": None}, "aws.context": context}) == "function"
    assert len({request_id_of({}) for _ in range(10)}) == 10
