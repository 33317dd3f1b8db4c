"""A run over an archive is started as it was asked for, watched, and told of in the end."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from deploy import archive
from deploy.archive import main
from deploy.stack import INTERRUPTED, Stack

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:archive"
RUN = "arn:aws:states:eu-central-1:123456789012:execution:archive:march"
MAP = "arn:aws:states:eu-central-1:123456789012:mapRun:archive/map:1"
EARLIER_MAP = "arn:aws:states:eu-central-1:123456789012:mapRun:archive/map:0"
THEN, LATER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

SUMMARY = {
    "schema_version": 1,
    "run": "march",
    "bucket": "images",
    "prefix": "patients/DOE_JANE/",
    "started": "2026-03-01T00:00:00Z",
    "ended": "2026-03-01T01:00:00Z",
    "items": {"total": 6, "succeeded": 6, "failed": 0},
    "pictures": {"analysed": 4, "refused": 2},
    "risks": {"Low Risk": 3, "High Risk": 1},
    "labels": {"benign": 3, "malignant": 1},
    "codes": {"unreadable_image": 2},
    "models": {"0" * 64: 4},
    "summary": "s3://results/archives/march/summary.json",
    "parts": "s3://results/archives/march/parts/",
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(archive, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(Stack, "outputs", lambda *_needed: {"ArchiveArn": MACHINE, "ResultsBucket": "results"})


class Aws:
    """Step Functions and S3 as their models describe them; each call of the command has to be expected here."""

    def __init__(self) -> None:
        self.clients = {service: boto3.client(service) for service in ("stepfunctions", "s3")}
        self.states = Stubber(self.clients["stepfunctions"])
        self.s3 = Stubber(self.clients["s3"])

    def start(self, asked: dict[str, Any] | None = None, **more: str) -> None:
        answer = {"executionArn": RUN, "startDate": THEN}
        expected = {"stateMachineArn": MACHINE, "input": json.dumps(asked or {}), **more}
        self.states.add_response("start_execution", answer, expected)

    def look(self, status: str, *maps: tuple[str, datetime], counts: dict[str, int] | None = None, **more: str) -> None:
        """One look at the run: what it is doing, which maps it has, and what the last of these counts."""
        execution = {"executionArn": RUN, "stateMachineArn": MACHINE, "name": "march", "startDate": THEN}
        self.states.add_response("describe_execution", {**execution, "status": status, **more}, {"executionArn": RUN})
        listed = [
            {"executionArn": RUN, "mapRunArn": arn, "stateMachineArn": MACHINE, "startDate": date} for arn, date in maps
        ]
        self.states.add_response("list_map_runs", {"mapRuns": listed}, {"executionArn": RUN})
        if counts is not None:
            self.states.add_response("describe_map_run", map_run(counts), {"mapRunArn": MAP})

    def succeed(self, summary: dict[str, Any]) -> None:
        self.look("SUCCEEDED", (MAP, THEN), counts={"total": 6, "succeeded": 6}, output=json.dumps(summary))


def map_run(counts: dict[str, int]) -> dict[str, Any]:
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
    every = {**dict.fromkeys(names, 0), **counts}
    settings = {"maxConcurrency": 10, "toleratedFailurePercentage": 5.0, "toleratedFailureCount": 0}
    run = {"mapRunArn": MAP, "executionArn": RUN, "status": "RUNNING", "startDate": THEN, **settings}
    return {**run, "itemCounts": every, "executionCounts": every}


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    made = Aws()
    monkeypatch.setattr(Stack, "client", lambda _stack, service: made.clients[service])
    with made.states, made.s3:
        yield made
        made.states.assert_no_pending_responses()
        made.s3.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([], {}),
        (["--prefix", "2026/03/"], {"prefix": "2026/03/"}),
        (["--bucket", "images", "--prefix", "a b"], {"bucket": "images", "prefix": "a b"}),
        (
            ["--manifest", "s3://images/list/2026/manifest.json"],
            {"manifest": {"bucket": "images", "key": "list/2026/manifest.json"}},
        ),
        (
            ["--bucket", "images", "--manifest", "s3://lists/manifest.json"],
            {"bucket": "images", "manifest": {"bucket": "lists", "key": "manifest.json"}},
        ),
        (["--prefix", "ünï/甲状腺 "], {"prefix": "ünï/甲状腺 "}),
        (["--bucket", "", "--prefix", ""], {}),
    ],
)
def test_the_run_is_asked_for_what_was_given_and_nothing_else(
    stubbed: Aws, given: list[str], asked: dict[str, Any]
) -> None:
    stubbed.start(asked)

    assert main(["thyroid", *given, "--detach"]) == 0


def test_a_name_is_that_of_the_run(stubbed: Aws) -> None:
    stubbed.start(name="march")

    assert main(["thyroid", "--name", "march", "--detach"]) == 0


def test_detached_it_says_how_to_see_and_stop_the_run(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.start()

    assert main(["thyroid", "--detach"]) == 0

    printed = capsys.readouterr().out
    assert f"aws stepfunctions describe-execution --region eu-central-1 --execution-arn {RUN}" in printed
    assert f"aws stepfunctions stop-execution --region eu-central-1 --execution-arn {RUN}" in printed


def test_one_sees_how_far_it_is_until_it_is_done(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.start()
    stubbed.look("RUNNING")
    half_way = {"total": 6, "succeeded": 1, "failed": 1, "timedOut": 1, "aborted": 1, "running": 2}
    stubbed.look("RUNNING", (MAP, THEN), counts=half_way)
    stubbed.succeed(SUMMARY)

    assert main(["thyroid"]) == 0

    bar = capsys.readouterr().err
    assert "4/6" in bar
    assert "failed=3" in bar
    assert "6/6" in bar


def test_of_several_maps_the_last_is_the_one_to_look_at(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.start()
    stubbed.look("RUNNING", (EARLIER_MAP, THEN), (MAP, LATER), counts={"total": 6, "succeeded": 1})
    stubbed.succeed(SUMMARY)

    assert main(["thyroid"]) == 0

    assert "1/6" in capsys.readouterr().err


def test_the_summary_is_told_to_a_person_without_the_prefix(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.start()
    stubbed.succeed(SUMMARY)

    assert main(["thyroid"]) == 0

    printed = capsys.readouterr().out
    assert "6 of 6 succeeded, 0 failed" in printed
    assert "analysed 4, refused 2" in printed
    assert "Low Risk 3, High Risk 1" in printed
    assert "unreadable_image 2" in printed
    assert "s3://results/archives/march/summary.json" in printed
    assert "s3://results/archives/march/parts/" in printed
    assert "DOE" not in printed


def test_an_archive_without_images_is_none(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    nothing: dict[str, Any] = {name: {} for name in ("pictures", "risks", "labels", "codes", "models")}
    stubbed.start()
    stubbed.succeed({**SUMMARY, **nothing, "items": {"total": 0, "succeeded": 0, "failed": 0}})

    assert main(["thyroid"]) == 0

    assert "images:      none" in capsys.readouterr().out


@pytest.mark.parametrize(
    "some",
    [
        {"pictures": {"analysed": 5, "failed": 1}},
        {"items": {"total": 6, "succeeded": 5, "failed": 1}},
        {"items": {"total": 6, "succeeded": 5, "failed": 0}},  # it ran out of time
    ],
)
def test_a_run_of_which_some_images_failed_is_no_success(
    stubbed: Aws, capsys: pytest.CaptureFixture[str], some: dict[str, Any]
) -> None:
    stubbed.start()
    stubbed.succeed({**SUMMARY, **some})

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert "error: Some images failed" in printed.err
    assert "s3://results/archives/march/parts/" in printed.out


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("FAILED", "The run ended as FAILED (States.ExceedToleratedFailureThreshold)"),
        ("TIMED_OUT", "The run took longer than the stack's ArchiveTimeoutSeconds and was stopped (TIMED_OUT)."),
        ("ABORTED", "The run ended as ABORTED (States.ExceedToleratedFailureThreshold)"),
    ],
    ids=["FAILED", "TIMED_OUT", "ABORTED"],
)
def test_a_run_that_failed_leaves_its_summary_in_the_bucket(
    stubbed: Aws, capsys: pytest.CaptureFixture[str], status: str, told: str
) -> None:
    stored = json.dumps(SUMMARY).encode()
    stubbed.start()
    stubbed.look(status, error="States.ExceedToleratedFailureThreshold", cause="patients/DOE_JANE.png")
    stubbed.s3.add_response(
        "get_object",
        {"Body": StreamingBody(io.BytesIO(stored), len(stored))},
        {"Bucket": "results", "Key": "archives/march/summary.json"},
    )

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert "analysed 4" in printed.out
    assert f"error: {told}" in printed.err
    assert "DOE" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("given", "next_step"),
    [([], "Start it again: what is done"), (["--name", "march"], "Start it again, with another --name: what is done")],
)
def test_a_run_that_took_too_long_is_one_to_start_again(
    stubbed: Aws, capsys: pytest.CaptureFixture[str], given: list[str], next_step: str
) -> None:
    if given:
        stubbed.start(name="march")
    else:
        stubbed.start()
    stubbed.look("TIMED_OUT", error="States.Timeout")
    stubbed.s3.add_client_error("get_object", "NoSuchKey")

    assert main(["thyroid", *given]) == 1

    printed = capsys.readouterr()
    assert printed.out == "Run march was started.\n"
    assert (
        f"error: The run took longer than the stack's ArchiveTimeoutSeconds and was stopped (TIMED_OUT). {next_step}"
        in (printed.err)
    )


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_run_that_failed_without_a_summary_is_told_of_all_the_same(
    stubbed: Aws, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    stubbed.start()
    stubbed.look("ABORTED", cause="patients/DOE_JANE.png")
    stubbed.s3.add_client_error("get_object", code)

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert "error: The run ended as ABORTED:" in printed.err
    assert "DOE" not in printed.out + printed.err


def test_a_run_that_failed_is_told_of_where_its_summary_is_out_of_reach(
    stubbed: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cut_off(**_: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3")

    monkeypatch.setattr(stubbed.clients["s3"], "get_object", cut_off)
    stubbed.start()
    stubbed.look("ABORTED")

    assert main(["thyroid"]) == 1

    assert "error: The run ended as ABORTED:" in capsys.readouterr().err


def test_a_run_that_failed_is_told_of_where_its_summary_breaks_off(
    stubbed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    stubbed.start()
    stubbed.look("ABORTED")
    stubbed.s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b'{"run"'), 600)})

    assert main(["thyroid"]) == 1

    assert "error: The run ended as ABORTED:" in capsys.readouterr().err


def test_interrupted_it_says_that_the_run_goes_on(
    stubbed: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    stubbed.start()
    stubbed.look("RUNNING")
    monkeypatch.setattr("deploy.archive.time.sleep", interrupt)

    assert main(["thyroid"]) == INTERRUPTED

    printed = capsys.readouterr().err
    assert "The run continues in AWS." in printed
    assert "--name march" in printed
    assert f"stop-execution --region eu-central-1 --execution-arn {RUN}" in printed


def test_losing_sight_of_a_run_is_not_its_failure(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.start()
    stubbed.states.add_client_error("describe_execution", "ExpiredTokenException", "It is over.")

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr().err
    assert "The run continues in AWS." in printed
    assert "(ExpiredTokenException)" in printed


def test_a_run_that_may_not_be_started_is_one_sentence(stubbed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed.states.add_client_error("start_execution", "AccessDeniedException", "Not you.")

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("error: The AWS call failed: An error occurred (AccessDeniedException)")


def test_without_credentials_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_stack: Stack, _service: str) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(Stack, "client", refuse)

    assert main(["thyroid"]) == 1

    assert capsys.readouterr().err == "error: The AWS call failed: Unable to locate credentials\n"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "the following arguments are required: stack"),
        (["--manifest", "list/manifest.json"], "has to be like s3://bucket/path/manifest.json"),
        (["--manifest", "https://images/manifest.json"], "has to be like s3://bucket/path/manifest.json"),
        (["--manifest", "s3://images"], "has to be like s3://bucket/path/manifest.json"),
        (["--manifest", "s3://images/"], "has to be like s3://bucket/path/manifest.json"),
        (["--manifest", "s3:///manifest.json"], "has to be like s3://bucket/path/manifest.json"),
        (["--manifest", "s3://images/manifest.json", "--prefix", "2026/"], "give one of the two"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked_of_aws(
    stubbed: Aws, capsys: pytest.CaptureFixture[str], given: list[str], why: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["thyroid", *given] if given else [])

    assert ended.value.code == 2
    assert why in capsys.readouterr().err
