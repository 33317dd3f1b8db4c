"""Analyses the images of an archive with a deployed stack, and shows the progress.

``python -m deploy.archive STACK``. The work is done in AWS, by the stack's state machine: this command starts a run,
waits for it and prints its summary. It may be stopped before the run has ended.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from deploy.stack import CommandError, Stack, exit_status

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

PAUSE_SECONDS = 2
Ended = Literal["succeeded", "failed", "timedOut", "aborted"]
ENDED: tuple[Ended, ...] = get_args(Ended)


def archive(stack: Stack, run_input: Mapping[str, Any], name: str | None = None, detach: bool = False) -> None:
    """Start a run; unless detached, wait for its end and print its summary.

    Parameters
    ----------
    stack : Stack
        The stack whose state machine runs.
    run_input : mapping
        The state machine's input: ``bucket``, ``prefix`` and ``manifest``, each optional.
    name : str, optional
        Name of the run; AWS chooses one if left out. With the name and input of a run that has not ended, the command
        watches that run instead of starting another.
    detach : bool, optional
        Return as soon as the run is started.

    Raises
    ------
    CommandError
        If the run or some of its images failed.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS returns an error.
    """
    outputs = stack.outputs("ArchiveArn", "ResultsBucket")
    states = stack.client("stepfunctions")
    named = {"name": name} if name else {}
    started = states.start_execution(stateMachineArn=outputs["ArchiveArn"], input=json.dumps(run_input), **named)
    arn = started["executionArn"]
    run = arn.rpartition(":")[2]
    here = f"--region {states.meta.region_name} --execution-arn {arn}"
    still_running = (
        "The run continues in AWS.\n"
        f"To watch it again: the same command with --name {run}\n"
        f"To see it: aws stepfunctions describe-execution {here}\n"
        f"To stop it: aws stepfunctions stop-execution {here}"
    )
    print(f"Run {run} was started.")  # noqa: T201
    if detach:
        print(still_running)  # noqa: T201
        return
    try:
        execution = _wait_for_end(states, arn)
    except (KeyboardInterrupt, BotoCoreError, ClientError):
        # Credentials may expire before a long run ends. The run does not fail then.
        print(still_running, file=sys.stderr)  # noqa: T201
        raise

    if execution["status"] != "SUCCEEDED":
        summary = _stored_summary(stack, outputs["ResultsBucket"], run)
        if summary:
            print(readable(summary))  # noqa: T201
        if execution["status"] == "TIMED_OUT":
            another = ", with another --name" if name else ""
            raise CommandError(
                "The run took longer than the stack's ArchiveTimeoutSeconds and was stopped (TIMED_OUT). Start it again"
                f"{another}: what is done is skipped."
            )
        # Not the cause: it may hold the name of a file, which may be that of a patient.
        reason = f" ({execution['error']})" if execution.get("error") else ""
        ended = f"The run ended as {execution['status']}{reason}"
        raise CommandError(f"{ended}: aws stepfunctions describe-execution {here}")
    summary = json.loads(execution["output"])
    print(readable(summary))  # noqa: T201
    if summary["pictures"].get("failed") or summary["items"]["succeeded"] < summary["items"]["total"]:
        raise CommandError("Some images failed; the parts tell the status of each image.")


def readable(summary: Mapping[str, Any]) -> str:
    """Return a run's summary as lines of text."""
    items = summary["items"]
    lines = {
        "run": f"{summary['run']}, {summary['started']} to {summary['ended']}",
        "items": f"{items['succeeded']} of {items['total']} succeeded, {items['failed']} failed",
        "images": _counts(summary["pictures"]),
        "risks": _counts(summary["risks"]),
        "refused for": _counts(summary["codes"]),
        "summary": summary["summary"],
        "parts": summary["parts"],
    }
    return "\n".join(f"{name + ':':<13}{value}" for name, value in lines.items())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _wait_for_end(states: "SFNClient", arn: str) -> "DescribeExecutionOutputTypeDef":
    """Wait until a run has ended and show its progress; return its execution."""
    with tqdm(desc="analysing", unit="image") as bar:
        while True:
            # Before the counts, so that the last counts shown are the final ones.
            execution = states.describe_execution(executionArn=arn)
            maps = states.list_map_runs(executionArn=arn)["mapRuns"]
            if maps:  # they are listed some time after the start
                latest = max(maps, key=lambda started: started["startDate"])["mapRunArn"]
                counts = states.describe_map_run(mapRunArn=latest)["itemCounts"]
                bar.n, bar.total = sum(counts[state] for state in ENDED), counts["total"]
                bar.set_postfix(failed=bar.n - counts["succeeded"])
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(PAUSE_SECONDS)


def _stored_summary(stack: Stack, bucket: str, run: str) -> dict[str, Any] | None:
    """Return the summary that a failed run may have left."""
    try:
        stored = stack.client("s3").get_object(Bucket=bucket, Key=f"archives/{run}/summary.json")["Body"].read()
    except (BotoCoreError, ClientError):  # it is missing or not readable; the command reports the failure anyway
        return None
    summary: dict[str, Any] = json.loads(stored)
    return summary


def _s3_object(address: str) -> dict[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket or not key:
        raise argparse.ArgumentTypeError(f"has to be like s3://bucket/path/manifest.json, not {address!r}")
    return {"bucket": bucket, "key": key}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.archive", description="Analyse the images of an archive in a bucket."
    )
    parser.add_argument("stack", help="name of the deployed stack")
    parser.add_argument("--region", help="region of the stack; by default that of the credentials")
    parser.add_argument("--bucket", help="bucket of the images; by default the stack's bucket of uploads")
    parser.add_argument("--prefix", help="prefix of their keys")
    parser.add_argument("--manifest", type=_s3_object, help="list of the images, as S3 Inventory writes it: s3://…")
    parser.add_argument("--name", help="name of the run, unique for each run; by default AWS chooses one")
    parser.add_argument("--detach", action="store_true", help="start the run and do not wait for its end")
    options = parser.parse_args(arguments)
    if options.manifest and options.prefix:
        parser.error("a manifest lists the images, whatever their prefix: give one of the two")
    given = {"bucket": options.bucket, "prefix": options.prefix, "manifest": options.manifest}
    run_input = {name: value for name, value in given.items() if value}
    stack = Stack(options.stack, options.region or None)
    return exit_status(lambda: archive(stack, run_input, options.name, options.detach))


if __name__ == "__main__":
    sys.exit(main())
