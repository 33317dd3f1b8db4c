"""S3, DynamoDB and EventBridge that fail, by kind, at every call that the upload path makes.

Whatever it is, just the messages that it concerns come again, no image is lost or wrongly decided meanwhile, nothing
of a patient is told, and once AWS works again there is one whole decision.
"""

import hashlib
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest

from events.generate import message
from functions import s3_worker, upload_links
from tests import buckets, clock as clocks, faulty_aws
from tests.buckets import BROKEN, OVER, RESULTS, SETTINGS, SOUND, UPLOADS, Cloud, check_no_result_stands_alone, decided
from tests.canaries import NAME, images, leaks
from tests.clock import Clock
from tests.events import CONTEXT, rest_event
from tests.fakes import FakeEngine
from tests.faulty_aws import (
    CLOSED,
    CONNECT,
    READ,
    REFUSED,
    Fault,
    Wire,
    cut_off,
    garbled,
    refused,
    unheard,
    unreached,
)
from thyroid.core.analyzer import Analyzer
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT
from thyroid.s3 import clients
from thyroid.s3.batch import MAX_RETRIES, BatchError
from thyroid.s3.events import Upload
from thyroid.s3.link import new_id

cloud = buckets.cloud
aws_wire = faulty_aws.aws_wire
clock = clocks.clock

HIT = f"{NAME}/hit.png"
SCORE = 0.1234

# The first process of an image has no time left when it fails, so that the next may have it at once.
CONTEXT_THAT_ENDS: Any = SimpleNamespace(**{**vars(CONTEXT), "get_remaining_time_in_millis": lambda: OVER})


@pytest.fixture(scope="module", autouse=True)
def own_clients() -> Iterator[None]:
    """Clients of this module alone, for all of its tests: making one takes as long as a test."""
    for cached in (clients.s3, clients.dynamodb, clients.events, clients.signer):
        cached.cache_clear()
    yield
    for cached in (clients.s3, clients.dynamodb, clients.events, clients.signer):
        cached.cache_clear()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(SCORE)


@pytest.fixture
def handler(
    cloud: Cloud, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, Any], Any], Any]]:
    """The function's handler, as a process has it that was just started."""
    settings = SETTINGS.__class__(**{**vars(SETTINGS), "metrics_namespace": "Thyroid"})
    for cached in (s3_worker._records, s3_worker._worker):
        cached.cache_clear()
    monkeypatch.setattr(s3_worker, "get_settings", lambda: settings)
    monkeypatch.setattr(s3_worker, "analyzer", Analyzer(settings, lambda _settings: engine))
    yield s3_worker.handler
    for cached in (s3_worker._records, s3_worker._worker):
        cached.cache_clear()


def told(upload: Upload, *, state: bool = True) -> dict[str, Any]:
    """A message about an image; without its state where that has to be found out."""
    event = message("x", upload.bucket, upload.key)
    body = json.loads(event["body"])
    del body["detail"]["object"]["version-id"], body["detail"]["object"]["etag"]
    if state:
        body["detail"]["object"] |= {"version-id": upload.version, "etag": upload.etag}
    return {**event, "messageId": name_of(upload.key), "body": json.dumps(body)}


def name_of(key: str) -> str:
    """Name a message; not as its key is, which names a patient."""
    return key.rpartition("/")[2]


def record_of(upload: Upload, engine: FakeEngine) -> str:
    """The name of an image's record."""
    identity = {**vars(upload), "model": engine.manifest.sha256}
    return f"upload#{hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()}"


def text_of(request: AWSPreparedRequest) -> str:
    """All that says what is asked: a file that is sent is no part of it."""
    body = request.body if "X-Amz-Target" in request.headers else b""
    assert isinstance(body, bytes)
    return f"{request.url} {body.decode()}"


# --- where it fails, and how ------------------------------------------------------------------------------------------

