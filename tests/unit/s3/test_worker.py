"""One image of a bucket, from what was told of it to its results: what becomes of it, whatever comes in between."""

import hashlib
import io
import json
import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.response import StreamingBody
from PIL import Image, PngImagePlugin
from starlette.testclient import TestClient
from urllib3.exceptions import ProtocolError, ReadTimeoutError as Urllib3Timeout

from functions import local
from tests import buckets
from tests.buckets import (
    BROKEN,
    CANARY,
    ENOUGH,
    OVER,
    SOUND,
    UPLOADS,
    Calls,
    Cloud,
    Killed,
    WorkerProcess,
    check_no_result_stands_alone,
    client_error,
    decided,
    raised_at,
    start_worker,
)
from tests.fakes import FakeEngine
from tests.images import image_file, noise_file, png_that_claims, ramp_image, saved
from thyroid import phantom
from thyroid.core.analyzer import Analyzer
from thyroid.core.audit import AuditRecord
from thyroid.errors import ModelUnavailableError
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT, ErrorFile, Outcome
from thyroid.s3 import clients  # noqa: F401 - it quiets the loggers of the clients
from thyroid.s3.events import Upload
from thyroid.s3.worker import LARGE_BYTES, MAX_ATTEMPTS, ConflictError
from thyroid.settings import Settings
from thyroid.web.app import the_analyzer

PHANTOM = saved(Image.fromarray(phantom.make_frame(1, suspicious=True, height=240, width=360)))

cloud = buckets.cloud

TEXT = b"These are the notes of a consultation, and no image at all.\n" * 8


# --- what becomes of an image -----------------------------------------------------------------------------------------


def test_an_image_becomes_a_result_with_its_images(cloud: Cloud) -> None:
    # GIVEN an image in the bucket
    upload = cloud.upload("clinic 7/an image.png")
    # WHEN the worker is told of it
    running = start_worker()
    outcome = running.process(upload)
    # THEN there is one result, which says what it was made of
    files = cloud.results(upload.key)
    assert decided(files) == (RESULT, upload.version)
    result = files[RESULT].json
    assert result["input"] == {
        "bucket": UPLOADS,
        "key": upload.key,
        "version_id": upload.version,
        "etag": upload.etag,
        "bytes": len(SOUND),
        "sha256": hashlib.sha256(SOUND).hexdigest(),
    }
    assert outcome == Outcome(
        status="analysed",
        score=0.1234,
        label="Benign (Non-Cancerous)",
        risk="Low Risk",
        model_sha256=running.engine.manifest.sha256,
        input_reasons="too_small",
    )
    assert result["prediction"]["confidence_score"] == outcome.score
    # AND the bus was told once
    assert [entry["DetailType"] for entry in running.published] == ["Image analysed"]


def test_a_new_image_costs_as_few_calls_as_it_can(cloud: Cloud) -> None:
    """An archive has millions, and each call is paid for and waited for."""
    running = start_worker()

    running.process(cloud.upload("a.png"))

    assert running.calls.names == [
        "dynamodb.put_item",
        "s3.head_object",  # is there a result already?
        "s3.head_object",  # or was it refused?
        "s3.get_object",
        "s3.put_object",
        "s3.put_object",
        "s3.put_object",
        "s3.head_object",  # did another refuse it meanwhile?
        "events.put_events",
        "dynamodb.update_item",
    ]


def test_a_result_says_how_long_the_file_took_to_arrive(cloud: Cloud) -> None:
    # GIVEN a file that takes its time
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, **_: Any) -> bytes:
            threading.Event().wait(0.02)
            return super().read(size)

    running = start_worker()

    def slow(_number: int, name: str, response: dict[str, Any]) -> None:
        if name == "s3.get_object":
            response["Body"].close()
            response["Body"] = StreamingBody(Slow(SOUND), len(SOUND))

    running.calls.after = slow
    # WHEN it is analysed
    running.process(cloud.upload("a.png"))
    # THEN it is told in milliseconds
    assert cloud.results("a.png")[RESULT].json["timings"]["read_ms"] >= 19


def test_its_file_name_is_the_keys_last_part(cloud: Cloud) -> None:
    start_worker().process(cloud.upload("2026/03/left lobe.png"))

    assert cloud.results("2026/03/left lobe.png")[RESULT].json["filename"] == "left lobe.png"


def test_an_image_of_another_bucket_lies_apart(cloud: Cloud) -> None:
    cloud.add_bucket("an-archive", versions=False)

    outcome = start_worker().process(cloud.upload("a.png", bucket="an-archive"))

    assert outcome.status == "analysed"
    assert set(cloud.keys()) == {f"buckets/an-archive/a.png/{name}" for name in (RESULT, HEATMAP, OVERLAY)}


def test_what_was_told_without_a_version_is_the_one_that_lies_there(cloud: Cloud) -> None:
    cloud.upload("a.png", BROKEN)
    upload = cloud.upload("a.png")

    start_worker().process(Upload(UPLOADS, "a.png"))

    assert decided(cloud.results("a.png")) == (RESULT, upload.version)


