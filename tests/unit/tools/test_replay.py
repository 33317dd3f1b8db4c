"""Dead letters get back to their queue: none is lost, none is printed, and it comes to an end."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from botocore.stub import Stubber
from moto import mock_aws

from deploy import replay
from deploy.replay import main
from deploy.stack import INTERRUPTED, Stack

BODY = "patients/DOE_JANE.png"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(replay, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(replay, "LONG_POLL_SECONDS", 0)
    with mock_aws():
        yield


def refusal(code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {}}
    return ClientError(answer, operation)


class CloudFormation:
    """It knows one stack."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self.outputs = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]

    def describe_stacks(self, **asked: str) -> Any:
        assert asked == {"StackName": "thyroid"}
        return {"Stacks": [{"Outputs": self.outputs}]}

    def describe_stack_resource(self, **asked: str) -> Any:
        assert asked == {"StackName": "thyroid", "LogicalResourceId": "UploadsLogs"}
        return {"StackResourceDetail": {"PhysicalResourceId": "worker-logs"}}


class Queues:
    """SQS as moto has it, without move tasks, which it lacks as a local AWS does."""

    def __init__(self) -> None:
        self.real: Any = boto3.client("sqs")
        self.queue = self.real.create_queue(QueueName="queue")["QueueUrl"]
        self.dead = self.real.create_queue(QueueName="dead")["QueueUrl"]
        self.receives = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def list_message_move_tasks(self, **_: Any) -> None:
        raise refusal("InvalidAction", "ListMessageMoveTasks")

    def receive_message(self, **asked: Any) -> Any:
        self.receives += 1
        return self.real.receive_message(**asked)

    def bury(self, count: int) -> None:
        for number in range(count):
            self.real.send_message(QueueUrl=self.dead, MessageBody=f"{BODY} {number}")

    def waiting(self, queue: str) -> int:
        """How many messages a queue has, hidden ones among them."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.real.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def bodies(self, queue: str) -> list[str]:
        received: list[str] = []
        while messages := self.real.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            received += [message["Body"] for message in messages]
        return sorted(received)


def use(monkeypatch: pytest.MonkeyPatch, **clients: Any) -> None:
    monkeypatch.setattr(Stack, "client", lambda _stack, service: clients[service])


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Queues:
    made = Queues()
    outputs = {"UploadsQueueUrl": made.queue, "DeadLettersUrl": made.dead}
    use(monkeypatch, cloudformation=CloudFormation(outputs), sqs=made)
    return made


# --- one by one ------------------------------------------------------------------------------------------------------


def test_where_nothing_lies_it_says_so(queues: Queues, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thyroid"]) == 0

    assert capsys.readouterr().out == "There is nothing to move in the dead-letter queue.\n"
    assert queues.receives == 0


def test_all_that_lies_there_gets_back_and_no_message_is_printed(
    queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.bury(23)

    assert main(["thyroid", "--region", "eu-central-1"]) == 0

    assert queues.waiting(queues.dead) == 0
    assert queues.bodies(queues.queue) == sorted(f"{BODY} {number}" for number in range(23))
    printed = capsys.readouterr()
    assert "to be moved: 23" in printed.out
    assert "Moved back to the queue: 23 of 23" in printed.out
    assert "aws logs tail worker-logs --region eu-central-1" in printed.out
    assert "DOE" not in printed.out + printed.err


def test_attributes_go_with_a_message_and_are_not_printed(queues: Queues, capsys: pytest.CaptureFixture[str]) -> None:
    attributes = {
        "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"},
        "ERROR_MESSAGE": {"DataType": "String", "StringValue": f"about {BODY}"},
        "RETRY_ATTEMPTS": {"DataType": "Number.int", "StringValue": "3"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    queues.send_message(QueueUrl=queues.dead, MessageBody=BODY, MessageAttributes=attributes)

    assert main(["thyroid"]) == 0

    (message,) = queues.real.receive_message(QueueUrl=queues.queue, MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]) == (BODY, attributes)
    printed = capsys.readouterr()
    assert "DOE" not in printed.out + printed.err


def test_no_more_are_moved_than_was_asked_for(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def not_to_be_asked(**_: Any) -> None:
        pytest.fail("AWS's own move would move all")

    monkeypatch.setattr(queues, "list_message_move_tasks", not_to_be_asked)
    queues.bury(12)

    assert main(["thyroid", "--limit", "11"]) == 0

    assert (queues.waiting(queues.queue), queues.waiting(queues.dead)) == (11, 1)
    assert "Moved back to the queue: 11 of 12" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["0", "-1", "some", "1.5"])
def test_a_limit_is_a_number_from_one_on(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["thyroid", f"--limit={limit}"])

    assert ended.value.code == 2
    assert "has to be a number from 1 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stopped_by", "status"), [(EndpointConnectionError(endpoint_url="https://sqs"), 1), (KeyboardInterrupt(), 130)]
)
def test_stopped_between_sending_and_deleting_it_duplicates_a_message_and_loses_none(
    queues: Queues,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopped_by: BaseException,
    status: int,
) -> None:
    def stop(**_: Any) -> None:
        raise stopped_by

    queues.bury(3)
    # So that the second run need not wait until what the first had received is to be seen again.
    queues.set_queue_attributes(QueueUrl=queues.dead, Attributes={"VisibilityTimeout": "0"})
    with monkeypatch.context() as crash:
        crash.setattr(queues, "delete_message", stop, raising=False)
        assert main(["thyroid"]) == status
    assert (queues.waiting(queues.queue), queues.waiting(queues.dead)) == (1, 3)

    assert main(["thyroid"]) == 0

    assert queues.waiting(queues.dead) == 0
    assert set(queues.bodies(queues.queue)) == {f"{BODY} {number}" for number in range(3)}
    printed = capsys.readouterr()
    assert "DOE" not in printed.out + printed.err


def test_what_cannot_be_sent_stays_where_it_lies(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> None:
        raise refusal("AccessDenied", "SendMessage")

    monkeypatch.setattr(queues, "send_message", refuse, raising=False)
    queues.real.send_message(QueueUrl=queues.dead, MessageBody=BODY)

    assert main(["thyroid"]) == 1

    assert (queues.waiting(queues.queue), queues.waiting(queues.dead)) == (0, 1)
    printed = capsys.readouterr()
    assert "error: The AWS call failed: An error occurred (AccessDenied)" in printed.err
    assert "DOE" not in printed.out + printed.err


@pytest.mark.parametrize("limit", [[], ["--limit", "100"]], ids=["all", "limit"])
def test_messages_that_come_back_meanwhile_are_not_moved_again(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, limit: list[str]
) -> None:
    sent: list[str] = []

    def fail_at_once(**asked: Any) -> None:
        sent.append(asked["MessageBody"])
        assert len(sent) <= 5, "it goes on for ever"
        queues.bury(1)

    queues.bury(5)
    monkeypatch.setattr(queues, "send_message", fail_at_once, raising=False)

    assert main(["thyroid", *limit]) == 0

    assert len(sent) == 5
    assert queues.waiting(queues.dead) == 5


def test_an_empty_answer_is_not_taken_for_an_empty_queue(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a queue that, as SQS may, gives nothing two times before each message
    asked: list[Any] = []

    def give_late(**wanted: Any) -> Any:
        asked.append(wanted)
        return {} if len(asked) % 3 else queues.real.receive_message(**wanted | {"MaxNumberOfMessages": 1})

    monkeypatch.setattr(queues, "receive_message", give_late)
    queues.bury(3)
    # WHEN / THEN
    assert main(["thyroid"]) == 0

    assert (queues.waiting(queues.queue), queues.waiting(queues.dead)) == (3, 0)


def test_it_ends_where_fewer_lay_there_than_was_counted(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.bury(2)
    monkeypatch.setattr(replay, "_count", lambda *_: (5, 0))

    assert main(["thyroid"]) == 0

    assert queues.waiting(queues.queue) == 2
    assert "Moved back to the queue: 2 of 5" in capsys.readouterr().out


def test_it_tells_of_messages_that_somebody_else_has_received(
    queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.bury(1)
    queues.real.receive_message(QueueUrl=queues.dead)

    assert main(["thyroid"]) == 0

    printed = capsys.readouterr().out
    assert "hidden for a while: 1" in printed
    assert "nothing to move" in printed


# --- by AWS itself ---------------------------------------------------------------------------------------------------

SOURCE, DESTINATION = "arn:aws:sqs:eu-central-1:123456789012:dead", "arn:aws:sqs:eu-central-1:123456789012:queue"
URLS = {"UploadsQueueUrl": "https://sqs.example/queue", "DeadLettersUrl": "https://sqs.example/dead"}
LISTED = {"SourceArn": SOURCE, "MaxResults": 1}
STARTED = {"SourceArn": SOURCE, "DestinationArn": DESTINATION}


def task(status: str, moved: int, of: int = 3, started: int = 2, **more: str) -> dict[str, Any]:
    counts = {"ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": of}
    handle = {"TaskHandle": "handle"} if status == "RUNNING" else {}
    return {"Results": [{"Status": status, "StartedTimestamp": started, **counts, **handle, **more}]}


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """AWS's SQS as its model describes it: three messages lie there."""
    client = boto3.client("sqs")
    with Stubber(client) as stub:
        counts = {"ApproximateNumberOfMessages": "3", "ApproximateNumberOfMessagesNotVisible": "0"}
        for attributes in (counts, {"QueueArn": SOURCE}, {"QueueArn": DESTINATION}):
            stub.add_response("get_queue_attributes", {"Attributes": attributes})
        use(monkeypatch, cloudformation=CloudFormation(URLS), sqs=client)
        yield stub
        stub.assert_no_pending_responses()


