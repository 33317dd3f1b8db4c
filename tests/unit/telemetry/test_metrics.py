"""Metrics of a request and of an upload, in CloudWatch's embedded metric format."""

import json
from typing import Any

import pytest

from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit, emit_upload

SETTINGS = Settings(metrics_namespace="Thyroid", service_name="a-stack")
ANSWERED = {"route": "/api/v1/predict", "method": "POST", "status": 200, "duration_ms": 12.5}
PREDICTED = {**ANSWERED, "model_sha256": "a0" * 32, "score": 0.25, "risk": "Borderline"}


def emitted(
    capsys: pytest.CaptureFixture[str], facts: dict[str, Any], *, cold_start: bool = False
) -> list[dict[str, Any]]:
    emit(SETTINGS, facts, cold_start=cold_start)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_prediction_is_measured_with_its_score_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = emitted(capsys, PREDICTED)

    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Thyroid", [["service"]])
    assert line["service"] == "a-stack"
    names = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert names == {
        "ColdStart": "Count",
        "ServerErrors": "Count",
        "FlaggedInputs": "Count",
        "Latency": "Milliseconds",
        "Score": "None",
    }
    assert {name: line[name] for name in names} == {
        "ColdStart": [0.0],
        "ServerErrors": [0.0],
        "FlaggedInputs": [0.0],
        "Latency": [12.5],
        "Score": [0.25],
    }
    assert line["risk"] == "Borderline"


def test_only_an_answered_prediction_has_a_time_and_a_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert not {"Latency", "Score"} & set(emitted(capsys, ANSWERED)[0])


def test_a_cold_start_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert emitted(capsys, ANSWERED, cold_start=True)[0]["ColdStart"] == [1.0]


@pytest.mark.parametrize(
    ("status", "code", "server_errors", "flagged"),
    [
        (415, "unsupported_media_type", 0.0, 1.0),
        (422, "unreadable_image", 0.0, 1.0),
        (400, "invalid_base64", 0.0, 0.0),
        (413, "payload_too_large", 0.0, 0.0),
        (500, "internal_error", 1.0, 0.0),
        (503, "model_unavailable", 1.0, 0.0),
    ],
)
def test_an_error_is_counted_by_its_code(
    capsys: pytest.CaptureFixture[str], status: int, code: str, server_errors: float, flagged: float
) -> None:
    request, error = emitted(capsys, {**ANSWERED, "status": status, "problem": code})

    assert (request["ServerErrors"], request["FlaggedInputs"]) == ([server_errors], [flagged])
    assert "Score" not in request
    assert error["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["code", "service"]]
    assert (error["code"], error["service"], error["Errors"]) == (code, "a-stack", [1.0])


def test_a_request_that_got_no_answer_is_an_error_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert emitted(capsys, {**ANSWERED, "status": 0})[0]["ServerErrors"] == [1.0]


def test_an_unhealthy_model_is_an_error_of_ours_though_it_is_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = emitted(capsys, {**ANSWERED, "route": "/api/v1/health", "status": 503})

    assert line["ServerErrors"] == [1.0]


def test_no_metric_of_one_request_is_left_in_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    emitted(capsys, PREDICTED)

    assert "Score" not in emitted(capsys, ANSWERED)[0]


# --- uploads ----------------------------------------------------------------------------------------------------------

UPLOADED = {"outcome": "analysed", "repeated": False, "duration_ms": 31.5, "score": 0.25, "risk": "Borderline"}


def test_an_upload_is_measured_with_its_score(capsys: pytest.CaptureFixture[str]) -> None:
    emit_upload(SETTINGS, UPLOADED)
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"], line["service"]) == ("Thyroid", [["service"]], "a-stack")
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "Uploads": "Count",
        "RefusedUploads": "Count",
        "FailedUploads": "Count",
        "FlaggedInputs": "Count",
        "UploadLatency": "Milliseconds",
        "Score": "None",
    }
    assert {name: line[name] for name in ("Uploads", "RefusedUploads", "FailedUploads", "FlaggedInputs")} == {
        "Uploads": [1.0],
        "RefusedUploads": [0.0],
        "FailedUploads": [0.0],
        "FlaggedInputs": [0.0],
    }
    assert (line["UploadLatency"], line["Score"], line["risk"]) == ([31.5], [0.25], "Borderline")


@pytest.mark.parametrize(
    ("facts", "refused", "failed", "flagged"),
    [
        ({"outcome": "refused", "problem": "unreadable_image"}, 1.0, 0.0, 1.0),
        ({"outcome": "refused", "problem": "unsupported_media_type"}, 1.0, 0.0, 1.0),
        ({"outcome": "refused", "problem": "unsuitable_image"}, 1.0, 0.0, 1.0),
        ({"outcome": "analysed", "input_reasons": "blank"}, 0.0, 0.0, 1.0),
        ({"outcome": "refused", "problem": "payload_too_large"}, 1.0, 0.0, 0.0),
        ({"outcome": "refused", "problem": "not_found"}, 1.0, 0.0, 0.0),
        ({"outcome": "failed", "error": "ClientError"}, 0.0, 1.0, 0.0),
        ({"outcome": "failed", "problem": "model_unavailable"}, 0.0, 1.0, 0.0),
        ({"outcome": "superseded"}, 0.0, 0.0, 0.0),
        ({"outcome": "in progress elsewhere"}, 0.0, 0.0, 0.0),
    ],
)
def test_what_became_of_an_upload_is_counted(
    capsys: pytest.CaptureFixture[str], facts: dict[str, Any], refused: float, failed: float, flagged: float
) -> None:
    emit_upload(SETTINGS, {"duration_ms": 1.0, **facts})
    line, *errors = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    counted = [line["Uploads"], line["RefusedUploads"], line["FailedUploads"], line["FlaggedInputs"]]
    assert counted == [[1.0], [refused], [failed], [flagged]]
    assert not {"Score", "UploadLatency"} & set(line)
    assert [(error["code"], error["Errors"]) for error in errors] == (
        [(facts["problem"], [1.0])] if "problem" in facts else []
    )
    for error in errors:
        (directive,) = error["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("Thyroid", [["code", "service"]])


def test_an_upload_that_was_scored_and_then_failed_is_both(capsys: pytest.CaptureFixture[str]) -> None:
    emit_upload(SETTINGS, {**UPLOADED, "outcome": "failed", "error": "ConflictError"})

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]

    assert (line["FailedUploads"], line["Score"]) == ([1.0], [0.25])


def test_without_a_namespace_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    emit(Settings(), PREDICTED, cold_start=True)
    emit_upload(Settings(), UPLOADED)
    emit_upload(Settings(), {"outcome": "refused", "problem": "unreadable_image", "duration_ms": 1.0})

    assert capsys.readouterr().out == ""
