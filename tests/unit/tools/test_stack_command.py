"""The commands for a deployed stack find it, or say in one sentence what stopped them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.stub import Stubber

from deploy import archive, log_role, replay
from deploy.stack import INTERRUPTED, CommandError, Stack, exit_status

ROOT = Path(__file__).parents[3]
COMMANDS = pytest.mark.parametrize("main", [archive.main, replay.main], ids=["archive", "replay"])

# These do not need the stack to be there.
ALL_COMMANDS = pytest.mark.parametrize(
    "main", [archive.main, replay.main, log_role.main], ids=["archive", "replay", "log_role"]
)

Main = Callable[[list[str]], int]

# Runs a command as `python -m` does, and ends it where it so much as looks for another machine.
OFFLINE = """
import runpy, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"it asked the network: {event}")

sys.addaudithook(refuse)
command = sys.argv.pop(1)
runpy.run_module(command, run_name="__main__", alter_sys=True)
"""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has no credentials and no region of AWS."""
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "not-there"))
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("WEB_IDENTITY_TOKEN_FILE", "CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """AWS's CloudFormation as its model describes it, in a region of its own."""
    client = boto3.client(
        "cloudformation", region_name="ca-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(Stack, "client", lambda _stack, service: {"cloudformation": client}[service])
    stub = Stubber(client)
    stub.activate()
    return stub


def stack_with(outputs: dict[str, str]) -> dict[str, Any]:
    listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    described = {"StackName": "thyroid", "CreationTime": "2026-03-01T00:00:00Z", "StackStatus": "CREATE_COMPLETE"}
    return {"Stacks": [{**described, "Outputs": listed}]}


# --- the stack -------------------------------------------------------------------------------------------------------


def test_a_stack_tells_its_outputs(cloudformation: Stubber) -> None:
    outputs = {"ArchiveArn": "arn", "ResultsBucket": "results"}
    cloudformation.add_response("describe_stacks", stack_with(outputs), {"StackName": "thyroid"})

    assert Stack("thyroid").outputs("ArchiveArn") == outputs


def test_outputs_that_it_lacks_are_each_named(cloudformation: Stubber) -> None:
    cloudformation.add_response("describe_stacks", stack_with({"ResultsBucket": "results"}))

    with pytest.raises(CommandError) as raised:
        Stack("thyroid").outputs("ArchiveArn", "ResultsBucket", "DeadLettersUrl")

    assert str(raised.value) == "The stack thyroid has no ArchiveArn and no DeadLettersUrl; deploy it again."


def test_a_stack_without_any_output_is_one_to_deploy_anew(cloudformation: Stubber) -> None:
    described = stack_with({})
    del described["Stacks"][0]["Outputs"]  # as CloudFormation leaves it out
    cloudformation.add_response("describe_stacks", described)

    with pytest.raises(CommandError, match="has no ArchiveArn"):
        Stack("thyroid").outputs("ArchiveArn")


def test_a_resource_has_the_name_that_aws_gave_it(cloudformation: Stubber) -> None:
    detail = {
        "LogicalResourceId": "UploadsLogs",
        "PhysicalResourceId": "thyroid-UploadsLogs-1",
        "ResourceType": "AWS::Logs::LogGroup",
        "LastUpdatedTimestamp": "2026-03-01T00:00:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    cloudformation.add_response(
        "describe_stack_resource",
        {"StackResourceDetail": detail},
        {"StackName": "thyroid", "LogicalResourceId": "UploadsLogs"},
    )

    assert Stack("thyroid").physical_name("UploadsLogs") == "thyroid-UploadsLogs-1"


def test_its_clients_are_in_its_region() -> None:
    assert Stack("thyroid", "ca-central-1").client("sqs").meta.region_name == "ca-central-1"


def test_without_a_region_they_are_in_that_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert Stack("thyroid").client("sqs").meta.region_name == "eu-west-1"


# --- what stops a command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stopped_by", "status", "said"),
    [
        (CommandError("Some images failed."), 1, "error: Some images failed.\n"),
        (NoCredentialsError(), 1, "error: The AWS call failed: Unable to locate credentials\n"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "Not you."}}, "DescribeStacks"),
            1,
            "error: The AWS call failed: An error occurred (AccessDenied) when calling the DescribeStacks operation: "
            "Not you.\n",
        ),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted\n"),
    ],
    ids=["refused", "aws", "aws's answer", "interrupted"],
)
def test_what_stops_a_command_is_one_sentence_and_its_exit_status(
    capsys: pytest.CaptureFixture[str], stopped_by: BaseException, status: int, said: str
) -> None:
    def command() -> None:
        raise stopped_by

    assert exit_status(command) == status

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", said)


def test_a_command_that_nothing_stopped_is_a_success_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []

    assert exit_status(lambda: done.append("done")) == 0

    assert done == ["done"]
    assert capsys.readouterr() == ("", "")


def test_a_mistake_of_ours_is_not_hidden_behind_a_sentence() -> None:
    def command() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        exit_status(command)


@ALL_COMMANDS
@pytest.mark.parametrize(
    ("region", "said"),
    [
        ([], "You must specify a region."),
        (["--region", ""], "You must specify a region."),  # as `make` gives it where there is none
        (["--region", "ca-central-1"], "Unable to locate credentials"),
        (["--region", "no region"], "Provided region_name 'no region' doesn't match a supported format."),
    ],
    ids=["no region", "empty region", "no credentials", "bad region"],
)
def test_on_a_machine_that_cannot_ask_aws_one_sentence_says_so(
    capsys: pytest.CaptureFixture[str], main: Main, region: list[str], said: str
) -> None:
    assert main(["thyroid", *region]) == 1

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"error: The AWS call failed: {said}\n")


@COMMANDS
def test_a_stack_that_is_not_there_is_named_with_where_it_was_looked_for(
    cloudformation: Stubber, capsys: pytest.CaptureFixture[str], main: Main
) -> None:
    cloudformation.add_client_error("describe_stacks", "ValidationError", "Stack with id other does not exist")

    assert main(["other"]) == 1

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "error: There is no stack other in ca-central-1.\n")


# --- as it is called -------------------------------------------------------------------------------------------------


def called(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-W", "error", "-c", OFFLINE, command, *words]
    return subprocess.run(code, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("deploy.archive", ["--region", "--bucket", "--prefix", "--manifest", "--name", "--detach"]),
        ("deploy.replay", ["--region", "--limit"]),
        ("deploy.log_role", ["--region", "--template"]),
    ],
)
def test_help_needs_no_network_no_region_and_no_credentials(command: str, options: list[str]) -> None:
    done = called(command, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {command} ")
    assert [option for option in options if f"\n  {option}" not in done.stdout] == []


@pytest.mark.parametrize("command", ["deploy.archive", "deploy.replay", "deploy.log_role"])
def test_what_stopped_it_is_the_exit_status_of_the_process_without_a_traceback(command: str) -> None:
    done = called(command, "thyroid", "--region", "ca-central-1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: The AWS call failed: Unable to locate credentials\n"
