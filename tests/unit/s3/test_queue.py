"""Batches of the queue: what fails comes back alone, the rest of its batch does not."""

import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from events.generate import message
from tests import buckets
from tests.buckets import CANARY, Cloud, start_worker
from tests.events import CONTEXT
from tests.fakes import FakeEngine
from tests.loggers import new_logger
from thyroid.files.result_files import Outcome
from thyroid.s3 import worker
from thyroid.s3.events import Upload
from thyroid.s3.queue import process_messages

cloud = buckets.cloud


class Told:
    """Stands for a worker: notes what it is told of, and may fail."""

    def __init__(self, fails: Callable[[Upload], bool] = lambda _upload: False) -> None:
        self.fails = fails
        self.uploads: list[tuple[str, str]] = []

    def process(self, upload: Upload, request_id: str) -> Outcome:
        self.uploads.append((upload.key, request_id))
        if self.fails(upload):
            raise OSError(CANARY)
        return Outcome(status="analysed")


def failed_of(by: Any, *messages: dict[str, Any], stream: io.StringIO | None = None) -> list[str]:
    """Answer a batch; return which messages have to come back."""
    logger = new_logger(stream or io.StringIO())
    with ThreadPoolExecutor(10) as pool:
        given = process_messages({"Records": list(messages)}, CONTEXT, by, pool, logger)
    assert set(given) == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in given["batchItemFailures"]]


def test_only_what_failed_comes_back() -> None:
    told_of = Told(lambda upload: upload.key == "b.png")
    messages = [message(name, "the-uploads", f"{name}.png") for name in "abc"]
    assert failed_of(told_of, *messages) == ["b"]
    assert sorted(told_of.uploads) == [("a.png", "a"), ("b.png", "b"), ("c.png", "c")]


def test_a_batch_of_which_all_fails_is_no_failure_of_the_function() -> None:
    assert failed_of(Told(lambda _upload: True), message("a", "b", "a.png"), message("c", "b", "c.png")) == ["a", "c"]


def test_a_message_about_several_images_comes_back_where_one_of_them_fails() -> None:
    # GIVEN a message of S3 itself, which may tell of several
    told = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": key}}}
        for key in ("a.png", "b.png")
    ]
    both = {**message("both", "b", ""), "body": json.dumps({"Records": told})}
    # WHEN one of them fails THEN the message comes back, and only that
    assert failed_of(Told(lambda upload: upload.key == "b.png"), both, message("c", "b", "c.png")) == ["both"]
    # AND where none fails, both are processed under its name
    told_of = Told()
    assert failed_of(told_of, both) == []
    assert told_of.uploads == [("a.png", "both"), ("b.png", "both")]


def test_a_message_about_nothing_is_done() -> None:
    told_of = Told()
    assert failed_of(told_of, {**message("a", "b", "x/"), "messageId": "a"}) == []
    assert told_of.uploads == []


def test_a_message_that_cannot_be_read_comes_back_and_is_logged_without_what_is_in_it() -> None:
    stream = io.StringIO()
    unreadable = {**message("a", "b", "a.png"), "body": f"no event about {CANARY}"}
    assert failed_of(Told(), unreadable, message("c", "b", "c.png"), stream=stream) == ["a"]
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert (line["level"], line["message"], line["request_id"]) == ("ERROR", "unreadable message", "a")
    assert CANARY not in stream.getvalue()


def test_the_images_of_a_batch_are_in_transfer_together() -> None:
    # GIVEN a worker that goes on only when all ten are at it
    together = threading.Barrier(10, timeout=20)

    class Waiting(Told):
        def process(self, upload: Upload, request_id: str) -> Outcome:
            together.wait()
            return super().process(upload, request_id)

    # THEN none is left waiting
    assert failed_of(Waiting(), *(message(str(n), "b", f"{n}.png") for n in range(10))) == []


def test_but_only_one_is_scored_at_a_time(cloud: Cloud) -> None:
    # GIVEN a model that notices when it is asked twice at once
    class Alone(FakeEngine):
        def __init__(self) -> None:
            super().__init__()
            self.busy = threading.Lock()

        def score(self, tensor: Any) -> float:
            assert self.busy.acquire(blocking=False), "two images are scored at once"
            try:
                threading.Event().wait(0.005)  # time for another to come in
                return super().score(tensor)
            finally:
                self.busy.release()

    running = start_worker(Alone())
    for number in range(10):
        cloud.upload(f"{number}.png")
    assert failed_of(running.worker, *(without_state(str(n), f"{n}.png") for n in range(10))) == []
    assert running.engine.calls == 10


class Read:
    """A body that tells when it is read."""

    def __init__(self, body: Any, while_reading: Callable[[], object]) -> None:
        self._body, self._while_reading = body, while_reading

    def __enter__(self) -> "Read":
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()

    def read(self) -> bytes:
        self._while_reading()
        data: bytes = self._body.read()
        return data


def reading(running: buckets.WorkerProcess, while_reading: Callable[[], object]) -> None:
    """Have a process tell when it reads an image."""

    def wrap(_number: int, name: str, given: dict[str, Any]) -> None:
        if name == "s3.get_object":
            given["Body"] = Read(given["Body"], while_reading)

    running.calls.after = wrap


def test_files_are_read_together(cloud: Cloud) -> None:
    # GIVEN files of which each is read only when all ten are
    running, together = start_worker(), threading.Barrier(10, timeout=20)
    for number in range(10):
        cloud.upload(f"{number}.png")
    reading(running, together.wait)
    # WHEN they come in one batch THEN none is left waiting
    assert failed_of(running.worker, *(without_state(str(n), f"{n}.png") for n in range(10))) == []


def test_but_large_ones_are_not_held_in_memory_together(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN files that count as large, and one who notices when two are read at once, or read while one is scored
    monkeypatch.setattr(worker, "LARGE_BYTES", 10)
    busy, met = threading.Lock(), []

    def alone() -> None:
        if not busy.acquire(blocking=False):
            met.append("two at once")
            return
        threading.Event().wait(0.005)  # time for another to come in
        busy.release()

    class Alone(FakeEngine):
        def score(self, tensor: Any) -> float:
            alone()
            return super().score(tensor)

    running = start_worker(Alone())
    for number in range(10):
        cloud.upload(f"{number}.png")
    reading(running, alone)
    # WHEN they come in one batch THEN they are read one after the other
    assert failed_of(running.worker, *(without_state(str(n), f"{n}.png") for n in range(10))) == []
    assert met == []


def test_a_message_that_is_in_a_batch_twice_costs_one_inference(cloud: Cloud) -> None:
    running = start_worker()
    cloud.upload("a.png")
    first, second = without_state("first", "a.png"), without_state("second", "a.png")
    # THEN one of them may have to come back, since the other is at it
    assert failed_of(running.worker, first, second) in ([], ["first"], ["second"])
    assert failed_of(running.worker, first, second) == []
    assert running.engine.calls == 1


def without_state(name: str, key: str) -> dict[str, Any]:
    """A message that does not tell which version it is about."""
    told = message(name, buckets.UPLOADS, key)
    body = json.loads(told["body"])
    del body["detail"]["object"]["version-id"], body["detail"]["object"]["etag"]
    return {**told, "body": json.dumps(body)}


def test_a_batch_that_is_none_of_sqs_is_an_error() -> None:
    with pytest.raises(Exception, match="batch event type"), ThreadPoolExecutor(1) as pool:
        process_messages({}, CONTEXT, Told(), pool, Logger(service="queue", stream=io.StringIO()))  # type: ignore[arg-type]
