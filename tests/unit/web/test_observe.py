import hashlib
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

import thyroid
from tests.fakes import FakeEngine
from tests.images import image_file, noise_file
from tests.loggers import new_logger
from thyroid.core.analyzer import Analyzer
from thyroid.core.audit import AuditRecord
from thyroid.settings import Settings
from thyroid.telemetry.observation import recorded
from thyroid.web.catch_unexpected import CatchUnexpected
from thyroid.web.observe import Observe, request_id_of


def observed(app: FastAPI, settings: Settings | None = None) -> tuple[TestClient, io.StringIO]:
    """A client of `app` below the middlewares, and what they log."""
    stream = io.StringIO()
    logger = new_logger(stream)
    app.add_middleware(CatchUnexpected, logger=logger)
    app.add_middleware(Observe, logger=logger, settings=settings or Settings())
    return TestClient(app), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def an_app() -> FastAPI:
    app = FastAPI()

    @app.get("/scans/{name}")
    def scan(name: str) -> str:
        time.sleep(0.01)
        return name

    @app.get("/predict")
    def predict(width: int = 64) -> float:
        analysis = Analyzer(Settings(revision="abc1234"), lambda _settings: FakeEngine(0.8)).score(
            noise_file(64, width)
        )
        return recorded(analysis, analysis.assessment.score)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("Jane Doe")

    return app


def test_an_answer_that_breaks_off_is_not_begun_again() -> None:
    app = FastAPI()

    def half() -> Iterator[str]:
        yield "half"
        raise RuntimeError("Jane Doe")

    app.get("/half")(lambda: StreamingResponse(half()))
    client, stream = observed(app)

    response = client.get("/half")

    assert response.text == "half"
    error, request = lines(stream)
    assert (error["message"], error["error"]) == ("unexpected error", "RuntimeError")
    assert request["request_id"] == error["request_id"]
    assert "Jane" not in stream.getvalue()


def test_what_fails_while_a_server_starts_is_the_servers_to_tell() -> None:
    @asynccontextmanager
    async def fails(_app: FastAPI) -> AsyncIterator[None]:
        int("no number")
        yield

    client, stream = observed(FastAPI(lifespan=fails))

    with pytest.raises(ValueError, match="no number"), client:
        pass

    assert lines(stream) == []


def test_a_request_is_one_line_with_route_status_time_and_id() -> None:
    client, stream = observed(an_app())

    response = client.get("/scans/3")

    (line,) = lines(stream)
    assert (line["route"], line["method"], line["status"]) == ("/scans/{name}", "GET", 200)
    assert line["duration_ms"] >= 10
    assert line["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/scans/Jane-Doe?filename=Jane-Doe", "/Jane-Doe", "/broken?filename=Jane-Doe", "/predict"]
)
def test_nothing_of_a_patient_is_logged(path: str) -> None:
    client, stream = observed(an_app())

    client.get(path, headers={"x-patient": "Jane"})

    assert lines(stream)
    assert "Jane" not in stream.getvalue()


def test_a_method_that_is_none_is_not_told() -> None:
    client, stream = observed(an_app())

    client.request("JANE-DOE", "/scans/3")

    assert "JANE" not in stream.getvalue()
    assert [line["method"] for line in lines(stream)] == ["other"]


def test_a_prediction_is_an_audit_record_and_told_of_in_the_requests_line() -> None:
    client, stream = observed(an_app())

    response = client.get("/predict")

    prediction, request = lines(stream)
    assert prediction["message"] == "prediction"
    record = AuditRecord.model_validate(prediction["audit"])
    assert record.input_sha256 == hashlib.sha256(noise_file(64, 64)).hexdigest()
    assert (record.score, record.risk, record.code_version) == (0.8, "High Risk", f"{thyroid.__version__}+abc1234")
    assert (request["score"], request["risk"], request["model_sha256"]) == (0.8, "High Risk", record.model.sha256)
    assert prediction["request_id"] == request["request_id"] == response.headers["x-request-id"]


def test_no_prediction_is_made_without_a_request_to_record_it_for() -> None:
    analysis = Analyzer(Settings(), lambda _settings: FakeEngine()).score(image_file())

    with pytest.raises(LookupError):
        recorded(analysis, None)


def test_predictions_at_the_same_time_are_recorded_each_for_its_own_request() -> None:
    client, stream = observed(an_app())
    widths = range(64, 88)

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda width: client.get("/predict", params={"width": width}), widths))

    recorded = {
        line["request_id"]: line["audit"]["input_sha256"] for line in lines(stream) if line["message"] == "prediction"
    }
    assert recorded == {
        response.headers["x-request-id"]: hashlib.sha256(noise_file(64, width)).hexdigest()
        for response, width in zip(responses, widths, strict=True)
    }


def test_without_a_namespace_there_are_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    client, _ = observed(an_app())

    client.get("/predict")

    assert capsys.readouterr().out == ""


def test_with_a_namespace_a_request_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    client, _ = observed(an_app(), Settings(metrics_namespace="Thyroid"))

    client.get("/predict")
    client.get("/broken")

    predicted, failed, error = map(json.loads, capsys.readouterr().out.splitlines())
    assert (predicted["Score"], predicted["ServerErrors"]) == ([0.8], [0.0])
    assert failed["ServerErrors"] == [1.0]
    assert (error["code"], error["Errors"]) == ("internal_error", [1.0])


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
