"""Moves the messages of a stack's dead-letter queue back to its queue: ``python -m deploy.replay STACK``.

AWS moves the messages itself where it can. Where it cannot, or only some are to be moved, they are moved one by one:
sent first and deleted after, so that a crash in between duplicates a message and never loses one. The worker processes
no image a second time.

No message is printed: it holds the name of a file, which may be that of a patient.
"""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from deploy.stack import CommandError, Stack, exit_status

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef as Task

WORKER_LOGS = "UploadsLogs"
PAUSE_SECONDS = 2
LONG_POLL_SECONDS = 5
# SQS may return no message although there is one, but hardly three times in a row.
EMPTY_RECEIVES = 3

# Error codes of a local AWS, or of a region, that lacks the call.
MISSING_CALL_CODES = {
    "InvalidAction",
    "NotImplemented",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedOperation",
}
NOT_IMPLEMENTED = 501


def replay(stack: Stack, limit: int | None = None) -> None:
    """Move the messages and print how many.

    Parameters
    ----------
    stack : Stack
        The stack of the dead-letter queue.
    limit : int, optional
        Maximum number of messages, moved one by one, since AWS moves all or none; by default all that are there now.

    Raises
    ------
    CommandError
        If AWS stopped, or messages came back meanwhile.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS returns an error.
    """
    outputs = stack.outputs("DeadLettersUrl", "UploadsQueueUrl")
    source, destination = outputs["DeadLettersUrl"], outputs["UploadsQueueUrl"]
    logs = stack.physical_name(WORKER_LOGS)
    sqs = stack.client("sqs")
    visible, hidden = _count(sqs, source)
    if hidden:
        print(f"In the dead-letter queue, received by another reader and hidden for a while: {hidden}")  # noqa: T201
    if not visible:
        print("There is nothing to move in the dead-letter queue.")  # noqa: T201
        return
    print(f"In the dead-letter queue, to be moved: {visible}")  # noqa: T201
    if limit is not None:
        moved = move_one_by_one(sqs, source, destination, min(limit, visible))
    else:
        try:
            moved = move_by_aws(sqs, _arn(sqs, source), _arn(sqs, destination))
        except ClientError as error:
            if not _is_missing_call(error):
                raise
            moved = move_one_by_one(sqs, source, destination, visible)
    print(f"Moved back to the queue: {moved} of {visible}")  # noqa: T201
    print(f"If some come back, the worker's log says why: aws logs tail {logs} --region {sqs.meta.region_name}")  # noqa: T201


def move_by_aws(sqs: "SQSClient", source: str, destination: str) -> int:
    """Let SQS move all messages; return approximately how many it moved.

    Parameters
    ----------
    sqs : types_boto3_sqs.SQSClient
        Client of SQS.
    source, destination : str
        ARNs of the queues.

    Raises
    ------
    CommandError
        If it moved more messages than there were, which means that messages come back, or if it did not finish.
    """
    earlier = _latest_task(sqs, source)
    if earlier.get("Status") == "RUNNING":
        print("AWS is moving them already.")  # noqa: T201
        earlier = {}
    else:
        # The destination is given, since messages from EventBridge have no source queue that SQS could return them to.
        sqs.start_message_move_task(SourceArn=source, DestinationArn=destination)
    try:
        task = _wait_for_task(sqs, source, earlier)
    except (KeyboardInterrupt, BotoCoreError, ClientError):
        print("AWS continues to move them; the same command shows the progress.", file=sys.stderr)  # noqa: T201
        raise
    moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
    if task["Status"] != "COMPLETED":
        reason = f" ({task['FailureReason']})" if "FailureReason" in task else ""
        raise CommandError(f"AWS moved about {moved} messages and ended as {task['Status']}{reason}.")
    return moved


def move_one_by_one(sqs: "SQSClient", source: str, destination: str, max_messages: int) -> int:
    """Receive, send and delete each message; return how many were moved.

    Parameters
    ----------
    sqs : types_boto3_sqs.SQSClient
        Client of SQS.
    source, destination : str
        Addresses of the queues.
    max_messages : int
        Maximum number of messages. A message that fails again comes back, and would otherwise be moved forever.
    """
    moved = empty = 0
    with tqdm(total=max_messages, desc="moving", unit="message") as bar:
        while moved < max_messages and empty < EMPTY_RECEIVES:
            response = sqs.receive_message(
                QueueUrl=source,
                MaxNumberOfMessages=min(10, max_messages - moved),
                WaitTimeSeconds=LONG_POLL_SECONDS,
                MessageAttributeNames=["All"],
            )
            messages = response.get("Messages", [])
            empty = 0 if messages else empty + 1
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                sqs.send_message(QueueUrl=destination, MessageBody=message["Body"], MessageAttributes=attributes)
                sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
                bar.update()
    return moved


def _wait_for_task(sqs: "SQSClient", source: str, earlier: "Task") -> "Task":
    """Wait until the task after an earlier one has ended; return it."""
    with tqdm(desc="moving", unit="message") as bar:
        while True:
            task = _latest_task(sqs, source)
            # For a moment the list may not have the new task yet. A task's handle is shown only while it runs.
            if task.get("StartedTimestamp") != earlier.get("StartedTimestamp"):
                moved = task.get("ApproximateNumberOfMessagesMoved", 0)
                total = task.get("ApproximateNumberOfMessagesToMove")
                bar.n, bar.total = moved, total
                bar.refresh()
                if task["Status"] not in ("RUNNING", "CANCELLING"):
                    return task
                if task["Status"] == "RUNNING" and total and moved > total:
                    # It would continue for as long as they come back, up to 36 hours.
                    sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
                    raise CommandError(
                        f"About {moved} messages were moved where {total} had been: some come back. Moving was stopped."
                    )
            time.sleep(PAUSE_SECONDS)


def _latest_task(sqs: "SQSClient", source: str) -> "Task":
    tasks = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1).get("Results", [])
    return tasks[0] if tasks else {}


def _count(sqs: "SQSClient", queue: str) -> tuple[int, int]:
    """Return the numbers of a queue's visible messages and of those that are hidden because they were received."""
    names: list[QueueAttributeNameType] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return int(attributes[names[0]]), int(attributes[names[1]])


def _arn(sqs: "SQSClient", queue: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    return str(attributes["QueueArn"])


def _is_missing_call(error: ClientError) -> bool:
    # SQS writes AWS.SimpleQueueService. before some of its codes.
    code = error.response["Error"]["Code"].rpartition(".")[2]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code in MISSING_CALL_CODES or status == NOT_IMPLEMENTED


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"has to be a number from 1 on, not {text!r}")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.replay", description="Move the messages of the dead-letter queue back to its queue."
    )
    parser.add_argument("stack", help="name of the deployed stack")
    parser.add_argument("--region", help="region of the stack; by default that of the credentials")
    parser.add_argument(
        "--limit", type=_at_least_one, help="maximum number of messages, moved one by one; by default all"
    )
    options = parser.parse_args(arguments)
    return exit_status(lambda: replay(Stack(options.stack, options.region or None), options.limit))


if __name__ == "__main__":
    sys.exit(main())
