"""Alarms and dashboard watch what is there, under the names that the code gives its metrics."""

import json
from typing import Any

import pytest

from tests.stack.conftest import of_type, properties, stack
from tests.stack.test_functions import NOBODY_WAITS_FOR, TAKE_IMAGES
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit, emit_upload

STACK = stack()
ALARMS = of_type(STACK, "AWS::CloudWatch::Alarm")
STACK_NAME = {"Ref": "AWS::StackName"}
MAX_METRICS = 10  # of an alarm (CloudWatch quotas)

FACTS = {"status": 200, "outcome": "analysed", "duration_ms": 1.0, "score": 0.5, "risk": "Moderate Risk"}
SETTINGS = Settings(metrics_namespace="Thyroid", service_name="a-stack")


def metrics_of(alarm: str) -> list[dict[str, Any]]:
    """Return the metrics that an alarm watches, each with namespace, name and dimensions."""
    settings = properties(STACK, alarm)
    if "Metrics" not in settings:
        return [settings]
    return [query["MetricStat"]["Metric"] for query in settings["Metrics"] if "MetricStat" in query]


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
    watched = []
    for alarm in ALARMS:
        for metric in metrics_of(alarm):
            if metric["MetricName"] == "Errors":
                function, version = (dimension["Value"] for dimension in metric["Dimensions"])
                assert [dimension["Name"] for dimension in metric["Dimensions"]] == ["FunctionName", "Resource"]
                assert version == {"Fn::Sub": f"${{{function['Ref']}}}:live"}
                watched.append(function["Ref"])
    assert sorted(watched) == sorted(of_type(STACK, "AWS::Lambda::Function"))


def test_one_alarm_is_for_the_functions_that_callers_wait_for() -> None:
    together = {metric["Dimensions"][0]["Value"]["Ref"] for metric in metrics_of("FunctionErrorsAlarm")}
    assert together == set(of_type(STACK, "AWS::Lambda::Function")) - NOBODY_WAITS_FOR
    throttled = {metric["Dimensions"][0]["Value"]["Ref"] for metric in metrics_of("ThrottlesAlarm")}
    assert throttled == TAKE_IMAGES
    assert {metric["MetricName"] for metric in metrics_of("ThrottlesAlarm")} == {"Throttles"}


@pytest.mark.parametrize("name", [name for name in ALARMS if "Metrics" in ALARMS[name]["Properties"]])
def test_an_alarm_of_several_metrics_rings_for_any_of_them(name: str) -> None:
    alarm = properties(STACK, name)
    expression, *queries = alarm["Metrics"]
    # A plus has no value where one of its metrics has none, and a FILL hides the newest minute (CloudWatch user guide).
    assert expression["Expression"] == "SUM(METRICS())"
    assert "ReturnData" not in expression
    assert 2 <= len(queries) <= MAX_METRICS
    for query in queries:
        assert query["ReturnData"] is False
        assert (query["MetricStat"]["Stat"], query["MetricStat"]["Period"]) == ("Sum", 60)
    assert len({query["Id"] for query in alarm["Metrics"]}) == len(alarm["Metrics"])
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)


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


def test_it_is_told_when_an_image_was_given_up_or_waits_too_long() -> None:
    dead = properties(STACK, "DeadLettersAlarm")
    assert (dead["Namespace"], dead["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert dead["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["UploadsDeadLetters", "QueueName"]}}]
    assert dead["Threshold"] == 1
    age = properties(STACK, "UploadsAgeAlarm")
    assert (age["Namespace"], age["MetricName"]) == ("AWS/SQS", "ApproximateAgeOfOldestMessage")
    assert age["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["UploadsQueue", "QueueName"]}}]
    # Before SQS throws the message away.
    assert age["Threshold"] < properties(STACK, "UploadsQueue")["MessageRetentionPeriod"]


def test_it_is_told_when_an_event_did_not_reach_the_queue() -> None:
    metrics = metrics_of("UndeliveredEventsAlarm")
    assert {metric["MetricName"] for metric in metrics} == {"InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"}
    for metric in metrics:
        assert metric["Namespace"] == "AWS/Events"
        # A rule of the default bus is counted by its name alone.
        assert metric["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": "UploadsRule"}}]
    assert "EventBusName" not in properties(STACK, "UploadsRule")


def check_watches_the_archive(alarm: str, metric: str) -> None:
    settings = properties(STACK, alarm)
    assert (settings["Namespace"], settings["MetricName"]) == ("AWS/States", metric)
    assert settings["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": "Archive"}}]


def test_it_is_told_when_an_archive_failed() -> None:
    check_watches_the_archive("ArchiveFailedAlarm", "ExecutionsFailed")


def test_it_is_told_when_an_archive_took_too_long() -> None:
    check_watches_the_archive("ArchiveTimedOutAlarm", "ExecutionsTimedOut")


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


def test_the_dashboard_shows_which_function_failed_or_was_turned_away() -> None:
    widgets = json.loads(properties(STACK, "Dashboard")["DashboardBody"]["Fn::Sub"])["widgets"]
    by_title = {widget["properties"]["title"]: widget["properties"] for widget in widgets}
    failed = by_title["Functions that failed"]["metrics"]
    assert failed[0][:3] == ["AWS/Lambda", "Errors", "FunctionName"]
    assert {row[3] for row in failed} == {f"${{{name}}}" for name in of_type(STACK, "AWS::Lambda::Function")}
    assert all(row[5] == f"{row[3]}:live" for row in failed)
    turned_away = by_title["Requests that Lambda turned away"]["metrics"]
    assert turned_away[0][:3] == ["AWS/Lambda", "Throttles", "FunctionName"]
    assert {row[3] for row in turned_away} == {f"${{{name}}}" for name in TAKE_IMAGES}
    for row in (*failed, *turned_away):
        assert f"${{{row[-1]['label'].replace('_', ' ').title().replace(' ', '')}Function}}" == row[3]