# What an image asks of AWS, in this order: operation, and what its request holds. `RECORD` is the image's own.
CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "which state it is": ("s3.HeadObject", (UPLOADS, HIT)),
    "that it is begun": ("dynamodb.PutItem", ("RECORD",)),
    "whether it is decided": ("s3.HeadObject", (RESULTS, HIT, RESULT)),
    "whether it is refused": ("s3.HeadObject", (RESULTS, HIT, ERROR)),
    "the image": ("s3.GetObject", (UPLOADS, HIT)),
    "to write the heatmap": ("s3.PutObject", (RESULTS, HIT, HEATMAP)),
    "to write the overlay": ("s3.PutObject", (RESULTS, HIT, OVERLAY)),
    "to write the result": ("s3.PutObject", (RESULTS, HIT, RESULT)),
    "to tell others": ("eventbridge.PutEvents", (HIT,)),
    "that it is done": ("dynamodb.UpdateItem", ("RECORD",)),
}
OF_S3 = [call for call, (operation, _) in CALLS.items() if operation.startswith("s3.")]
OF_DYNAMODB = [call for call, (operation, _) in CALLS.items() if operation.startswith("dynamodb.")]

# Kind, and whether botocore itself tries it again.
ANYWHERE: dict[str, tuple[Fault, bool]] = {
    "connection refused": (unreached(REFUSED), True),
    "no connection in time": (unreached(CONNECT), True),
    "no answer in time": (unreached(READ), True),
    "the connection is closed": (unreached(CLOSED), True),
    "a page of a proxy, 502": (garbled(502), True),
    "a page of a proxy, 503": (garbled(503), True),
    "a page of a proxy, 403": (garbled(403), False),
    "AccessDenied": (refused(403, "AccessDenied"), False),
}
BY_SERVICE: dict[str, dict[str, tuple[Fault, bool]]] = {
    "s3": {
        "SlowDown": (refused(503, "SlowDown"), True),
        "InternalError": (refused(500, "InternalError"), True),
        "ServiceUnavailable": (refused(503, "ServiceUnavailable"), True),
        "RequestTimeTooSkewed": (refused(403, "RequestTimeTooSkewed"), False),
        "ExpiredToken": (refused(403, "ExpiredToken"), False),
    },
    "dynamodb": {
        "ProvisionedThroughputExceeded": (refused(400, "ProvisionedThroughputExceededException"), True),
        "ThrottlingException": (refused(400, "ThrottlingException"), True),
        "RequestLimitExceeded": (refused(400, "RequestLimitExceeded"), True),
        "InternalServerError": (refused(500, "InternalServerError"), True),
        "ResourceNotFound": (refused(400, "ResourceNotFoundException"), False),
        "AccessDeniedException": (refused(400, "AccessDeniedException"), False),
        "ExpiredTokenException": (refused(400, "ExpiredTokenException"), False),
    },
    "eventbridge": {
        "ThrottlingException": (refused(400, "ThrottlingException"), True),
        "InternalException": (refused(500, "InternalException"), True),
        "AccessDeniedException": (refused(400, "AccessDeniedException"), False),
    },
}
# HEAD has no body to say this in, and 404 alone says that there is no such file.
ONLY_WITH_A_BODY: dict[str, tuple[Fault, bool]] = {
    "NoSuchBucket": (refused(404, "NoSuchBucket"), False),
    "RequestTimeout": (refused(400, "RequestTimeout"), True),
}
ONLY_OF_THE_IMAGE: dict[str, tuple[Fault, bool]] = {
    "InvalidObjectState": (refused(403, "InvalidObjectState"), False),
    "half of its bytes": (cut_off, False),
}


# Where every kind is tried. What becomes of one does not depend on the call; tests/slow has every pair.
IN_FULL = {"that it is begun", "the image", "to write the result", "to tell others"}
ELSEWHERE = {"no answer in time", "AccessDenied", "SlowDown", "ThrottlingException"}


def some_kinds_of(call: str) -> dict[str, tuple[Fault, bool]]:
    return {kind: fault for kind, fault in kinds_of(call).items() if call in IN_FULL or kind in ELSEWHERE}


