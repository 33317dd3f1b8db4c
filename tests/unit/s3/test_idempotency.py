"""An image's work is done once, and what came of it is remembered for longer than a message can come back."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
)

from tests import buckets
from tests.buckets import ENOUGH, OVER, TABLE, Calls, Cloud, Killed, context_with, recording_client
from thyroid.files.result_files import Outcome
from thyroid.s3.events import Upload
from thyroid.s3.idempotency import IdempotencyRecords

cloud = buckets.cloud

UPLOAD = Upload("a-bucket", "a.png", "version", "etag")
MODEL = "a" * 64
DONE = Outcome(status="analysed", score=0.1234, label="Maligne – sûr", risk="Low Risk", model_sha256=MODEL)
DAY = 24 * 3600


def records(calls: Calls | None = None, remaining: int = ENOUGH) -> IdempotencyRecords:
    """Another process each time: nothing is remembered but in the table."""
    made = IdempotencyRecords(recording_client("dynamodb", calls or Calls()), TABLE)
    made.register_context(context_with(remaining))
    return made


class Work:
    """Work that counts how often it is done."""

    def __init__(self, outcome: Outcome = DONE) -> None:
        self.outcome, self.done = outcome, 0

    def __call__(self) -> Outcome:
        self.done += 1
        return self.outcome


def failing(error: BaseException) -> Any:
    def fail() -> Outcome:
        raise error

    return fail


def change(cloud: Cloud, **values: str) -> None:
    """Change numbers of the only record."""
    (record,) = cloud.records()
    for name, value in values.items():
        cloud.dynamodb.update_item(
            TableName=TABLE,
            Key={"id": {"S": record["id"]}},
            UpdateExpression="SET #n = :v",
            ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues={":v": {"N": value}},
        )


OUTCOMES = [DONE, Outcome(status="refused", code="unreadable_image"), Outcome(status="superseded")]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.status)
def test_what_is_done_is_not_done_again_and_its_outcome_is_the_same(outcome: Outcome, cloud: Cloud) -> None:
    work = Work(outcome)

    assert records().run_once(UPLOAD, MODEL, work) == (outcome, False)
    assert records().run_once(UPLOAD, MODEL, work) == (outcome, True)

    assert work.done == 1
    assert cloud.statuses() == {"COMPLETED"}


OTHERS = {
    "bucket": (Upload("b-bucket", "a.png", "version", "etag"), MODEL),
    "key": (Upload("a-bucket", "b.png", "version", "etag"), MODEL),
    "version": (Upload("a-bucket", "a.png", "another", "etag"), MODEL),
    "content, where there are no versions": (Upload("a-bucket", "a.png", "version", "another"), MODEL),
    "model": (UPLOAD, "b" * 64),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_bucket_key_version_or_model_is_work_of_its_own(what: str, cloud: Cloud) -> None:
    work = Work()
    records().run_once(UPLOAD, MODEL, work)

    assert records().run_once(*OTHERS[what], work) == (DONE, False)

    assert work.done == 2


def test_what_another_is_at_is_left_to_him(cloud: Cloud) -> None:
    # GIVEN one who is at it
    work = Work()

    def meanwhile() -> Outcome:
        with pytest.raises(IdempotencyAlreadyInProgressError):
            records().run_once(UPLOAD, MODEL, work)
        return DONE

    # WHEN another comes to it THEN it is in progress, and his is not done
    assert records().run_once(UPLOAD, MODEL, meanwhile) == (DONE, False)
    assert work.done == 0
    # AND the first one's record is as it should be
    assert records().run_once(UPLOAD, MODEL, work) == (DONE, True)


def test_threads_of_one_process_do_not_confuse_their_work(cloud: Cloud) -> None:
    shared, together = records(), threading.Barrier(8, timeout=30)

    def do(number: int) -> tuple[Outcome, bool]:
        def work() -> Outcome:
            together.wait()
            return Outcome(status="analysed", score=number / 10)

        return shared.run_once(Upload("a-bucket", f"{number}.png"), MODEL, work)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(do, range(8)))

    assert [(outcome.score, repeated) for outcome, repeated in outcomes] == [(n / 10, False) for n in range(8)]
    assert [records().run_once(Upload("a-bucket", f"{n}.png"), MODEL, Work())[0].score for n in range(8)] == [
        n / 10 for n in range(8)
    ]


# --- what comes to an end ---------------------------------------------------------------------------------------------


def test_what_a_killed_process_left_undone_is_anyones_once_its_time_is_over(cloud: Cloud) -> None:
    with pytest.raises(Killed):
        records(remaining=OVER).run_once(UPLOAD, MODEL, failing(Killed()))
    assert cloud.statuses() == {"INPROGRESS"}
    work = Work()

    assert records().run_once(UPLOAD, MODEL, work) == (DONE, False)

    assert work.done == 1
    assert cloud.statuses() == {"COMPLETED"}


def test_until_then_it_is_nobodys(cloud: Cloud) -> None:
    with pytest.raises(Killed):
        records(remaining=ENOUGH).run_once(UPLOAD, MODEL, failing(Killed()))
    work = Work()

    with pytest.raises(IdempotencyAlreadyInProgressError):
        records().run_once(UPLOAD, MODEL, work)

    assert work.done == 0


def test_each_invocation_has_a_time_of_its_own(cloud: Cloud) -> None:
    long = records(remaining=ENOUGH)
    long.register_context(context_with(OVER))
    with pytest.raises(Killed):
        long.run_once(UPLOAD, MODEL, failing(Killed()))

    assert records().run_once(UPLOAD, MODEL, Work()) == (DONE, False)


def test_what_failed_is_anyones_at_once(cloud: Cloud) -> None:
    with pytest.raises(RuntimeError, match="no luck"):
        records().run_once(UPLOAD, MODEL, failing(RuntimeError("no luck")))
    assert cloud.records() == []

    assert records().run_once(UPLOAD, MODEL, Work()) == (DONE, False)


def test_a_record_past_its_time_counts_for_nothing_though_it_is_still_there(cloud: Cloud) -> None:
    # GIVEN a record that DynamoDB has not yet deleted, which may take it days
    work = Work()
    records().run_once(UPLOAD, MODEL, work)
    change(cloud, expiration=str(int(time.time()) - 10))
    # WHEN the image is told of again THEN it is done again
    assert records().run_once(UPLOAD, MODEL, work) == (DONE, False)
    assert work.done == 2


def test_it_remembers_for_longer_than_a_message_can_come_back(cloud: Cloud) -> None:
    """Four days in the queue and a fortnight among the dead letters, from which it is sent back."""
    before = time.time()
    records().run_once(UPLOAD, MODEL, Work())

    (record,) = cloud.records()
    assert int(record["expiration"]) - before > (4 + 14 + 4) * DAY  # sent back, it may wait in the queue once more


# --- trouble with the table -------------------------------------------------------------------------------------------

TROUBLE = ["ProvisionedThroughputExceededException", "AccessDeniedException", "ResourceNotFoundException"]


@pytest.mark.parametrize("code", TROUBLE)
def test_without_a_record_no_work_is_begun(code: str, cloud: Cloud) -> None:
    calls, work = Calls(), Work()
    calls.before = lambda _number, name: code if name == "dynamodb.put_item" else None

    with pytest.raises(IdempotencyPersistenceLayerError):
        records(calls).run_once(UPLOAD, MODEL, work)

    assert work.done == 0


@pytest.mark.parametrize("code", TROUBLE)
def test_work_whose_end_cannot_be_recorded_has_failed_and_is_done_again_later(code: str, cloud: Cloud) -> None:
    # GIVEN that the end of the work cannot be written
    calls, work = Calls(), Work()
    calls.before = lambda _number, name: code if name == "dynamodb.update_item" else None
    # WHEN it is done THEN that is a failure
    with pytest.raises(IdempotencyPersistenceLayerError):
        records(calls, remaining=OVER).run_once(UPLOAD, MODEL, work)
    # AND it is done again, when the time of the first is over
    assert records().run_once(UPLOAD, MODEL, work) == (DONE, False)
    assert work.done == 2


def test_work_that_failed_and_cannot_be_given_back_has_failed_and_is_done_again_later(cloud: Cloud) -> None:
    calls = Calls()
    calls.before = lambda _number, name: TROUBLE[0] if name == "dynamodb.delete_item" else None

    with pytest.raises(IdempotencyPersistenceLayerError):
        records(calls, remaining=OVER).run_once(UPLOAD, MODEL, failing(RuntimeError("no luck")))

    assert records().run_once(UPLOAD, MODEL, Work()) == (DONE, False)


def test_a_record_is_found_by_every_release(cloud: Cloud) -> None:
    """Under another id all that is done would be done again, and by old and new side by side while both run."""
    records().run_once(UPLOAD, MODEL, Work())

    identity = {"bucket": "a-bucket", "key": "a.png", "version": "version", "etag": "etag", "model": MODEL}
    hashed = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    assert [record["id"] for record in cloud.records()] == [f"upload#{hashed}"]


def test_nothing_of_the_table_tells_a_key(cloud: Cloud) -> None:
    records().run_once(Upload("a-bucket", "Jane-Doe.png", "version", "etag"), MODEL, Work())

    assert "Jane" not in str(cloud.records())
