"""Alarms and dashboard watch what is there, under the names that the code gives its metrics."""

import json
from typing import Any

import pytest

from tests.stack.conftest import of_type, properties, stack
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit, emit_upload

STACK = stack()
ALARMS = of_type(STACK, "AWS::CloudWatch::Alarm")
STACK_NAME = {"Ref": "AWS::StackName"}


FACTS = {"status": 200, "outcome": "analysed", "duration_ms": 1.0, "score": 0.5, "risk": "Moderate Risk"}
SETTINGS = Settings(metrics_namespace="Thyroid", service_name="a-stack")


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The line of metrics of a prediction."""
    emit(SETTINGS, FACTS, cold_start=False)
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


@pytest.fixture
def emitted_of_an_upload(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The line of metrics of an upload."""
    emit_upload(SETTINGS, FACTS)
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_every_alarm_tells_the_topic_if_there_is_one() -> None:
    for alarm in ALARMS.values():
        for actions in ("AlarmActions", "OKActions"):
            (action,) = alarm["Properties"][actions]
            assert action == {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]}
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"


def test_failures_of_every_function_are_watched_at_its_alias() -> None:
    watched = set()
    for alarm in ALARMS.values():
        if alarm["Properties"]["MetricName"] == "Errors":
            function, version = (dimension["Value"] for dimension in alarm["Properties"]["Dimensions"])
            assert version == {"Fn::Sub": f"${{{function['Ref']}}}:live"}
            watched.add(function["Ref"])
    assert watched == set(of_type(STACK, "AWS::Lambda::Function"))


def test_server_errors_are_watched_under_the_name_that_the_application_counts_them_by(emitted: dict[str, Any]) -> None:
    alarm = properties(STACK, "ServerErrorsAlarm")
    (directive,) = emitted["_aws"]["CloudWatchMetrics"]
    assert alarm["Namespace"] == directive["Namespace"]
    assert alarm["MetricName"] in {metric["Name"] for metric in directive["Metrics"]}
    assert alarm["Dimensions"] == [{"Name": "service", "Value": STACK_NAME}]
    assert directive["Dimensions"] == [["service"]]


def test_the_gateway_is_watched_by_the_name_of_the_api() -> None:
    assert properties(STACK, "Api")["Name"] == STACK_NAME
    for name in ("GatewayErrorsAlarm", "LatencyAlarm"):
        assert properties(STACK, name)["Dimensions"][0] == {"Name": "ApiName", "Value": STACK_NAME}


def test_the_alarm_that_takes_functions_back_names_the_stage_that_is_there() -> None:
    # By a reference to it, the stage would have to be made before the functions that it calls.
    _, stage = properties(STACK, "GatewayErrorsAlarm")["Dimensions"]
    assert stage == {"Name": "Stage", "Value": properties(STACK, "ApiprodStage")["StageName"]}


def test_it_is_told_when_a_picture_was_given_up_or_waits_too_long() -> None:
    dead = properties(STACK, "DeadLettersAlarm")
    assert (dead["Namespace"], dead["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert dead["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["UploadsDeadLetters", "QueueName"]}}]
    assert dead["Threshold"] == 1
    age = properties(STACK, "UploadsAgeAlarm")
    assert (age["Namespace"], age["MetricName"]) == ("AWS/SQS", "ApproximateAgeOfOldestMessage")
    assert age["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["UploadsQueue", "QueueName"]}}]
    # Before SQS throws the message away.
    assert age["Threshold"] < properties(STACK, "UploadsQueue")["MessageRetentionPeriod"]


def test_it_is_told_when_an_archive_failed() -> None:
    alarm = properties(STACK, "ArchiveFailedAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/States", "ExecutionsFailed")
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": "Archive"}}]


def test_the_dashboard_is_json_and_shows_metrics_and_alarms_that_exist(
    emitted: dict[str, Any], emitted_of_an_upload: dict[str, Any]
) -> None:
    text = properties(STACK, "Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(text)["widgets"]
    lines = (emitted, emitted_of_an_upload)
    directives = [directive for line in lines for directive in line["_aws"]["CloudWatchMetrics"]]
    ours = {metric["Name"] for directive in directives for metric in directive["Metrics"]}
    shown = set()
    for widget in widgets:
        namespace = ""
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict) or metric[0] == "...":
                continue
            namespace = namespace if metric[0] == "." else metric[0]
            if namespace == "Thyroid":
                shown.add(metric[1])
    assert shown == ours
    (alarms,) = (widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")
    assert set(alarms) == {f"${{{name}.Arn}}" for name in ALARMS}
