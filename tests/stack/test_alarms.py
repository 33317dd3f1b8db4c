"""Alarms and dashboard watch what is there, under the names that the code gives its metrics."""

import json
from typing import Any

import pytest

from tests.stack.conftest import of_type, properties, stack
from thyroid.settings import Settings
from thyroid.web.metrics import emit

STACK = stack()
ALARMS = of_type(STACK, "AWS::CloudWatch::Alarm")
STACK_NAME = {"Ref": "AWS::StackName"}


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The line of metrics of a prediction."""
    facts = {"status": 200, "duration_ms": 1.0, "score": 0.5, "risk": "Moderate Risk"}
    emit(Settings(metrics_namespace="Thyroid", service_name="a-stack"), facts, cold_start=False)
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


def test_the_dashboard_is_json_and_shows_metrics_and_alarms_that_exist(emitted: dict[str, Any]) -> None:
    text = properties(STACK, "Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(text)["widgets"]
    (directive,) = emitted["_aws"]["CloudWatchMetrics"]
    ours = {metric["Name"] for metric in directive["Metrics"]}
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
