"""Buckets, a table and a worker between them, for tests: moto stands in for AWS, a fake for the model."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import BaseBackend

from tests.fakes import FakeEngine
from tests.images import image_file
from tests.loggers import new_logger
from thyroid.core.analyzer import Analyzer
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT
from thyroid.s3.events import Upload
from thyroid.s3.idempotency import IdempotencyRecords
from thyroid.s3.notify import notify
from thyroid.s3.store import ResultStore
from thyroid.s3.worker import Worker
from thyroid.settings import Settings

UPLOADS, RESULTS, TABLE = "the-uploads", "the-results", "the-records"
SETTINGS = Settings(uploads_bucket=UPLOADS, results_bucket=RESULTS, records_table=TABLE)

SOUND = image_file()
BROKEN = SOUND[: len(SOUND) // 2]

# How long an invocation still has. What a killed one left undone is anyone's again once its time is over.
ENOUGH, OVER = 60_000, -1_000


def _work_out_once(of: Any, name: str) -> None:
    """Make a property of a class one that each object works out once."""
    kept = cached_property(vars(of)[name].fget)
    kept.__set_name__(of, name)
    setattr(of, name, kept)


# moto works out all addresses of a service again for each request: an eighth of the time that a request takes.
_work_out_once(BaseBackend, "urls")


@dataclass(frozen=True)
class File:
    """An object of the results bucket."""

    content: bytes
    media_type: str
    metadata: dict[str, str]
    version: str

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Cloud:
    """Both buckets, with versions as the template makes them, and the table; the clients here are for looking."""

    def __init__(self) -> None:
        self.s3 = client("s3")
        self.dynamodb = client("dynamodb")
        for name in (UPLOADS, RESULTS):
            self.add_bucket(name)
        self.dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def add_bucket(self, name: str, *, versions: bool = True) -> None:
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        if versions:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def upload(self, key: str, data: bytes = SOUND, bucket: str = UPLOADS) -> Upload:
        """Put an image there, and say of it what an event would."""
        put = self.s3.put_object(Bucket=bucket, Key=key, Body=data)
        return Upload(bucket, key, put.get("VersionId"), put["ETag"].strip('"'))

    def delete(self, key: str, bucket: str = UPLOADS) -> None:
        self.s3.delete_object(Bucket=bucket, Key=key)

    def file(self, key: str) -> File:
        found = self.s3.get_object(Bucket=RESULTS, Key=key)
        return File(found["Body"].read(), found["ContentType"], found["Metadata"], found["VersionId"])

    def keys(self, prefix: str = "") -> list[str]:
        """Keys of the results bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=RESULTS, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def results(self, key: str) -> dict[str, File]:
        """The results of an image of the uploads bucket, by name."""
        prefix = f"results/{key}/"
        return {name.removeprefix(prefix): self.file(name) for name in self.keys(prefix)}

    def records(self) -> list[dict[str, Any]]:
        """All of the table: id, status, data."""
        items = self.dynamodb.scan(TableName=TABLE)["Items"]
        return [{name: next(iter(value.values())) for name, value in item.items()} for item in items]

    def statuses(self) -> set[str]:
        return {record["status"] for record in self.records()}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A new one, with nothing in it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield Cloud()


@dataclass
class Calls:
    """What a process asks of AWS, one call after the other, by names as `s3.get_object`.

    Attributes
    ----------
    made : list of tuple of str and dict
        Name and parameters of each.
    before : callable
        Is told of each, its number and name, before it is made. What it raises comes out of the call; a code that it
        returns is the error that AWS returns, and the call has no effect.
    after : callable
        Is told after it took effect or was refused, with the response, which it may change.
    """

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before: Callable[[int, str], str | None] = lambda _number, _name: None
    after: Callable[[int, str, Any], None] = lambda _number, _name, _response: None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