def kinds_of(call: str) -> dict[str, tuple[Fault, bool]]:
    operation, _ = CALLS[call]
    kinds = ANYWHERE | BY_SERVICE[operation.partition(".")[0]]
    if operation in {"s3.GetObject", "s3.PutObject"}:
        kinds |= ONLY_WITH_A_BODY
    return kinds | ONLY_OF_THE_IMAGE if call == "the image" else kinds


class Told:
    """What a process printed and logged from one look to the next."""

    def __init__(self, written: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self.written, self.capsys = written, capsys

    def __call__(self) -> str:
        text = self.written.getvalue() + "".join(self.capsys.readouterr())
        self.written.seek(0)
        self.written.truncate()
        return text


@pytest.fixture
def printed(written: io.StringIO, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(logging.getLogger("moto"), "level", logging.WARNING)  # which is no part of a worker
    return Told(written, capsys)


def hits(call: str, upload: Upload, engine: FakeEngine) -> Callable[[str, AWSPreparedRequest], bool]:
    operation, holds = CALLS[call]
    wanted = [record_of(upload, engine) if each == "RECORD" else each for each in holds]
    wanted = [each.replace(HIT, upload.key) for each in wanted]
    return lambda sent, request: sent == operation and all(each in text_of(request) for each in wanted)


def failed(response: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def check_is_decided(cloud: Cloud, upload: Upload) -> None:
    files = cloud.results(upload.key)
    assert decided(files) == (RESULT, upload.version)
    assert files[RESULT].json["prediction"]["confidence_score"] == SCORE


@pytest.mark.parametrize("call", CALLS)
def test_whatever_fails_at_a_call_its_message_alone_comes_again_until_it_is_done(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    check_each_comes_again_until_it_is_done(call, some_kinds_of(call), handler, cloud, engine, aws_wire, printed)


def check_each_comes_again_until_it_is_done(
    call: str,
    kinds: dict[str, tuple[Fault, bool]],
    handler: Any,
    cloud: Cloud,
    engine: FakeEngine,
    aws_wire: Wire,
    printed: Told,
) -> None:
    # GIVEN images, for each of which the call fails in another way whenever it is made, and one that nothing is with
    image = images()["PNG"]
    hit = {kind: cloud.upload(f"{NAME}/hit{number}.png", image) for number, kind in enumerate(kinds)}
    met = {kind: aws_wire.fails(kinds[kind][0], hits(call, upload, engine)) for kind, upload in hit.items()}
    other = cloud.upload(f"{NAME}/other.png", image)
    printed()
    # WHEN all are told of in one batch
    messages = [told(upload, state=call != "which state it is") for upload in (*hit.values(), other)]
    response = handler({"Records": messages}, CONTEXT_THAT_ENDS)
    # THEN just those come again, after as many tries as make sense
    assert sorted(failed(response)) == sorted(name_of(upload.key) for upload in hit.values())
    tries = {kind: failing.met for kind, failing in met.items()}
    assert tries == {kind: faulty_aws.TRIES if retried else 1 for kind, (_, retried) in kinds.items()}
    check_is_decided(cloud, other)
    # AND nothing wrong is said of any: a decision, if there is one, is whole and its own
    for kind, upload in hit.items():
        check_no_result_stands_alone(files := cloud.results(upload.key))
        assert ERROR not in files, kind
        assert (RESULT in files) == (call in {"to tell others", "that it is done"}), kind
    # AND it is told that they failed, and nothing of a patient
    text = printed()
    assert text.count('"outcome":"failed"') == text.count('"FailedUploads":[1.0]') == len(hit)
    assert not leaks(text)
    # WHEN AWS works again, and the messages come back
    aws_wire.mend()
    before = engine.calls
    assert failed(handler({"Records": messages}, CONTEXT)) == []
    # THEN all is done, with no more than one inference for each, and for good
    for upload in hit.values():
        check_is_decided(cloud, upload)
    assert engine.calls - before <= len(hit)
    assert failed(handler({"Records": messages}, CONTEXT)) == []
    assert engine.calls - before <= len(hit)
    assert cloud.statuses() == {"COMPLETED"}
    assert not leaks(printed())


@pytest.mark.parametrize("call", CALLS)
def test_what_fails_but_once_is_healed_before_anyone_hears_of_it(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    kinds = {kind: fault for kind, (fault, retried) in some_kinds_of(call).items() if retried}
    hit = {kind: cloud.upload(f"{NAME}/hit{number}.png") for number, kind in enumerate(kinds)}
    met = [aws_wire.fails(kinds[kind], hits(call, upload, engine), times=1) for kind, upload in hit.items()]

    messages = [told(upload, state=call != "which state it is") for upload in hit.values()]
    assert failed(handler({"Records": messages}, CONTEXT)) == []

    assert [failing.met for failing in met] == [1] * len(kinds)
    assert engine.calls == len(kinds)
    for upload in hit.values():
        check_is_decided(cloud, upload)
    assert cloud.statuses() == {"COMPLETED"}


def test_a_client_that_met_so_much_trouble_that_it_tries_but_once_leaves_it_to_the_queue(
    handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore bounds how much of what a client asks is asked again."""
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda _quota, _amount: False)
    hit = cloud.upload(HIT)
    aws_wire.fails(refused(503, "SlowDown"), hits("the image", hit, engine), times=1)

    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == [name_of(HIT)]

    assert cloud.results(HIT) == {}
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)


# --- answers that are lost --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [call for call in CALLS if call != "that it is begun"])
def test_a_call_that_took_effect_and_whose_answer_was_lost_does_no_harm(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    """botocore makes it again; a write then meets what it wrote itself, which S3's conditions refuse."""
    hit = cloud.upload(HIT)
    failing = aws_wire.fails(unheard, hits(call, hit, engine), times=1)

    assert failed(handler({"Records": [told(hit, state=call != "which state it is")]}, CONTEXT)) == []

    assert failing.met == 1
    assert engine.calls == 1
    check_is_decided(cloud, hit)
    assert cloud.statuses() == {"COMPLETED"}


def test_one_that_cannot_know_that_it_was_itself_who_began_leaves_it_for_later(
    handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, clock: Clock
) -> None:
    # GIVEN that the response is lost which says that the image is begun
    hit = cloud.upload(HIT)
    aws_wire.fails(unheard, hits("that it is begun", hit, engine), times=1)
    # WHEN botocore asks again THEN it seems that another is at it, and the message comes back
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == [name_of(HIT)]
    assert (engine.calls, cloud.results(HIT)) == (0, {})
    # AND is done when the time of that invocation is over
    clock.ahead += CONTEXT.get_remaining_time_in_millis() / 1000 + 1
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_whose_answer_is_lost_again_and_again_is_left_for_later(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    hit = cloud.upload(HIT)
    state = call != "which state it is"
    aws_wire.fails(unheard, hits(call, hit, engine))

    assert failed(handler({"Records": [told(hit, state=state)]}, CONTEXT_THAT_ENDS)) == [name_of(HIT)]
    check_no_result_stands_alone(cloud.results(HIT))

    aws_wire.mend()
    assert failed(handler({"Records": [told(hit, state=state)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)
    assert cloud.statuses() == {"COMPLETED"}


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")])
@pytest.mark.parametrize("call", ["to write the heatmap", "to write the overlay", "to write the result"])
def test_a_write_that_met_another_once_is_tried_again_at_once(
    call: str, status: int, code: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    hit = cloud.upload(HIT)
    failing = aws_wire.fails(refused(status, code), hits(call, hit, engine), times=1)

    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []

    assert (failing.met, engine.calls) == (1, 1)
    check_is_decided(cloud, hit)


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")])
@pytest.mark.parametrize("call", ["to write the heatmap", "to write the overlay", "to write the result"])
def test_and_one_that_meets_others_again_and_again_is_left_for_later(
    call: str, status: int, code: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    hit = cloud.upload(HIT)
    aws_wire.fails(refused(status, code), hits(call, hit, engine))
    printed()

    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == [name_of(HIT)]

    assert RESULT not in cloud.results(HIT)
    text = printed()
    assert '"error":"ConflictError"' in text
    assert not leaks(text)
    aws_wire.mend()
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)


def test_a_record_that_another_wrote_leaves_the_image_to_him(
    handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    hit = cloud.upload(HIT)
    aws_wire.fails(refused(400, "ConditionalCheckFailedException"), hits("that it is begun", hit, engine))
    printed()

    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == [name_of(HIT)]

    assert (engine.calls, cloud.results(HIT)) == (0, {})
    assert not leaks(printed())
    aws_wire.mend()
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)


REMOVALS = {"of a refusal": (BROKEN, ERROR), "of a result": (SOUND, RESULT)}
DELETED: dict[str, tuple[Fault, int]] = {
    "AccessDenied": (refused(403, "AccessDenied"), -1),
    "SlowDown": (refused(503, "SlowDown"), -1),
    "no answer in time": (unreached(READ), -1),
    "its answer is lost once": (unheard, 1),
    "its answer is lost again and again": (unheard, -1),
    "another was faster": (refused(412, "PreconditionFailed"), 1),
    "it is being written": (refused(409, "ConditionalRequestConflict"), 1),
    "it is gone": (refused(404, "NoSuchKey"), 1),
}


@pytest.mark.parametrize("kind", DELETED)
@pytest.mark.parametrize("which", REMOVALS)
def test_an_older_decision_that_cannot_be_removed_is_never_beside_the_newer(
    which: str, kind: str, handler: Any, cloud: Cloud, aws_wire: Wire, printed: Told
) -> None:
    # GIVEN a decision about an older version, whose removal fails
    earlier, decision = REMOVALS[which]
    assert failed(handler({"Records": [told(cloud.upload(HIT, earlier))]}, CONTEXT)) == []
    new = cloud.upload(HIT, SOUND)
    fault, times = DELETED[kind]
    prefix = f"{HIT}/{decision}"
    failing = aws_wire.fails(fault, lambda sent, request: sent == "s3.DeleteObject" and prefix in request.url, times)
    printed()
    # WHEN a new version comes
    response = handler({"Records": [told(new)]}, CONTEXT_THAT_ENDS)
    # THEN it comes again or is done, and there is no other decision beside its own
    assert failing.met
    assert failed(response) == ([name_of(HIT)] if times < 0 else [])
    assert not {RESULT, ERROR} <= set(cloud.results(HIT))
    assert not leaks(printed())
    # AND in the end there is its own
    aws_wire.mend()
    assert failed(handler({"Records": [told(new)]}, CONTEXT)) == []
    check_is_decided(cloud, new)


@pytest.mark.parametrize("kind", BY_SERVICE["dynamodb"])
def test_an_image_that_failed_and_cannot_be_given_back_is_anyones_when_its_time_is_over(
    kind: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    # GIVEN that neither the image can be read, nor the record of its beginning removed
    hit = cloud.upload(HIT)
    fault, _ = BY_SERVICE["dynamodb"][kind]
    read = hits("the image", hit, engine)
    aws_wire.fails(
        lambda request, let_through: (refused(503, "SlowDown") if "s3." in request.url else fault)(
            request, let_through
        ),
        lambda sent, request: sent == "dynamodb.DeleteItem" or read(sent, request),
    )
    printed()
    # WHEN it is told of THEN it comes again, and again until its time is over, and then it is done
    assert failed(handler({"Records": [told(hit)]}, CONTEXT_THAT_ENDS)) == [name_of(HIT)]
    assert cloud.results(HIT) == {}
    assert not leaks(printed())
    aws_wire.mend()
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    check_is_decided(cloud, hit)


def test_an_event_that_the_bus_does_not_take_is_told_again(
    handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    hit = cloud.upload(HIT)
    entry = {"ErrorCode": "ThrottlingException", "ErrorMessage": NAME}
    body = json.dumps({"FailedEntryCount": 1, "Entries": [entry]}).encode()
    aws_wire.fails(lambda request, _pass: faulty_aws.respond(request, 200, body), hits("to tell others", hit, engine))
    printed()

    assert failed(handler({"Records": [told(hit)]}, CONTEXT_THAT_ENDS)) == [name_of(HIT)]

    text = printed()
    assert '"error":"NotificationError"' in text
    assert not leaks(text)
    aws_wire.mend()
    assert failed(handler({"Records": [told(hit)]}, CONTEXT)) == []
    assert engine.calls == 1


# --- images that are gone, which is no trouble of AWS's ---------------------------------------------------------------


def test_an_image_that_is_gone_is_decided_and_does_not_come_again(
    handler: Any, cloud: Cloud, engine: FakeEngine, printed: Told
) -> None:
    hit = cloud.upload(HIT)
    cloud.delete(HIT)
    printed()

    for state in (True, False):
        assert failed(handler({"Records": [told(hit, state=state)]}, CONTEXT)) == []

    assert decided(cloud.results(HIT))[0] == ERROR
    assert cloud.results(HIT)[ERROR].json["code"] == "not_found"
    assert engine.calls == 0
    assert not leaks(printed())


@pytest.mark.parametrize("state", [True, False], ids=["state told", "state not told"])
def test_a_bucket_that_is_gone_says_nothing_of_its_images(
    state: bool, handler: Any, cloud: Cloud, engine: FakeEngine, printed: Told
) -> None:
    nowhere = Upload("a-bucket-of-nobody", HIT, "a-version", "an-etag")
    printed()

    assert failed(handler({"Records": [told(nowhere, state=state)]}, CONTEXT_THAT_ENDS)) == [name_of(HIT)]

    assert (engine.calls, cloud.keys()) == (0, [])
    assert not leaks(printed())


# --- the same of an archive -------------------------------------------------------------------------------------------


def archive(*keys: str, attempt: int = 0) -> dict[str, Any]:
    given = {"bucket": UPLOADS, "run": "a-run", "encoded": False}
    return {"Items": [{"Key": key} for key in keys], "BatchInput": given, "Attempt": attempt}


ARCHIVE_CALLS = ["which state it is", "that it is begun", "the image"]


@pytest.mark.parametrize("call", ARCHIVE_CALLS)
def test_a_batch_of_an_archive_is_tried_again_as_often_as_helps_and_then_says_which_failed(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: Told
) -> None:
    kinds = some_kinds_of(call)
    hit = {kind: cloud.upload(f"{NAME}/hit{number}.png") for number, kind in enumerate(kinds)}
    for kind, upload in hit.items():
        aws_wire.fails(kinds[kind][0], hits(call, upload, engine))
    other = cloud.upload(f"{NAME}/other.png")
    keys = [upload.key for upload in (*hit.values(), other)]
    printed()
    # WHEN a batch fails THEN it is tried again
    with pytest.raises(BatchError) as error:
        handler(archive(*keys), CONTEXT_THAT_ENDS)
    assert not leaks(str(error.value))
    # AND after the last try it is counted, and its lines name what failed
    assert handler(archive(*keys, attempt=MAX_RETRIES), CONTEXT_THAT_ENDS) == {"failed": len(hit), "analysed": 1}
    check_is_decided(cloud, other)
    (part,) = cloud.keys("archives/a-run/parts/")
    lines = [json.loads(line) for line in cloud.file(part).content.splitlines()]
    assert [line["key"] for line in lines if line["status"] == "failed"] == [upload.key for upload in hit.values()]
    assert not leaks(printed())
    # AND the next run does it
    aws_wire.mend()
    assert handler(archive(*keys), CONTEXT) == {"analysed": len(keys)}
    for upload in hit.values():
        check_is_decided(cloud, upload)


# What S3 says where trying again does not help; HEAD has no body, and 403 is all that it says.
FOR_GOOD = {
    "which state it is": {"AccessDenied": refused(403, "AccessDenied"), "403": refused(403, "InvalidObjectState")},
    "the image": {"AccessDenied": refused(403, "AccessDenied"), "in Glacier": refused(403, "InvalidObjectState")},
}


@pytest.mark.parametrize("call", FOR_GOOD)
def test_what_trying_again_does_not_help_is_counted_at_once(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    hit = [cloud.upload(f"{NAME}/hit{number}.png") for number in range(len(FOR_GOOD[call]))]
    for upload, fault in zip(hit, FOR_GOOD[call].values(), strict=True):
        aws_wire.fails(fault, hits(call, upload, engine))

    assert handler(archive(*(upload.key for upload in hit)), CONTEXT) == {"failed": len(hit)}

    assert cloud.keys("results/") == []


def test_a_batch_whose_lines_cannot_be_written_is_tried_again(
    handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire
) -> None:
    hit = cloud.upload(HIT)
    aws_wire.fails(refused(503, "SlowDown"), lambda sent, request: sent == "s3.PutObject" and "/parts/" in request.url)
    with pytest.raises(Exception, match="SlowDown"):
        handler(archive(hit.key, attempt=MAX_RETRIES), CONTEXT)
    aws_wire.mend()
    assert handler(archive(hit.key), CONTEXT) == {"analysed": 1}
    assert engine.calls == 1
    assert cloud.keys("archives/a-run/parts/")


# --- and who asks what became of it -----------------------------------------------------------------------------------


@pytest.fixture
def links(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str | None], dict[str, Any]]]:
    """The function that hands out links."""
    upload_links._of_the_buckets.cache_clear()
    monkeypatch.setattr(upload_links, "get_settings", lambda: SETTINGS)

    def ask(method: str, path: str, body: str | None = None) -> dict[str, Any]:
        sent = rest_event(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
        return upload_links.handler(sent, CONTEXT)

    yield ask
    upload_links._of_the_buckets.cache_clear()


def test_who_asks_for_a_result_is_told_that_it_is_our_fault_until_s3_works_again(
    links: Any, handler: Any, cloud: Cloud, aws_wire: Wire, printed: Told
) -> None:
    given = json.loads(links("POST", "/api/v1/uploads", '{"content_type": "image/png"}')["body"])
    assert failed(handler({"Records": [told(cloud.upload(f"api/{given['id']}"))]}, CONTEXT)) == []
    kinds = ANYWHERE | BY_SERVICE["s3"] | ONLY_WITH_A_BODY | ONLY_OF_THE_IMAGE
    for kind, (fault, _) in kinds.items():
        printed()
        # WHEN S3 does not give the result
        aws_wire.fails(fault, lambda sent, _request: sent == "s3.GetObject")
        response = links("GET", given["result"])
        # THEN that is one error of ours, neither waiting nor an image that never came
        problem = json.loads(response["body"])
        assert (response["statusCode"], problem["code"]) == (500, "internal_error"), kind
        assert response["headers"]["content-type"] == "application/problem+json"
        # AND neither the response nor the log shows what S3 said, or who may ask for the result
        text = printed()
        assert '"message":"unexpected error"' in text, kind
        assert not leaks(text + response["body"]), kind
        assert given["id"] not in text, kind
        aws_wire.mend()
        assert links("GET", given["result"])["statusCode"] == 200


def test_a_bucket_that_is_gone_is_our_fault_and_no_unused_link(links: Any, cloud: Cloud, aws_wire: Wire) -> None:
    """Asked for an object alone, S3 says 404 of it whether the object is missing or the whole bucket."""
    address = f"/api/v1/uploads/{new_id(int(time.time()) - 100)}"
    assert links("GET", address)["statusCode"] == 404

    heads = {"s3.HeadObject", "s3.HeadBucket"}
    aws_wire.fails(refused(404, "NoSuchBucket"), lambda sent, request: sent in heads and UPLOADS in request.url)

    response = links("GET", address)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (500, "internal_error")
