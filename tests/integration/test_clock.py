"""A wall clock that jumps by seconds, hours and days, between requests and in the middle of one.

Answers and results are what they would have been, no duration is negative, and nothing is done twice or lost.
"""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from starlette.testclient import TestClient

from functions.local_uploads import LocalLinks, local_uploads_router
from functions.site import API as ROUTERS
from tests import buckets, clock as clocks
from tests.buckets import BROKEN, OVER, RESULTS, SOUND, UPLOADS, Cloud, Killed, decided, start_worker
from tests.clock import DAY, HOUR, Clock
from tests.corpus import API
from tests.endpoints import IMAGE_NAMES
from tests.fakes import FakeEngine
from tests.loggers import new_logger
from thyroid.core.analyzer import Analyzer
from thyroid.files.result_files import ERROR, RESULT
from thyroid.s3 import clients
from thyroid.s3.idempotency import RETENTION_SECONDS
from thyroid.s3.link import expiry_of
from thyroid.s3.links import Links
from thyroid.settings import Settings
from thyroid.web.app import build_app, the_analyzer

cloud = buckets.cloud
clock = clocks.clock

JUMPS = {
    "a second back": -1.0,
    "hours back": -5 * HOUR,
    "days back": -3 * DAY,
    "hours on": 5 * HOUR,
    "days on": 3 * DAY,
    "a year on": 365 * DAY,
}
jumps = pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
MAX_MS = 60_000.0  # what takes longer was measured by a clock that jumped


class Jumping(FakeEngine):
    """A model during whose every inference the clock jumps."""

    def __init__(self, clock: Clock, jump: float) -> None:
        super().__init__()
        self.clock, self.jump = clock, jump

    def score(self, tensor: Any) -> float:
        self.clock.ahead += self.jump
        return super().score(tensor)


# --- requests ---------------------------------------------------------------------------------------------------------


class Served:
    """The application of a laptop around a model, and what it tells."""

    def __init__(self, engine: FakeEngine) -> None:
        settings = Settings(metrics_namespace="Thyroid")
        self.stream = io.StringIO()
        service = Analyzer(settings, lambda _settings: engine)
        links = LocalLinks(service, settings)
        logger = new_logger(self.stream)
        app = build_app([*ROUTERS, local_uploads_router(links, settings)], settings, logger)
        app.state.links = links
        app.dependency_overrides[the_analyzer] = lambda: service
        self.client = TestClient(app)

    def post(self, name: str) -> Any:
        return self.client.post(f"{API}/{name}", content=SOUND, headers={"Content-Type": "image/png"})

    def lines(self, message: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if line["message"] == message]