class _Client:
    """A client of AWS that tells of its calls."""

    def __init__(self, service: str, calls: Calls) -> None:
        self._service, self._calls = service, calls

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method == "meta":  # so that no one who writes his name into requests does it again and again
            raise AttributeError(method)
        return partial(self._call, method)

    def _call(self, method: str, **params: Any) -> Any:
        calls, name, number = self._calls, f"{self._service}.{method}", len(self._calls.made)
        calls.made.append((name, params))
        if code := calls.before(number, name):
            raise client_error(code, method)
        try:
            response: dict[str, Any] = getattr(client(self._service), method)(**params)
        except ClientError as error:
            calls.after(number, name, error.response)
            raise
        calls.after(number, name, response)
        return response


def recording_client(service: str, calls: Calls) -> Any:
    """A client of AWS that tells of its calls; of the type of any, as fakes are."""
    return _Client(service, calls)


@cache
def client(service: str) -> Any:
    """A client for all tests, since making one takes as long as ten calls."""
    make: Any = boto3.client  # typed for literal names alone
    return make(service)


def context_with(milliseconds: int) -> Any:
    """The context of an invocation that has so much time left."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)


CANARY = "Jane-Doe"


def client_error(code: str, method: str = "get_object") -> ClientError:
    """An error that AWS returns; its message shows what messages of AWS may show."""
    operation = method.title().replace("_", "")
    return ClientError({"Error": {"Code": code, "Message": f"{CANARY}: {code}"}}, operation)


class Killed(BaseException):
    """The process ends here: not even `except Exception` hears of it."""


@dataclass(frozen=True)
class WorkerProcess:
    """A worker, as one process of the function has it, and what it was seen to do."""

    worker: Worker
    calls: Calls
    engine: FakeEngine
    stream: io.StringIO

    def process(self, upload: Upload) -> Any:
        return self.worker.process(upload, "a-request")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def published(self) -> list[dict[str, Any]]:
        """Events that were put on the bus."""
        return [entry for name, params in self.calls.made if name == "events.put_events" for entry in params["Entries"]]


def start_worker(
    engine: FakeEngine | None = None,
    remaining: int = ENOUGH,
    open_engine: Callable[..., Any] | None = None,
    **settings: Any,
) -> WorkerProcess:
    """Start a worker, whose invocation has so many milliseconds left."""
    calls = Calls()
    s3, dynamodb, events = (recording_client(name, calls) for name in ("s3", "dynamodb", "events"))
    engine, own = engine or FakeEngine(), replace(SETTINGS, **settings)
    records = IdempotencyRecords(dynamodb, TABLE)
    records.register_context(context_with(remaining))
    store, stream = ResultStore(s3, RESULTS, UPLOADS), io.StringIO()
    logger = new_logger(stream)
    service = Analyzer(own, open_engine or (lambda _settings: engine))
    return WorkerProcess(
        Worker(own, service, s3, store, records, partial(notify, events, store), logger), calls, engine, stream
    )


def decided(files: Mapping[str, File]) -> tuple[str, str | None]:
    """Name the one decision that lies there and the version that it is about; everything has to be of that one."""
    decisions = {RESULT, ERROR} & set(files)
    assert len(decisions) == 1, f"{sorted(files)} are not one decision"
    (decision,) = decisions
    assert set(files) == ({RESULT, HEATMAP, OVERLAY} if decision == RESULT else {ERROR})
    versions = {file.metadata.get("input-version") for file in files.values()}
    assert len(versions) == 1, f"these are about several versions: {versions}"
    (version,) = versions
    assert files[decision].json["input"]["version_id"] == version
    return decision, version


def check_no_result_stands_alone(files: Mapping[str, File]) -> None:
    """A result speaks of its images, so it may never lie there without them."""
    assert RESULT not in files or {HEATMAP, OVERLAY} <= set(files), f"there is a result among {sorted(files)}"


@contextmanager
def raised_at(calls: Calls, number: int, moment: str, error: BaseException) -> Iterator[None]:
    """Let the call of this number fail, before it is made or after it took effect."""

    def before(at: int, _name: str) -> None:
        if at == number and moment == "before":
            raise error

    def after(at: int, _name: str, _response: Any) -> None:
        if at == number and moment == "after":
            raise error

    calls.before, calls.after = before, after
    yield
    del calls.before, calls.after