BAD_FILES = {
    "nothing": (b"", "invalid_request"),
    "text": (TEXT, "unsupported_media_type"),
    "a truncated image": (BROKEN, "unreadable_image"),
    "an image of too many pixels": (png_that_claims(60_000, 60_000), "payload_too_large"),
    "an image that is too small": (image_file()[:8] + image_file()[8:20], "unreadable_image"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_cannot_be_read_is_refused_as_the_api_refuses_it(
    kind: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the same bytes sent to the API, and uploaded
    data, code = BAD_FILES[kind]
    service = Analyzer(Settings(), lambda _settings: FakeEngine())
    monkeypatch.setitem(local.app.dependency_overrides, the_analyzer, lambda: service)
    response = TestClient(local.app).post("/api/v1/analyze", content=data, headers={"Content-Type": "image/png"})
    # WHEN the worker is told of them
    running = start_worker()
    outcome = running.process(cloud.upload("a.png", data))
    # THEN code and sentence are the same
    assert outcome == Outcome(status="refused", code=code, model_sha256="a" * 64)
    files = cloud.results("a.png")
    assert decided(files)[0] == ERROR
    refusal = ErrorFile.model_validate_json(files[ERROR].content)
    assert (refusal.code, refusal.detail) == (response.json()["code"], response.json()["detail"])
    assert refusal.code == code
    # AND nothing was inferred
    assert running.engine.calls == 0
    assert [entry["DetailType"] for entry in running.published] == ["Image refused"]


class Unread:
    """A stream that nobody may read."""

    def __init__(self) -> None:
        self.closed = False

    def __enter__(self) -> "Unread":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def read(self) -> bytes:
        raise AssertionError("it was read")


def test_a_file_over_the_limit_is_refused_without_being_read(cloud: Cloud) -> None:
    # GIVEN a file over the limit, whose body nobody may read
    running, body = start_worker(max_upload_bytes=len(SOUND) - 1), Unread()

    def unread(_number: int, name: str, response: dict[str, Any]) -> None:
        if name == "s3.get_object":
            response["Body"].close()
            response["Body"] = body

    running.calls.after = unread
    # WHEN the worker is told of it
    outcome = running.process(cloud.upload("a.png"))
    # THEN it is refused with the limit's name, and the connection is let go
    assert outcome == Outcome(status="refused", code="payload_too_large", model_sha256="a" * 64)
    refusal = cloud.results("a.png")[ERROR].json
    assert f"limit of {len(SOUND) - 1} bytes" in refusal["detail"]
    assert (refusal["input"]["bytes"], refusal["input"]["sha256"]) == (len(SOUND), None)
    assert body.closed


def test_a_file_of_just_the_limit_is_taken(cloud: Cloud) -> None:
    assert start_worker(max_upload_bytes=len(SOUND)).process(cloud.upload("a.png")).status == "analysed"


def test_a_large_file_is_taken_as_any_other(cloud: Cloud) -> None:
    data = noise_file(1200, 1300)
    assert len(data) > LARGE_BYTES

    assert start_worker().process(cloud.upload("a.png", data)).status == "analysed"


@pytest.mark.parametrize("version_known", [True, False])
def test_an_image_that_was_deleted_before_it_was_read_is_told_of_as_such(version_known: bool, cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    cloud.delete("a.png")

    running = start_worker()
    outcome = running.process(upload if version_known else Upload(UPLOADS, "a.png"))

    assert outcome == Outcome(status="refused", code="not_found", model_sha256="a" * 64)
    assert decided(cloud.results("a.png")) == (ERROR, upload.version if version_known else None)
    assert running.lines[-1]["repeated"] is False
    assert [entry["DetailType"] for entry in running.published] == ["Image refused"]


@pytest.mark.parametrize("version_known", [True, False])
@pytest.mark.parametrize("earlier", [SOUND, BROKEN])
def test_what_is_said_of_an_earlier_version_stays_when_a_later_one_is_deleted_unread(
    earlier: bytes, version_known: bool, cloud: Cloud
) -> None:
    start_worker().process(cloud.upload("a.png", earlier))
    before = cloud.results("a.png")
    upload = cloud.upload("a.png")
    cloud.delete("a.png")

    running = start_worker()
    running.process(upload if version_known else Upload(UPLOADS, "a.png"))

    assert cloud.results("a.png") == before
    assert running.published == []


@pytest.mark.parametrize(("earlier", "later", "decision"), [(SOUND, BROKEN, ERROR), (BROKEN, SOUND, RESULT)])
def test_a_new_version_takes_the_place_of_what_was_said_of_the_old_one(
    earlier: bytes, later: bytes, decision: str, cloud: Cloud
) -> None:
    start_worker().process(cloud.upload("a.png", earlier))

    upload = cloud.upload("a.png", later)
    start_worker().process(upload)

    assert decided(cloud.results("a.png")) == (decision, upload.version)


# --- what is not the image's fault ------------------------------------------------------------------------------------


def test_without_a_model_nothing_is_said_of_an_image(cloud: Cloud) -> None:
    upload = cloud.upload("a.png")

    def missing(*_: object) -> FakeEngine:
        raise ModelUnavailableError("There is none.")

    running = start_worker(open_engine=missing)
    with pytest.raises(ModelUnavailableError):
        running.process(upload)

    assert (cloud.keys(), cloud.records(), running.calls.names) == ([], [], [])


def test_a_model_that_fails_while_it_runs_is_no_fault_of_the_image(cloud: Cloud) -> None:
    class Failing(FakeEngine):
        def score(self, _tensor: Any) -> float:
            raise ModelUnavailableError("It does not run.")

    upload = cloud.upload("a.png")

    with pytest.raises(ModelUnavailableError):
        start_worker(Failing()).process(upload)

    assert (cloud.keys(), cloud.records()) == ([], [])


def cut_off(response: dict[str, Any]) -> None:
    """Let the body end in the middle."""
    response["Body"].close()
    response["Body"] = StreamingBody(io.BytesIO(SOUND[: len(SOUND) // 2]), len(SOUND))


class Raising(io.BytesIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, _size: int | None = -1, **_: Any) -> bytes:
        raise self.error


def raising(error: Exception) -> Callable[[dict[str, Any]], None]:
    def replace_body(response: dict[str, Any]) -> None:
        response["Body"].close()
        response["Body"] = StreamingBody(Raising(error), len(SOUND))

    return replace_body


BODIES = {
    "it ends in the middle": (cut_off, IncompleteReadError),
    "the connection is reset": (raising(ProtocolError("reset", ConnectionResetError())), ResponseStreamingError),
    "it stops": (raising(Urllib3Timeout(None, "/", "Read timed out.")), ReadTimeoutError),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_does_not_arrive_whole_is_never_judged(kind: str, cloud: Cloud) -> None:
    # GIVEN a body that breaks off
    change, error = BODIES[kind]
    upload, running = cloud.upload("a.png"), start_worker()

    def break_off(_number: int, name: str, response: dict[str, Any]) -> None:
        if name == "s3.get_object":
            change(response)

    running.calls.after = break_off
    # WHEN the worker is told of it THEN it fails
    with pytest.raises(error):
        running.process(upload)
    # AND nothing was said, and nothing stands in the way of the next try
    assert (cloud.keys(), cloud.records(), running.engine.calls, running.published) == ([], [], 0, [])
    assert start_worker().process(upload).status == "analysed"


CODES = ["AccessDenied", "SlowDown", "InternalError", "ServiceUnavailable", "NoSuchBucket"]
UNREACHED = [
    EndpointConnectionError(endpoint_url="https://s3.example"),
    ConnectionClosedError(endpoint_url="https://s3.example"),
    ReadTimeoutError(endpoint_url="https://s3.example"),
]


@pytest.mark.parametrize("trouble", [*CODES, *UNREACHED], ids=lambda t: t if isinstance(t, str) else type(t).__name__)
def test_trouble_with_aws_fails_the_image_and_leaves_it_to_the_next_try(trouble: str | Exception, cloud: Cloud) -> None:
    # GIVEN trouble with one of the calls that an image takes, each in its turn
    whole = start_worker()
    whole.process(cloud.upload("a.png"))
    names = whole.calls.names
    assert {"s3.head_object", "s3.get_object", "s3.put_object", "dynamodb.put_item", "events.put_events"} <= set(names)
    for number, name in enumerate(names):
        # (where the work is done and that cannot be recorded, only the end of its time makes it anyone's again)
        key, remaining = f"{number}.png", OVER if name == "dynamodb.update_item" else ENOUGH
        upload, running = cloud.upload(key), start_worker(remaining=remaining)

        def meet(at: int, _name: str, number: int = number) -> str | None:
            if at == number and isinstance(trouble, Exception):
                raise trouble
            return trouble if at == number and isinstance(trouble, str) else None

        running.calls.before = meet
        # WHEN the worker is told of it THEN it fails
        with pytest.raises(Exception, match=r".") as failed:
            running.process(upload)
        assert not isinstance(failed.value, AssertionError)
        # AND said nothing of it, unless all of it was written but for the bus and the record to be told
        if name.startswith("s3.") and number <= names.index("s3.put_object") + 2:
            assert not {RESULT, ERROR} & set(cloud.results(key)), f"after {name}"
        # AND the next try leaves one whole decision, which is remembered
        assert start_worker().process(upload).status == "analysed"
        assert decided(cloud.results(key)) == (RESULT, upload.version), f"after {name}"
        assert cloud.statuses() == {"COMPLETED"}, f"after {name}"


def test_an_image_whose_results_others_write_again_and_again_is_left_for_later(cloud: Cloud) -> None:
    # GIVEN that others write whenever this one is about to
    upload, running = cloud.upload("a.png"), start_worker()
    tries = 0

    def write(_number: int, name: str) -> None:
        nonlocal tries
        if name == "s3.put_object":
            tries += 1
            cloud.s3.put_object(Bucket=buckets.RESULTS, Key=f"results/a.png/{HEATMAP}", Body=str(tries).encode())

    running.calls.before = write
    # WHEN the worker is told of it THEN it gives up after some tries, with one inference
    with pytest.raises(ConflictError):
        running.process(upload)
    assert (tries, running.engine.calls) == (MAX_ATTEMPTS, 1)
    # AND another may try at once
    assert start_worker().process(upload).status == "analysed"
    assert decided(cloud.results("a.png")) == (RESULT, upload.version)


# --- killed anywhere --------------------------------------------------------------------------------------------------

Scene = Callable[[Cloud, str], tuple[Upload, str, str | None]]


def scene(earlier: bytes | None, now: bytes | None) -> Scene:
    """An image, of which something was said or not before, is uploaded, or is deleted before it is read.

    Gives what the worker is told, and in the end the decision that has to lie there and the version it is about.
    """

    def arrange(cloud: Cloud, key: str) -> tuple[Upload, str, str | None]:
        before = None
        if earlier is not None:
            before = cloud.upload(key, earlier)
            start_worker().process(before)
        upload = cloud.upload(key, now or SOUND)
        if now is None:
            cloud.delete(key)
        decides, data = (upload, now) if now is not None or before is None else (before, earlier)
        return upload, RESULT if data == SOUND else ERROR, decides.version

    return arrange


def outdated(cloud: Cloud, key: str) -> tuple[Upload, str, str | None]:
    """An old version is told of after the newer one's result is there."""
    old = cloud.upload(key, BROKEN)
    new = cloud.upload(key)
    start_worker().process(new)
    return old, RESULT, new.version


SCENES: dict[str, Scene] = {
    "first sound": scene(None, SOUND),
    "first broken": scene(None, BROKEN),
    "first deleted": scene(None, None),
    "sound, then sound": scene(SOUND, SOUND),
    "sound, then broken": scene(SOUND, BROKEN),
    "sound, then deleted": scene(SOUND, None),
    "broken, then sound": scene(BROKEN, SOUND),
    "broken, then broken": scene(BROKEN, BROKEN),
    "broken, then deleted": scene(BROKEN, None),
    "outdated": outdated,
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_any_call_the_work_is_done_by_the_next_who_is_told(name: str, moment: str, cloud: Cloud) -> None:
    # GIVEN as many calls as the work takes where nobody is killed
    whole = start_worker()
    whole.process(SCENES[name](cloud, "whole.png")[0])
    for number, call in enumerate(whole.calls.names):
        key = f"{number}.png"
        upload, decision, version = SCENES[name](cloud, key)
        # WHEN the process dies at one of them
        killed = start_worker(remaining=OVER)
        with raised_at(killed.calls, number, moment, Killed()), pytest.raises(Killed):
            killed.process(upload)
        # AND the message comes back to another
        start_worker().process(upload)
        # THEN the right decision is there, whole, and remembered
        assert decided(cloud.results(key)) == (decision, version), f"killed {moment} {call}"
        assert cloud.statuses() == {"COMPLETED"}, f"killed {moment} {call}"


@pytest.mark.parametrize("name", SCENES)
def test_at_no_time_is_there_a_result_without_its_images(name: str, cloud: Cloud) -> None:
    # GIVEN one who looks after each call
    upload, _, _ = SCENES[name](cloud, "a.png")
    running, looks = start_worker(), 0

    def look(_number: int, _name: str, _response: dict[str, Any]) -> None:
        nonlocal looks
        looks += 1
        check_no_result_stands_alone(cloud.results("a.png"))

    running.calls.after = look
    # WHEN the worker is told of it THEN there is nothing to object to
    running.process(upload)
    assert looks == len(running.calls.made)


@pytest.mark.parametrize("name", SCENES)
def test_at_no_time_are_there_two_decisions(name: str, cloud: Cloud) -> None:
    upload, _, _ = SCENES[name](cloud, "a.png")
    running = start_worker()

    def look(_number: int, _name: str, _response: dict[str, Any]) -> None:
        assert not {RESULT, ERROR} <= set(cloud.results("a.png"))

    running.calls.after = look
    running.process(upload)


# --- one version overtakes another ------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [SOUND, BROKEN])
def test_an_old_version_told_of_late_changes_nothing(old: bytes, cloud: Cloud) -> None:
    # GIVEN the newer version's result
    late = cloud.upload("a.png", old)
    start_worker().process(cloud.upload("a.png"))
    before = cloud.results("a.png")
    # WHEN the older one is told of
    running = start_worker()
    outcome = running.process(late)
    # THEN it is outdated, without an inference, and every byte stays
    assert outcome == Outcome(status="superseded")
    assert running.engine.calls == 0
    assert cloud.results("a.png") == before
    assert running.published == []


KINDS = {"sound": SOUND, "broken": BROKEN, "deleted": None, "nothing": None}


@pytest.mark.parametrize("new", ["sound", "broken"])
@pytest.mark.parametrize("old", ["sound", "broken", "deleted"])
@pytest.mark.parametrize("earlier", ["nothing", "sound", "broken"])
def test_a_new_version_that_overtakes_an_old_one_at_any_call_wins(
    earlier: str, old: str, new: str, cloud: Cloud
) -> None:
    number, overtaken = 0, True
    while overtaken:
        # GIVEN an old version (or its deletion) that is being worked on, after an earlier one or none
        key, overtaken = f"{number}.png", False
        told, _, _ = scene(KINDS[earlier], KINDS[old])(cloud, key)
        slow = start_worker()
        newer: list[Upload] = []

        def overtake(at: int, _name: str, key: str = key, number: int = number, newer: list[Upload] = newer) -> None:
            if at == number:
                newer.append(cloud.upload(key, KINDS[new] or b""))
                start_worker().process(newer[0])

        # WHEN before one of its calls, each in its turn, a new version comes and is done
        slow.calls.before = overtake
        slow.process(told)
        # THEN what lies there in the end is the new one's, all of it
        if newer:
            overtaken = True
            decision = RESULT if new == "sound" else ERROR
            where = f"overtaken before {slow.calls.names[number]}, the {number + 1}. call"
            assert decided(cloud.results(key)) == (decision, newer[0].version), where
        number += 1
    assert number > 6  # a new version came in between at all


@pytest.mark.parametrize("new", ["sound", "broken"])
@pytest.mark.parametrize("old", ["sound", "broken"])
def test_one_that_was_overtaken_while_it_wrote_and_is_killed_then_leaves_nothing_of_its_own(
    old: str, new: str, cloud: Cloud
) -> None:
    whole = start_worker()
    whole.process(cloud.upload("whole.png", KINDS[old] or b""))
    writes = [number for number, (name, _) in enumerate(whole.calls.made) if name == "s3.put_object"]
    for pause in writes:
        kill, killed = pause, True
        while killed:
            # GIVEN an old version that is overtaken before one of its writes, and killed at a call after that
            key, killed = f"{pause}-{kill}.png", False
            told, slow = cloud.upload(key, KINDS[old] or b""), start_worker(remaining=OVER)
            newer: list[Upload] = []

            def meet(at: int, _name: str, key: str = key, pause: int = pause, newer: list[Upload] = newer) -> None:
                if at == pause:
                    newer.append(cloud.upload(key, KINDS[new] or b""))
                    start_worker().process(newer[0])

            def end(at: int, _name: str, _response: dict[str, Any], kill: int = kill) -> None:
                if at == kill:
                    raise Killed

            slow.calls.before, slow.calls.after = meet, end
            try:
                slow.process(told)
            except Killed:
                killed = True
            # WHEN its message comes back
            slow.calls.before, slow.calls.after = Calls.before, Calls.after
            start_worker().process(told)
            # THEN all that lies there is the new one's
            decision = RESULT if new == "sound" else ERROR
            where = f"overtaken before call {pause}, killed after call {kill} of {slow.calls.names}"
            assert decided(cloud.results(key)) == (decision, newer[0].version), where
            kill += 1


def interleaved(chance: random.Random, processes: dict[str, Callable[[], Any]], calls: dict[str, Calls]) -> None:
    """Run processes such that one call of one of them is made at a time, in an order of chance."""
    back, go = threading.Semaphore(0), {name: threading.Semaphore(0) for name in processes}
    alive = set(processes)

    def run(name: str) -> None:
        go[name].acquire()
        try:
            processes[name]()
        except (ConflictError, IdempotencyAlreadyInProgressError):
            pass  # the message comes back
        finally:
            alive.discard(name)
            back.release()

    def wait(name: str) -> None:
        back.release()
        go[name].acquire()

    for name, its in calls.items():
        its.before = lambda _number, _name, name=name: wait(name)  # type: ignore[misc]
    threads = [threading.Thread(target=run, args=(name,)) for name in processes]
    for thread in threads:
        thread.start()
    turn = ""
    while alive:
        if turn not in alive or chance.random() < 0.2:  # seldom, so that one may be done while another waits
            turn = chance.choice(sorted(alive))
        go[turn].release()
        back.acquire()
    for thread in threads:
        thread.join()
    for its in calls.values():
        its.before = Calls.before


@pytest.mark.parametrize("new", ["sound", "broken"])
@pytest.mark.parametrize("old", ["sound", "broken", "deleted"])
def test_two_versions_that_are_done_at_once_leave_the_newer_ones_decision(old: str, new: str, cloud: Cloud) -> None:
    for seed in range(30):
        # GIVEN two workers: one is told of an old version or its deletion, one uploads a new version and is told of it
        key, chance = f"{seed}.png", random.Random(seed)
        told, _, _ = scene(None, KINDS[old])(cloud, key)
        first, second = start_worker(), start_worker()
        newer: list[Upload] = []

        def come(second: WorkerProcess = second, key: str = key, newer: list[Upload] = newer) -> None:
            newer.append(cloud.upload(key, KINDS[new] or b""))
            second.process(newer[0])

        def process_old(first: WorkerProcess = first, told: Upload = told) -> None:
            first.process(told)

        # WHEN their calls meet in any order, and both are told again afterwards
        interleaved(chance, {"old": process_old, "new": come}, {"old": first.calls, "new": second.calls})
        start_worker().process(newer[0])
        start_worker().process(told)
        # THEN the new version's decision is there, whole
        decision = RESULT if new == "sound" else ERROR
        assert decided(cloud.results(key)) == (decision, newer[0].version), f"order {seed}"


# --- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [SOUND, BROKEN])
def test_a_message_that_comes_again_costs_nothing_and_changes_nothing(data: bytes, cloud: Cloud) -> None:
    # GIVEN an image that is done
    upload = cloud.upload("a.png", data)
    first = start_worker().process(upload)
    before = cloud.results("a.png")
    # WHEN it is told of again, to another process
    running = start_worker()
    again = running.process(upload)
    # THEN the outcome is the same, and not a byte was read or written: it was only seen to that the decision is there
    assert again == first
    assert running.engine.calls == 0
    assert [name for name in running.calls.names if name.startswith("s3.")] == ["s3.head_object", "s3.head_object"]
    assert cloud.results("a.png") == before
    assert running.published == []
    assert [(line["outcome"], line["repeated"]) for line in running.lines] == [(first.status, True)]


def another_model() -> FakeEngine:
    engine = FakeEngine(0.8)
    graph = engine.manifest.score_graph.model_copy(update={"sha256": "d" * 64})
    engine.manifest = engine.manifest.model_copy(update={"score_graph": graph})
    return engine


def test_another_model_analyses_it_again(cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    start_worker().process(upload)
    other = another_model()

    outcome = start_worker(other).process(upload)

    assert (outcome.score, other.calls) == (0.8, 1)
    assert cloud.results("a.png")[RESULT].json["prediction"]["confidence_score"] == 0.8


def test_so_does_the_first_model_when_it_comes_back(cloud: Cloud) -> None:
    """After a rollback a record says that all is done, but what lies there is the other model's."""
    upload = cloud.upload("a.png")
    start_worker().process(upload)
    start_worker(another_model()).process(upload)

    outcome = start_worker().process(upload)

    result = cloud.results("a.png")[RESULT].json
    assert outcome.score == result["prediction"]["confidence_score"] == 0.1234
    assert outcome.model_sha256 == result["model"]["sha256"]


def test_a_model_killed_between_its_images_and_its_result_leaves_none_of_them_beside_the_others(cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    start_worker().process(upload)
    killed = start_worker(another_model(), remaining=OVER)
    puts = iter(range(10))

    def end(_number: int, name: str, _response: dict[str, Any]) -> None:
        if name == "s3.put_object" and next(puts) == 1:
            raise Killed

    killed.calls.after = end
    with pytest.raises(Killed):
        killed.process(upload)
    assert RESULT not in cloud.results("a.png")
    # WHEN the first model is told of it again THEN all of it is its own
    start_worker().process(upload)
    assert {file.metadata["model-sha256"] for file in cloud.results("a.png").values()} == {"a" * 64}
    assert set(cloud.results("a.png")) == {RESULT, HEATMAP, OVERLAY}


def test_an_image_whose_results_were_deleted_gets_them_anew(cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    start_worker().process(upload)
    for key in list(cloud.keys()):
        cloud.s3.delete_object(Bucket=buckets.RESULTS, Key=key)

    start_worker().process(upload)

    assert decided(cloud.results("a.png")) == (RESULT, upload.version)
    assert cloud.statuses() == {"COMPLETED"}


def test_an_image_that_is_as_it_was_before_another_has_its_result_again(cloud: Cloud) -> None:
    # GIVEN a bucket without versions, where an image is replaced by another and then by the first again
    cloud.add_bucket("an-archive", versions=False)
    for data in (SOUND, BROKEN, SOUND):
        cloud.upload("a.png", data, "an-archive")
        # WHEN each is told of
        start_worker().process(Upload("an-archive", "a.png"))
    # THEN what lies there is about the last
    prefix = "buckets/an-archive/a.png/"
    assert set(cloud.keys(prefix)) == {prefix + name for name in (RESULT, HEATMAP, OVERLAY)}


def test_a_version_that_is_current_again_has_its_result_again(cloud: Cloud) -> None:
    first = cloud.upload("a.png")
    start_worker().process(first)
    second = cloud.upload("a.png", BROKEN)
    start_worker().process(second)
    cloud.s3.delete_object(Bucket=UPLOADS, Key="a.png", VersionId=second.version)

    start_worker().process(Upload(UPLOADS, "a.png"))

    assert decided(cloud.results("a.png")) == (RESULT, first.version)


def test_an_image_that_was_deleted_and_is_there_again_is_analysed(cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    marker = cloud.s3.delete_object(Bucket=UPLOADS, Key="a.png")
    assert start_worker().process(upload).code == "not_found"
    cloud.s3.delete_object(Bucket=UPLOADS, Key="a.png", VersionId=marker["VersionId"])

    assert start_worker().process(upload).status == "analysed"

    assert decided(cloud.results("a.png"))[0] == RESULT


@pytest.mark.parametrize("call", ["events.put_events", "dynamodb.update_item"])
def test_a_decision_that_was_written_is_told_of_again_without_an_inference_or_another_byte(
    call: str, cloud: Cloud
) -> None:
    # GIVEN a process that wrote its decision, and then met trouble
    upload, first = cloud.upload("a.png"), start_worker(remaining=OVER)
    first.calls.before = lambda _number, name: "ThrottlingException" if name == call else None
    with pytest.raises(Exception, match=r"."):
        first.process(upload)
    before = cloud.results("a.png")
    # WHEN another is told of it
    second = start_worker()
    outcome = second.process(upload)
    # THEN it says the same, and the bus is told
    assert (outcome.status, outcome.score, second.engine.calls) == ("analysed", 0.1234, 0)
    assert cloud.results("a.png") == before
    assert len(second.published) == 1
    assert cloud.statuses() == {"COMPLETED"}


def test_a_deletion_that_is_overtaken_and_killed_leaves_nothing_of_its_own(cloud: Cloud) -> None:
    # GIVEN a deleted image, told of without a version; while the worker is about to say so, a new one is done
    cloud.upload("a.png")
    cloud.delete("a.png")
    told, slow = Upload(UPLOADS, "a.png"), start_worker(remaining=OVER)

    def overtake(_number: int, name: str) -> None:
        if name == "s3.put_object":
            start_worker().process(cloud.upload("a.png"))

    def end(_number: int, name: str, _response: dict[str, Any]) -> None:
        if name == "s3.put_object":
            raise Killed

    slow.calls.before, slow.calls.after = overtake, end
    with pytest.raises(Killed):
        slow.process(told)
    # WHEN its message comes back THEN the new one's decision is the only one
    start_worker().process(told)
    assert decided(cloud.results("a.png"))[0] == RESULT


def test_an_archives_worker_killed_beside_a_newer_refusal_is_put_right_by_the_next_try(cloud: Cloud) -> None:
    # GIVEN a worker that is told of no version, overtaken by a broken one, and killed after its result
    cloud.upload("a.png")
    slow = start_worker(remaining=OVER)
    overtaken: list[Upload] = []

    def overtake(_number: int, name: str) -> None:
        if name == "s3.put_object" and not overtaken:
            overtaken.append(cloud.upload("a.png", BROKEN))
            start_worker().process(overtaken[0])

    puts = iter(range(10))

    def end(_number: int, name: str, _response: dict[str, Any]) -> None:
        if name == "s3.put_object" and next(puts) == 2:
            raise Killed

    slow.calls.before, slow.calls.after = overtake, end
    with pytest.raises(Killed):
        slow.process(Upload(UPLOADS, "a.png"))
    # WHEN it is tried again THEN the newer one's decision is the only one
    start_worker().process(Upload(UPLOADS, "a.png"))
    assert decided(cloud.results("a.png")) == (ERROR, overtaken[0].version)


def test_the_same_file_uploaded_again_is_an_image_of_its_own(cloud: Cloud) -> None:
    start_worker().process(cloud.upload("a.png"))

    again = cloud.upload("a.png")
    running = start_worker()
    running.process(again)

    assert running.engine.calls == 1
    assert decided(cloud.results("a.png")) == (RESULT, again.version)


# --- what is told -----------------------------------------------------------------------------------------------------


def test_an_upload_is_an_audit_record_and_one_line(cloud: Cloud) -> None:
    running = start_worker()

    running.process(cloud.upload("a.png"))

    prediction, upload = running.lines
    record = AuditRecord.model_validate(prediction["audit"])
    assert record.input_sha256 == hashlib.sha256(SOUND).hexdigest()
    assert (upload["message"], upload["outcome"], upload["repeated"]) == ("upload", "analysed", False)
    assert (upload["score"], upload["risk"], upload["model_sha256"]) == (record.score, record.risk, record.model.sha256)
    assert prediction["request_id"] == upload["request_id"] == "a-request"


def test_a_failure_is_told_by_its_type_and_the_code_that_aws_gave(cloud: Cloud) -> None:
    upload, running = cloud.upload("a.png"), start_worker()
    running.calls.before = lambda _number, name: "AccessDenied" if name == "s3.get_object" else None

    with pytest.raises(Exception, match="AccessDenied"):
        running.process(upload)

    (line,) = running.lines
    assert (line["outcome"], line["error"]) == ("failed", "ClientError")
    assert (line["aws_operation"], line["aws_code"]) == ("GetObject", "AccessDenied")


def test_what_aws_answered_is_told_and_not_what_may_be_behind_that(cloud: Cloud) -> None:
    upload, running = cloud.upload("a.png"), start_worker()

    def fail(_number: int, name: str) -> None:
        if name == "s3.get_object":
            raise client_error("SlowDown") from ValueError(CANARY)

    running.calls.before = fail
    with pytest.raises(ClientError):
        running.process(upload)

    (line,) = running.lines
    assert (line["error"], line["aws_code"]) == ("ClientError", "SlowDown")


def test_a_failure_of_the_table_is_told_by_what_is_behind_it(cloud: Cloud) -> None:
    upload, running = cloud.upload("a.png"), start_worker()
    running.calls.before = lambda _number, name: "ThrottlingException" if name == "dynamodb.put_item" else None

    with pytest.raises(Exception, match="idempotency"):
        running.process(upload)

    (line,) = running.lines
    assert (line["aws_operation"], line["aws_code"]) == ("PutItem", "ThrottlingException")


def measured(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("data", "denied", "expected"),
    [
        (PHANTOM, False, {"Uploads": [1.0], "RefusedUploads": [0.0], "FailedUploads": [0.0], "FlaggedInputs": [0.0]}),
        (SOUND, False, {"Uploads": [1.0], "RefusedUploads": [0.0], "FailedUploads": [0.0], "FlaggedInputs": [1.0]}),
        (BROKEN, False, {"Uploads": [1.0], "RefusedUploads": [1.0], "FailedUploads": [0.0], "FlaggedInputs": [1.0]}),
        (b"", False, {"Uploads": [1.0], "RefusedUploads": [1.0], "FailedUploads": [0.0], "FlaggedInputs": [0.0]}),
        (SOUND, True, {"Uploads": [1.0], "RefusedUploads": [0.0], "FailedUploads": [1.0], "FlaggedInputs": [0.0]}),
    ],
    ids=["analysed", "no ultrasound", "flagged", "empty", "failed"],
)
def test_an_upload_is_measured(
    data: bytes, denied: bool, expected: dict[str, Any], cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    upload, running = cloud.upload("a.png", data), start_worker(metrics_namespace="Thyroid")
    running.calls.before = lambda _number, name: "AccessDenied" if denied and name == "s3.get_object" else None

    if denied:
        with pytest.raises(Exception, match="AccessDenied"):
            running.process(upload)
    else:
        running.process(upload)

    upload_metrics, *errors = measured(capsys)
    assert {name: upload_metrics[name] for name in expected} == expected
    scored = data in (SOUND, PHANTOM)
    assert ("Score" in upload_metrics) == ("UploadLatency" in upload_metrics) == (scored and not denied)
    codes = [error["code"] for error in errors]
    assert codes == ([] if scored else [cloud.results("a.png")[ERROR].json["code"]])


def test_what_is_done_by_another_is_no_failure(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an image that a process is at
    upload, running = cloud.upload("a.png"), start_worker()
    other = start_worker(metrics_namespace="Thyroid")

    def meanwhile(_number: int, name: str) -> None:
        if name == "s3.get_object":
            with ThreadPoolExecutor(1) as pool, pytest.raises(IdempotencyAlreadyInProgressError):
                pool.submit(other.process, upload).result()

    # WHEN another is told of it meanwhile
    running.calls.before = meanwhile
    running.process(upload)
    # THEN that one leaves it, and it counts as no failure
    (line,) = other.lines
    assert line["outcome"] == "in progress elsewhere"
    (metrics,) = measured(capsys)
    assert (metrics["Uploads"], metrics["FailedUploads"]) == ([1.0], [0.0])
    assert other.engine.calls == 0


def test_without_a_namespace_nothing_is_measured(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    start_worker().process(cloud.upload("a.png"))

    assert capsys.readouterr().out == ""


# --- nothing of a patient ---------------------------------------------------------------------------------------------


def tagged() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Description", CANARY)
    file = io.BytesIO()
    ramp_image().save(file, "PNG", pnginfo=text)
    return file.getvalue()


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What any logger writes, with the root logger at DEBUG, as Lambda's runtime sets it where it is told to."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(stream), root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def nothing_wrong(_calls: Calls) -> None:
    """All goes well."""


def denied(calls: Calls) -> None:
    calls.before = lambda _number, name: "AccessDenied" if name == "s3.get_object" else None


def unreached(calls: Calls) -> None:
    def fail(_number: int, name: str) -> None:
        if name == "s3.put_object":
            raise EndpointConnectionError(endpoint_url=f"https://s3.example/{CANARY}.png")

    calls.before = fail


def throttled(calls: Calls) -> None:
    calls.before = lambda _number, name: "ThrottlingException" if name.startswith("dynamodb.") else None


FATES: dict[str, tuple[bytes, Callable[[Calls], None]]] = {
    "analysed": (tagged(), nothing_wrong),
    "refused": (tagged()[: len(tagged()) - 60], nothing_wrong),
    "text": (CANARY.encode(), nothing_wrong),
    "denied": (tagged(), denied),
    "unreached": (tagged(), unreached),
    "throttled": (tagged(), throttled),
}


@pytest.mark.parametrize("fate", FATES)
def test_nothing_that_is_written_names_a_patient(
    fate: str, cloud: Cloud, everything_logged: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a name in key, tags, and in what AWS says
    data, trouble = FATES[fate]
    key = f"{CANARY}/{CANARY} 1970.png"
    upload = cloud.upload(key, data)
    assert CANARY.encode() in data
    running = start_worker(metrics_namespace="Thyroid")
    trouble(running.calls)
    everything_logged.seek(0)
    everything_logged.truncate()  # what the test itself did
    # WHEN the worker is told of it
    with nullcontext() if trouble is nothing_wrong else pytest.raises(Exception, match=r"."):
        running.process(upload)  # what it raises is the caller's, who tells its type alone
    # THEN it is written that it was there, and not what its name is
    printed = capsys.readouterr()
    assert running.lines[-1]["message"] == "upload"
    assert printed.out.startswith("{")
    assert CANARY not in running.stream.getvalue() + everything_logged.getvalue() + printed.out + printed.err