@jumps
def test_an_answer_is_what_it_is_though_the_clock_jumps_in_the_middle(
    jump: float, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(Jumping(clock, jump))

    for name in IMAGE_NAMES:
        response = served.post(name)
        assert response.status_code == 200
        if name != "report/pdf":
            assert response.json()["prediction"]["confidence_score"] == 0.1234
    assert served.client.get(f"{API}/health").status_code == 200

    # THEN what is told of durations is so, in the log, in the audit records, and in the metrics
    told = [line["duration_ms"] for line in served.lines("request")]
    told += [line["audit"]["duration_ms"] for line in served.lines("prediction")]
    measured = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told += [line["Latency"][0] for line in measured if "Latency" in line]
    assert len(told) == (len(IMAGE_NAMES) + 1) + 2 * len(IMAGE_NAMES)
    assert all(0 <= duration < MAX_MS for duration in told)
    # AND a record has the time that it was when it was written
    times = [datetime.fromisoformat(line["audit"]["time"]) for line in served.lines("prediction")]
    for number, told_time in enumerate(times, start=1):
        assert abs(told_time.timestamp() - clock.right() - number * jump) < MAX_MS / 1000


@jumps
def test_a_link_of_a_laptop_ends_by_the_clock_and_what_came_by_it_stays(jump: float, clock: Clock) -> None:
    served = Served(FakeEngine())

    def link() -> dict[str, Any]:
        return dict(served.client.post(f"{API}/uploads", json={"content_type": "image/png"}).json())

    def send(given: dict[str, Any]) -> int:
        form = given["upload"]
        return served.client.post(form["url"], data=form["fields"], files={"file": ("a.png", SOUND)}).status_code

    used, unused = link(), link()
    assert send(used) == 204
    # WHEN the clock jumps
    clock.ahead += jump
    # THEN what came is still given, what did not is waited for as long as the clock says so, and a new link works
    assert served.client.get(used["result"]).json()["success"] is True
    ended = jump > Settings().upload_link_seconds
    assert served.client.get(unused["result"]).status_code == (404 if ended else 202)
    assert send(unused) == (404 if ended else 204)
    new = link()
    assert send(new) == 204
    assert served.client.get(new["result"]).json()["success"] is True
    # AND once the clock is right again all that came is there
    clock.ahead = 0.0
    for given in (used, new):
        assert served.client.get(given["result"]).json()["success"] is True


@jumps
def test_a_link_of_the_buckets_is_good_by_the_clock_and_what_came_by_it_is_found(
    jump: float, clock: Clock, cloud: Cloud
) -> None:
    links = Links(cloud.s3, clients.signer(), UPLOADS, RESULTS, 900)
    before = links.create("image/png", 1, 10_000)
    start_worker().process(cloud.upload(f"api/{before.id}"))

    clock.ahead += jump

    assert (links.find(before.id) or {})["success"] is True
    after = links.create("image/png", 1, 10_000)
    assert abs(expiry_of(after.id) - clock.now() - 900) < 60
    assert links.find(after.id) is None
    start_worker().process(cloud.upload(f"api/{after.id}"))
    clock.ahead = 0.0
    assert (links.find(after.id) or {})["success"] is True


# --- uploads ----------------------------------------------------------------------------------------------------------


@jumps
@pytest.mark.parametrize("data", [SOUND, BROKEN], ids=["analysed", "refused"])
def test_what_is_done_is_not_done_again_whatever_the_clock_says(
    data: bytes, jump: float, clock: Clock, cloud: Cloud
) -> None:
    upload = cloud.upload("a.png", data)
    first = start_worker().process(upload)
    before = cloud.results("a.png")

    clock.ahead += jump
    running = start_worker()

    # Where the record is past its time by this clock, the decision that lies there is still believed.
    assert running.process(upload) == first
    assert running.engine.calls == 0
    assert cloud.results("a.png") == before
    assert len(running.published) == (1 if jump > RETENTION_SECONDS else 0)
    clock.ahead = 0.0
    assert start_worker().process(upload) == first
    assert cloud.results("a.png") == before


@jumps
def test_a_result_is_whole_though_the_clock_jumps_at_every_call(jump: float, clock: Clock, cloud: Cloud) -> None:
    upload = cloud.upload("a.png")
    running = start_worker(Jumping(clock, jump))

    def leap(_number: int, _name: str) -> None:
        clock.ahead += jump

    running.calls.before = leap
    outcome = running.process(upload)

    assert (outcome.status, outcome.score) == ("analysed", 0.1234)
    files = cloud.results("a.png")
    assert decided(files) == (RESULT, upload.version)
    timings = files[RESULT].json["timings"]
    assert all(0 <= timings[name] < MAX_MS for name in ("read_ms", "analyse_ms"))
    (line,) = [line for line in running.lines if line["message"] == "upload"]
    assert 0 <= line["duration_ms"] < MAX_MS
    # AND it is remembered, whatever the clock says then
    clock.ahead = 0.0
    again = start_worker()
    assert again.process(upload) == outcome
    assert again.engine.calls == 0


@jumps
def test_an_image_that_another_is_at_is_decided_once_whatever_the_clock_of_the_second_says(
    jump: float, clock: Clock, cloud: Cloud
) -> None:
    # GIVEN one that is at an image, and another that is told of it meanwhile and has another time
    upload, first, second = cloud.upload("a.png"), start_worker(), start_worker()
    outcomes: list[Any] = []

    def other() -> None:
        with suppress(IdempotencyAlreadyInProgressError):  # its message comes back
            outcomes.append(second.process(upload))

    def meanwhile(_number: int, name: str) -> None:
        if name == "s3.put_object" and not second.calls.made:
            clock.ahead = jump
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other).result()
            clock.ahead = 0.0

    first.calls.before = meanwhile
    # WHEN both are done THEN they say the same, and one whole decision lies there
    outcomes.append(first.process(upload))
    assert {outcome.score for outcome in outcomes} == {0.1234}
    assert decided(cloud.results("a.png")) == (RESULT, upload.version)
    assert start_worker().process(upload) == outcomes[0]
    # AND only one whose clock is ahead takes the first for dead
    assert len(outcomes) == (2 if jump > 60 else 1)


@jumps
def test_what_a_killed_worker_left_is_done_once_the_clocks_agree(jump: float, clock: Clock, cloud: Cloud) -> None:
    # GIVEN a worker with another time that is killed in the middle
    upload, killed = cloud.upload("a.png"), start_worker(remaining=OVER)
    killed.calls.before = _killed_at_its_first_write
    clock.ahead = jump
    with pytest.raises(Killed):
        killed.process(upload)
    # WHEN the message comes back to one whose clock is right
    clock.ahead = 0.0
    if jump > 1:
        # THEN it is not yet anyone's, so the message is not done and comes back, as often as the queue has patience
        with pytest.raises(IdempotencyAlreadyInProgressError):
            start_worker().process(upload)
        assert RESULT not in cloud.results("a.png")
        clock.ahead = jump  # the hours pass; or it is replayed from among the dead letters
    # AND then it is done
    assert start_worker().process(upload).status == "analysed"
    assert decided(cloud.results("a.png")) == (RESULT, upload.version)


def _killed_at_its_first_write(_number: int, name: str) -> None:
    if name == "s3.put_object":
        raise Killed


@jumps
@pytest.mark.parametrize(("old", "new", "decision"), [(SOUND, BROKEN, ERROR), (BROKEN, SOUND, RESULT)])
def test_the_newest_version_wins_whatever_the_clock_said_when_it_came(
    old: bytes, new: bytes, decision: str, jump: float, clock: Clock, cloud: Cloud
) -> None:
    first = cloud.upload("a.png", old)
    start_worker().process(first)
    clock.ahead += jump
    second = cloud.upload("a.png", new)
    start_worker().process(second)

    assert start_worker().process(first).status in {"analysed", "refused", "superseded"}

    assert decided(cloud.results("a.png")) == (decision, second.version)