def test_aws_moves_them_itself_and_one_sees_how_far_it_is(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", task("RUNNING", 1), LISTED)
    sqs.add_response("list_message_move_tasks", task("RUNNING", 3), LISTED)  # all of them, and none came back
    sqs.add_response("list_message_move_tasks", task("COMPLETED", 3), LISTED)

    assert main(["thyroid"]) == 0

    printed = capsys.readouterr()
    assert "1/3" in printed.err
    assert "3/3" in printed.err
    assert "Moved back to the queue: 3 of 3" in printed.out
    assert "worker-logs" in printed.out


def test_an_earlier_move_is_not_taken_for_this_one(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = task("COMPLETED", 9, of=9, started=1)
    sqs.add_response("list_message_move_tasks", earlier, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", earlier, LISTED)
    sqs.add_response("list_message_move_tasks", task("COMPLETED", 3), LISTED)

    assert main(["thyroid"]) == 0

    assert "Moved back to the queue: 3 of 3" in capsys.readouterr().out


def test_a_move_that_goes_on_already_is_waited_for(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("list_message_move_tasks", task("RUNNING", 1), LISTED)
    sqs.add_response("list_message_move_tasks", task("COMPLETED", 3), LISTED)

    assert main(["thyroid"]) == 0

    assert "AWS is moving them already" in capsys.readouterr().out


def test_a_move_of_messages_that_come_back_is_stopped(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", task("RUNNING", 4), LISTED)
    sqs.add_response("cancel_message_move_task", {}, {"TaskHandle": "handle"})

    assert main(["thyroid"]) == 1

    assert "some come back" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (task("FAILED", 1, FailureReason="AccessDenied"), "FAILED (AccessDenied)"),
        (task("CANCELLED", 1), "CANCELLED"),
    ],
    ids=["failed", "cancelled"],
)
def test_a_move_that_does_not_get_to_the_end_is_an_error(
    sqs: Stubber, capsys: pytest.CaptureFixture[str], end: dict[str, Any], why: str
) -> None:
    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", end, LISTED)

    assert main(["thyroid"]) == 1

    assert f"AWS moved about 1 messages and ended as {why}." in capsys.readouterr().err


def test_a_move_that_somebody_else_stops_is_waited_for(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", task("CANCELLING", 1), LISTED)
    sqs.add_response("list_message_move_tasks", task("CANCELLED", 2), LISTED)

    assert main(["thyroid"]) == 1

    assert "AWS moved about 2 messages and ended as CANCELLED." in capsys.readouterr().err


def test_losing_sight_of_a_move_is_not_its_failure(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_client_error("list_message_move_tasks", "ExpiredToken", "It is over.")

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr().err
    assert "AWS continues to move them" in printed
    assert "(ExpiredToken)" in printed


def test_interrupted_it_says_that_aws_goes_on(
    sqs: Stubber, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, STARTED)
    sqs.add_response("list_message_move_tasks", task("RUNNING", 1), LISTED)
    monkeypatch.setattr("deploy.replay.time.sleep", interrupt)

    assert main(["thyroid"]) == INTERRUPTED

    assert "AWS continues to move them" in capsys.readouterr().err


@pytest.mark.parametrize("refused", ["list_message_move_tasks", "start_message_move_task"])
def test_without_the_right_to_move_one_sentence_says_so(
    sqs: Stubber, capsys: pytest.CaptureFixture[str], refused: str
) -> None:
    if refused == "start_message_move_task":
        sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_client_error(refused, "AccessDenied", "Not you.", http_status_code=403)

    assert main(["thyroid"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: The AWS call failed: An error occurred (AccessDenied)")


@pytest.mark.parametrize("lacking", ["list_message_move_tasks", "start_message_move_task"])
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidAction", 400),
        ("NotImplemented", 400),
        ("UnknownOperation", 404),
        ("UnknownOperationException", 404),
        ("UnsupportedOperation", 400),
        ("AWS.SimpleQueueService.UnsupportedOperation", 400),
        ("InternalFailure", 501),
    ],
)
def test_where_aws_lacks_the_call_they_are_moved_one_by_one(
    sqs: Stubber, capsys: pytest.CaptureFixture[str], lacking: str, code: str, status: int
) -> None:
    # GIVEN
    if lacking == "start_message_move_task":
        sqs.add_response("list_message_move_tasks", {"Results": []}, LISTED)
    sqs.add_client_error(lacking, code, http_status_code=status)
    # THEN no more are asked for than lay there, and each is deleted after it was sent
    received = [{"Body": f"{BODY} {number}", "ReceiptHandle": f"receipt {number}"} for number in range(3)]
    asked = {"MaxNumberOfMessages": 3, "WaitTimeSeconds": 0, "MessageAttributeNames": ["All"]}
    sqs.add_response("receive_message", {"Messages": received}, {"QueueUrl": URLS["DeadLettersUrl"], **asked})
    for message in received:
        sent = {"QueueUrl": URLS["UploadsQueueUrl"], "MessageBody": message["Body"], "MessageAttributes": {}}
        sqs.add_response("send_message", {}, sent)
        deleted = {"QueueUrl": URLS["DeadLettersUrl"], "ReceiptHandle": message["ReceiptHandle"]}
        sqs.add_response("delete_message", {}, deleted)
    # WHEN
    assert main(["thyroid"]) == 0

    printed = capsys.readouterr()
    assert "Moved back to the queue: 3 of 3" in printed.out
    assert "continues" not in printed.err
    assert "DOE" not in printed.out + printed.err


# --- what stops it before --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [NoCredentialsError(), NoRegionError(), refusal("AccessDenied", "DescribeStacks")],
    ids=lambda e: type(e).__name__,
)
def test_without_access_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def refuse(_stack: Stack, _service: str) -> None:
        raise error

    monkeypatch.setattr(Stack, "client", refuse)

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"error: The AWS call failed: {error}\n"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ValidationError", "There is no stack other in ca-central-1."),
        ("AccessDenied", "The AWS call failed: An error occurred (AccessDenied)"),
    ],
)
def test_a_stack_that_is_not_there_is_another_matter_than_one_that_may_not_be_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str, sentence: str
) -> None:
    real: Any = Stack.client

    def client(stack: Stack, service: str) -> Any:
        made = real(stack, service)
        stub = Stubber(made)
        stub.add_client_error("describe_stacks", code, "Stack with id other does not exist")
        stub.activate()
        return made

    monkeypatch.setattr(Stack, "client", client)

    assert main(["other", "--region", "ca-central-1"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {sentence}")


def test_a_stack_that_has_no_queue_yet_is_one_to_deploy_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, cloudformation=CloudFormation({"ApiUrl": "https://api.example"}))

    assert main(["thyroid"]) == 1

    assert capsys.readouterr().err == (
        "error: The stack thyroid has no DeadLettersUrl and no UploadsQueueUrl; deploy it again.\n"
    )
