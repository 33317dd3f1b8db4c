"""Has the pictures of an archive analysed by a deployed stack, and shows how far it is.

``python -m deploy.archive STACK``. The work is done in AWS, by the stack's state machine: this command starts a run,
watches it and prints its summary, and may go before the run has ended.
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


def archive(stack: Stack, asked: Mapping[str, Any], name: str | None = None, detach: bool = False) -> None:
    """Start a run; unless detached, wait for its end and print its summary.

    Parameters
    ----------
    stack : Stack
        Whose state machine runs.
    asked : mapping
        The state machine's input: ``bucket``, ``prefix`` and ``manifest``, as far as they were given.
    name : str, optional
        Of the run; left out, AWS names it. The name and input of a run that goes on join it instead of starting one.
    detach : bool, optional
        Leave as soon as it was started.

    Raises
    ------
    CommandError
        If the run or some of its pictures failed.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS refuses.
    """
    outputs = stack.outputs("ArchiveArn", "ResultsBucket")
    states = stack.client("stepfunctions")
    named = {"name": name} if name else {}
    started = states.start_execution(stateMachineArn=outputs["ArchiveArn"], input=json.dumps(asked), **named)
    arn = started["executionArn"]
    run = arn.rpartition(":")[2]
    here = f"--region {states.meta.region_name} --execution-arn {arn}"
    goes_on = (
        "The run goes on in AWS.\n"
        f"To watch it again: the same command with --name {run}\n"
        f"To see it: aws stepfunctions describe-execution {here}\n"
        f"To stop it: aws stepfunctions stop-execution {here}"
    )
    print(f"Run {run} was started.")  # noqa: T201
    if detach:
        print(goes_on)  # noqa: T201
        return
    try:
        execution = _ended_execution(states, arn)
    except (KeyboardInterrupt, BotoCoreError, ClientError):
        # Credentials may end before a long run does. That is no failure of the run.
        print(goes_on, file=sys.stderr)  # noqa: T201
        raise

    if execution["status"] != "SUCCEEDED":
        summary = _stored_summary(stack, outputs["ResultsBucket"], run)
        if summary:
            print(readable(summary))  # noqa: T201
        if execution["status"] == "TIMED_OUT":
            another = ", with another --name" if name else ""
            raise CommandError(
                "The run took longer than the stack's ArchiveTimeoutSeconds and was stopped (TIMED_OUT). Start it again"
                f"{another}: what is done is passed over."
            )
        # Not the cause: it may hold the name of a file, which may be that of a patient.
        why = f" ({execution['error']})" if execution.get("error") else ""
        raise CommandError(f"The run ended as {execution['status']}{why}: aws stepfunctions describe-execution {here}")
    summary = json.loads(execution["output"])
    print(readable(summary))  # noqa: T201
    if summary["pictures"].get("failed") or summary["items"]["succeeded"] < summary["items"]["total"]:
        raise CommandError("Some pictures failed; what became of each is in the parts.")


def readable(summary: Mapping[str, Any]) -> str:
    """Return a run's summary for a person."""
    items = summary["items"]
    lines = {
        "run": f"{summary['run']}, {summary['started']} to {summary['ended']}",
        "items": f"{items['succeeded']} of {items['total']} succeeded, {items['failed']} failed",
        "pictures": _counts(summary["pictures"]),
        "risks": _counts(summary["risks"]),
        "refused for": _counts(summary["codes"]),
        "summary": summary["summary"],
        "parts": summary["parts"],
    }
    return "\n".join(f"{name + ':':<13}{value}" for name, value in lines.items())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _ended_execution(states: "SFNClient", arn: str) -> "DescribeExecutionOutputTypeDef":
    """Wait until a run has ended, showing how far it is; return it."""
    with tqdm(desc="analysing", unit="picture") as bar:
        while True:
            # Before the counts, so that what is shown last is what it ended with.
            execution = states.describe_execution(executionArn=arn)
            maps = states.list_map_runs(executionArn=arn)["mapRuns"]
            if maps:  # they are listed a while after the start
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
    except (BotoCoreError, ClientError):  # none there, or none to be read: that the run failed is said anyway
        return None
    summary: dict[str, Any] = json.loads(stored)
    return summary


def _s3_object(address: str) -> dict[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket or not key:
        raise argparse.ArgumentTypeError(f"has to be like s3://bucket/path/manifest.json, not {address!r}")
    return {"bucket": bucket, "key": key}


def main(arguments: list[str] | None = None) -> int:
    """Run over an archive; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.archive", description="Analyse the pictures of an archive in a bucket."
    )
    parser.add_argument("stack", help="name of the deployed stack")
    parser.add_argument("--region", help="where it is; left out, that of the credentials")
    parser.add_argument("--bucket", help="where the pictures lie; left out, the stack's bucket of uploads")
    parser.add_argument("--prefix", help="with which their names begin")
    parser.add_argument("--manifest", type=_s3_object, help="list of the pictures, as S3 Inventory writes it: s3://…")
    parser.add_argument("--name", help="of the run, another for each; left out, AWS names it")
    parser.add_argument("--detach", action="store_true", help="start the run, and do not wait for its end")
    options = parser.parse_args(arguments)
    if options.manifest and options.prefix:
        parser.error("a manifest lists the pictures, whatever their prefix: give one of the two")
    given = {"bucket": options.bucket, "prefix": options.prefix, "manifest": options.manifest}
    asked = {name: value for name, value in given.items() if value}
    stack = Stack(options.stack, options.region or None)
    return exit_status(lambda: archive(stack, asked, options.name, options.detach))


if __name__ == "__main__":
    sys.exit(main())
