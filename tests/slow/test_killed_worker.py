"""A worker of a process of its own, with the real model, that is stopped in the middle or cut off from AWS.

What it was at comes again, and the next who is told of it leaves one whole decision, the same as if nothing had been.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.generate import message
from tests import aws_over_http, buckets
from tests.aws_over_http import Aws, nothing
from tests.buckets import Cloud, check_no_result_stands_alone, decided
from tests.canaries import NAME, images, leaks
from tests.server import ROOT
from thyroid.core.analyzer import Analyzer
from thyroid.files.result_files import RESULT
from thyroid.s3.events import Upload
from thyroid.settings import Settings

pytestmark = pytest.mark.usefixtures("artifact")
cloud = buckets.cloud

KEY = f"{NAME}/a.png"
IMAGE = images()["PNG"]

# A batch from standard input. The invocation has no time left when it fails, so that the next may begin at once.
WORKER = """
import json, sys
from types import SimpleNamespace
from functions import s3_worker
from tests.events import CONTEXT
context = SimpleNamespace(**{**vars(CONTEXT), "get_remaining_time_in_millis": lambda: -1_000})
print(json.dumps(s3_worker.handler(json.load(sys.stdin), context)))
"""


@pytest.fixture
def aws(cloud: Cloud) -> Iterator[Aws]:
    with aws_over_http.served() as served:
        yield served


@pytest.fixture(scope="module")
def score(artifact: Path) -> float:
    """What the image scores where nothing is wrong."""
    return Analyzer(Settings(model_dir=artifact)).score(IMAGE).assessment.score


class Worker:
    """One process for one batch."""

    def __init__(self, aws: Aws, printed: Path) -> None:
        command = [sys.executable, "-c", WORKER]
        environment = {**os.environ, **aws.environment, "POWERTOOLS_METRICS_NAMESPACE": "Thyroid"}
        self.printed = printed
        with printed.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )

    def run(self, *messages: dict[str, Any]) -> int:
        """Have it process a batch to its end, whatever that is; return its exit status."""
        self.process.communicate(json.dumps({"Records": messages}).encode(), timeout=60)
        return self.process.returncode

    @property
    def told(self) -> str:
        return self.printed.read_text("utf-8", "replace")

    @property
    def failed(self) -> list[str]:
        result = json.loads(self.told.splitlines()[-1])
        return [failure["itemIdentifier"] for failure in result["batchItemFailures"]]


def told(upload: Upload) -> dict[str, Any]:
    event = message("a-message", upload.bucket, upload.key)
    body = json.loads(event["body"])
    body["detail"]["object"] |= {"version-id": upload.version, "etag": upload.etag}
    return {**event, "body": json.dumps(body)}


def check_the_next_does_it(aws: Aws, cloud: Cloud, upload: Upload, score: float, folder: Path) -> None:
    """Have another process told of it: once it is done, it is as if nothing had been."""
    next_one = Worker(aws, folder / "next.txt")
    assert next_one.run(told(upload)) == 0
    assert next_one.failed == []
    assert not leaks(next_one.told)
    files = cloud.results(upload.key)
    assert decided(files) == (RESULT, upload.version)
    assert files[RESULT].json["prediction"]["confidence_score"] == score
    assert cloud.statuses() == {"COMPLETED"}


# What was asked when it is stopped, and whether it is stopped before or after that took effect.
MOMENTS = {
    "before its first file is written": ("PUT", "heatmap.png", False),
    "between its files": ("PUT", "overlay.png", True),
    "when its decision is written": ("PUT", "result.json", True),
    "when others are told": ("PutEvents", "", True),
}


@pytest.mark.parametrize("when", MOMENTS)
def test_a_worker_that_is_stopped_leaves_nothing_half_done(
    when: str, aws: Aws, cloud: Cloud, score: float, tmp_path: Path
) -> None:
    upload = cloud.upload(KEY, IMAGE)
    what, name, took_effect = MOMENTS[when]
    # GIVEN a worker that is asked to stop after its inference, between what it writes
    worker = Worker(aws, tmp_path / "stopped.txt")

    def stop(asked: str) -> None:
        if what in asked and name in asked and worker.process.poll() is None:
            worker.process.terminate()
            worker.process.wait(timeout=30)

    if took_effect:
        aws.after = stop
    else:
        aws.before = stop
    # WHEN it is told of an image
    assert worker.run(told(upload)) == -signal.SIGTERM
    aws.before = aws.after = nothing
    # THEN what lies there is no decision without its images, and nothing of a patient was told
    check_no_result_stands_alone(cloud.results(upload.key))
    assert (RESULT in cloud.results(upload.key)) == (when in {"when its decision is written", "when others are told"})
    assert cloud.statuses() == {"INPROGRESS"}
    assert not leaks(worker.told)
    # AND the message, which nobody answered, comes to another
    check_the_next_does_it(aws, cloud, upload, score, tmp_path)


@pytest.mark.parametrize("kind", ["it breaks off", "it stops"])
def test_an_image_of_which_half_arrives_is_not_judged(
    kind: str, aws: Aws, cloud: Cloud, score: float, tmp_path: Path
) -> None:
    upload = cloud.upload(KEY, IMAGE)
    worker = Worker(aws, tmp_path / "half.txt")

    def half(asked: str) -> int | None:
        return len(IMAGE) // 2 if asked.startswith(f"GET /{buckets.UPLOADS}/") else None

    aws.after, aws.stops = half, kind == "it stops"
    # WHEN half of the image arrives, and the connection is closed, or nothing more comes
    assert worker.run(told(upload)) == 0
    aws.over.set()
    # THEN the message comes again, and nothing is said of the image
    assert worker.failed == ["a-message"]
    assert cloud.results(upload.key) == {}
    assert cloud.records() == []
    assert not leaks(worker.told)
    aws.after = nothing
    check_the_next_does_it(aws, cloud, upload, score, tmp_path)


def test_a_worker_that_reaches_nobody_gives_all_of_its_messages_back(
    aws: Aws, cloud: Cloud, score: float, tmp_path: Path
) -> None:
    upload = cloud.upload(KEY, IMAGE)
    # GIVEN a port at which nobody listens
    there, aws.port = aws.port, 1
    worker = Worker(aws, tmp_path / "alone.txt")
    # WHEN a batch comes THEN all of it comes again
    assert worker.run(told(upload), {**told(upload), "messageId": "another"}) == 0
    assert sorted(worker.failed) == ["a-message", "another"]
    assert worker.told.count('"error":"EndpointConnectionError"') == 2
    assert not leaks(worker.told)
    aws.port = there
    check_the_next_does_it(aws, cloud, upload, score, tmp_path)
