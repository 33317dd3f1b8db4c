"""Images that come in a bucket, to the deployed stack: once, twice, late, broken, while workers are killed."""

import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.contenders import AS_DEPLOYED
from benchmarks.processor import WHOLE_PROCESSOR_MB
from events.generate import FOLDER, message
from tests.e2e.calls import SCAN, assert_problem
from tests.e2e.commands import docker, run
from tests.e2e.conftest import measured
from tests.e2e.container import started
from tests.e2e.growth import growth
from tests.e2e.local_aws import GENEROUS, HIDDEN, REGION, STACK, LocalAws, local_aws
from thyroid import phantom
from thyroid.files.result_files import Result
from thyroid.settings import Settings

ARCHIVE_BUCKET = "archive-of-images"
ARCHIVE_CONCURRENCY = "4"
NAME = "Jane-Doe"  # stands for a patient, in every key; no log may hold it


@pytest.fixture(scope="module")
def aws(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the stack deployed to it, beside a bucket with an archive."""
    with local_aws(image, tmp_path_factory.mktemp("aws") / "log") as running:
        where = {"LocationConstraint": REGION}
        running.client("s3").create_bucket(Bucket=ARCHIVE_BUCKET, CreateBucketConfiguration=where)
        running.deploy(**GENEROUS, ArchiveBucket=ARCHIVE_BUCKET, ArchiveConcurrency=ARCHIVE_CONCURRENCY)
        yield running


@pytest.fixture
def told(aws: LocalAws) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the stack tells of images meanwhile, as somebody else's rule gets it from EventBridge."""
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="listener", EventPattern=json.dumps({"source": ["thyroid"]}))
    events.put_targets(Rule="listener", Targets=[{"Id": "queue", "Arn": arn}])
    heard: list[dict[str, Any]] = []

    def listen() -> list[dict[str, Any]]:
        while got := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                heard.append(json.loads(one["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return heard

    yield listen
    events.remove_targets(Rule="listener", Ids=["queue"])
    events.delete_rule(Name="listener")
    sqs.delete_queue(QueueUrl=queue)


def until(done: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something is so; the test fails where it is not within the time."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def unique(number: int, scan: bytes = SCAN) -> bytes:
    """Return the image as a file that no other is; what follows a PNG's end is not looked at."""
    return scan + f"{number:08d}".encode()


def uploads(aws: LocalAws) -> str:
    return aws.outputs()["UploadsBucket"]


def put(aws: LocalAws, key: str, data: bytes, bucket: str | None = None) -> dict[str, Any]:
    """Put an object; return its version and ETag, as a message tells them."""
    bucket = bucket or uploads(aws)
    response = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
    return {"key": key, "version-id": response.get("VersionId"), "etag": response["ETag"].strip('"')}


def send(aws: LocalAws, state: dict[str, Any], bucket: str | None = None) -> None:
    """Put a message about an object into the queue, as EventBridge does."""
    body = json.loads(message("", bucket or uploads(aws), state["key"])["body"])
    body["detail"]["object"] |= state
    aws.client("sqs").send_message(QueueUrl=aws.outputs()["UploadsQueueUrl"], MessageBody=json.dumps(body))


def names_of(aws: LocalAws, prefix: str) -> set[str]:
    """Return all keys of results below a prefix, without it."""
    pages = aws.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=aws.outputs()["ResultsBucket"], Prefix=prefix)
    return {item["Key"].removeprefix(prefix) for page in found for item in page.get("Contents", [])}


def read(aws: LocalAws, key: str) -> bytes:
    body: bytes = aws.client("s3").get_object(Bucket=aws.outputs()["ResultsBucket"], Key=key)["Body"].read()
    return body


def versions_of(aws: LocalAws, prefix: str, name: str) -> Counter[str]:
    """Return how often each key below a prefix that ends in a name was written."""
    pages = aws.client("s3").get_paginator("list_object_versions")
    found = pages.paginate(Bucket=aws.outputs()["ResultsBucket"], Prefix=prefix)
    return Counter(v["Key"] for page in found for v in page.get("Versions", []) if v["Key"].endswith(name))


def inferences(aws: LocalAws) -> Counter[str]:
    """Return how often each image was scored by the worker, by the sha256 of its file."""
    # Each line once: where a container was killed, the local AWS writes all that it ever printed again. Lines of two
    # inferences differ in their time and in their request.
    lines = (json.loads(line) for line in set(aws.log_lines("UploadsLogs")) if '"audit"' in line)
    return Counter(line["audit"]["input_sha256"] for line in lines)


def quiet(aws: LocalAws) -> bool:
    return aws.queue_counts("UploadsQueueUrl") == (0, 0)


def command(aws: LocalAws, *words: str) -> Any:
    """Run one of the project's commands against the local AWS."""
    return run([sys.executable, "-m", *words], environment=aws.environment, timeout=300)


# --- many, twice, late ------------------------------------------------------------------------------------------------


def test_200_images_at_once_a_fifth_of_them_told_of_twice_are_each_answered_exactly_once(
    aws: LocalAws, told: Callable[[], list[dict[str, Any]]]
) -> None:
    # GIVEN 200 images, of which every fifth is told of a second time at once
    def drop(number: int) -> None:
        state = put(aws, f"drop/{NAME} {number}.png", unique(number))
        if number % 5 == 0:
            send(aws, state)

    before = inferences(aws)
    begin = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(drop, range(200)))
    # WHEN the queue has nothing left, those that came back because the first was still at it among it
    keys = {f"{NAME} {number}.png" for number in range(200)}
    until(lambda: len(names_of(aws, "results/drop/")) >= 600, 120, "600 files")
    measured(f"200 uploads at once: all results after {time.monotonic() - begin:.1f} s, dropping them included")
    until(lambda: quiet(aws), 60 + 2 * HIDDEN, "an empty queue")
    # THEN each has its three files, each written once
    assert names_of(aws, "results/drop/") == {
        f"{k}/{n}" for k in keys for n in ("result.json", "heatmap.png", "overlay.png")
    }
    assert set(versions_of(aws, "results/drop/", "result.json").values()) == {1}
    # AND each was scored once: the 40 that came twice cost nothing
    scored = inferences(aws) - before
    assert (len(scored), scored.total()) == (200, 200)
    # AND others heard of each once, by key and decision, without an image
    until(lambda: len(told()) >= 200, 20, "200 events")
    heard = Counter(event["detail"]["input"]["key"] for event in told())
    assert (len(heard), heard.total()) == (200, 200)
    one = told()[0]["detail"]
    assert one["decision"]["status"] == "analysed"
    assert 0 <= one["decision"]["score"] <= 1
    assert read(aws, one["result"]["key"])
    assert aws.queue_counts("DeadLettersUrl") == (0, 0)


def test_a_result_is_the_answer_of_analyze_and_says_what_it_is_of(aws: LocalAws, user: httpx.Client) -> None:
    state = put(aws, f"{NAME}.png", SCAN)
    until(lambda: "result.json" in names_of(aws, f"results/{NAME}.png/"), 30, "a result")
    # THEN it is what the API returns, but for its images, which lie beside it
    result = json.loads(read(aws, f"results/{NAME}.png/result.json"))
    asked = user.post("/api/v1/analyze", content=SCAN, headers={"Content-Type": "image/png"}).json()
    for field in ("prediction", "risk_assessment", "recommendation", "model", "disclaimer"):
        assert result[field] == asked[field], field
    assert (result["input"]["version_id"], result["input"]["etag"]) == (state["version-id"], state["etag"])
    assert result["timings"]["analyse_ms"] > 0
    for name in ("heatmap", "overlay"):
        assert read(aws, f"results/{NAME}.png/{result['gradcam']['images'][name]}").startswith(b"\x89PNG")
    # AND its metadata says which model decided what
    head = aws.client("s3").head_object(Bucket=aws.outputs()["ResultsBucket"], Key=f"results/{NAME}.png/result.json")
    assert head["Metadata"]["model-sha256"] == asked["model"]["sha256"]
    assert head["Metadata"]["risk"] == asked["risk_assessment"]
    assert set(result) == {*Result.model_fields}


def test_a_message_that_comes_again_later_costs_nothing_and_changes_no_byte(aws: LocalAws) -> None:
    state = put(aws, f"again-{NAME}.png", unique(1001))
    prefix = f"results/again-{NAME}.png/"
    until(lambda: "result.json" in names_of(aws, prefix), 30, "a result")
    scored = inferences(aws).total()
    for _ in range(3):
        send(aws, state)
    until(lambda: quiet(aws), 60, "an empty queue")
    assert inferences(aws).total() == scored
    assert versions_of(aws, prefix, ".json") == {f"{prefix}result.json": 1}


def test_a_late_message_of_an_older_version_never_replaces_a_newer_ones_result(aws: LocalAws) -> None:
    # GIVEN two versions of an image, the newer one's result, and that the older one's record is forgotten
    key, prefix = f"late-{NAME}.png", f"results/late-{NAME}.png/"
    older = put(aws, key, unique(2001))
    until(lambda: "result.json" in names_of(aws, prefix), 30, "the older one's result")
    newer = put(aws, key, unique(2002))
    until(lambda: versions_of(aws, prefix, "result.json").total() == 2, 30, "the newer one's result")
    table = aws.physical_name("UploadsRecords")
    for item in aws.client("dynamodb").scan(TableName=table)["Items"]:
        aws.client("dynamodb").delete_item(TableName=table, Key={"id": item["id"]})
    scored, content = inferences(aws).total(), read(aws, f"{prefix}result.json")
    # WHEN the older one is told of once more
    send(aws, older)
    until(lambda: quiet(aws), 60, "an empty queue")
    # THEN nothing happens
    assert json.loads(content)["input"]["version_id"] == newer["version-id"]
    assert read(aws, f"{prefix}result.json") == content
    assert versions_of(aws, prefix, "result.json").total() == 2
    assert inferences(aws).total() == scored


# --- names, broken ones -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        f"a folder/{NAME} + 100% #1?.png",
        f"{NAME}+plus%2Bencoded%20.png",
        f"ünï/甲状腺/🩺 {NAME}.png",
        f"{NAME}/" + "/".join("x" * 100 for _ in range(8)) + "/" + "y" * 82,  # 900 bytes in all
        f"{NAME}-" + "é" * 505,  # 1,019 bytes: no room for the results' names
        f"..{NAME}//double//slash.png",
    ],
)
def test_a_key_of_any_kind_gets_its_result(aws: LocalAws, key: str) -> None:
    before = names_of(aws, "results/")
    put(aws, key, SCAN)
    until(lambda: len(names_of(aws, "results/") - before) == 3, 30, "three files")
    new = names_of(aws, "results/") - before
    (result,) = [name for name in new if name.endswith("/result.json")]
    assert json.loads(read(aws, f"results/{result}"))["input"]["key"] == key
    if len(key.encode()) <= 1000:
        assert new == {f"{key}/{name}" for name in ("result.json", "heatmap.png", "overlay.png")}


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("0 bytes", b"", "invalid_request"),
        ("text", b"This is no image.", "unsupported_media_type"),
        ("cut off", SCAN[: len(SCAN) // 2], "unreadable_image"),
    ],
)
def test_what_cannot_be_read_is_done_at_once_and_says_why_as_the_api_does(
    aws: LocalAws, user: httpx.Client, kind: str, data: bytes, code: str
) -> None:
    prefix = f"results/{kind} {NAME}.png/"
    put(aws, f"{kind} {NAME}.png", data)
    until(lambda: names_of(aws, prefix) == {"error.json"}, 30, "an error.json")
    refusal = json.loads(read(aws, f"{prefix}error.json"))
    asked = user.post("/api/v1/analyze", content=data, headers={"Content-Type": "image/png"}).json()
    assert (refusal["code"], refusal["detail"]) == (code, asked["detail"])
    assert asked["code"] == code
    until(lambda: quiet(aws), 5, "an empty queue: it is not tried again")
    assert aws.queue_counts("DeadLettersUrl") == (0, 0)


def test_an_image_that_was_deleted_before_it_was_read_is_done_and_says_so(aws: LocalAws) -> None:
    # GIVEN messages about an image that is not there any more, with a version and without
    state = put(aws, f"gone-{NAME}.png", SCAN, ARCHIVE_BUCKET)
    aws.client("s3").delete_object(Bucket=ARCHIVE_BUCKET, Key=state["key"])
    send(aws, state | {"version-id": "a-version"}, ARCHIVE_BUCKET)
    send(aws, {"key": state["key"], "version-id": None}, ARCHIVE_BUCKET)
    prefix = f"buckets/{ARCHIVE_BUCKET}/gone-{NAME}.png/"
    until(lambda: names_of(aws, prefix) == {"error.json"}, 30, "an error.json")
    assert json.loads(read(aws, f"{prefix}error.json"))["code"] == "not_found"
    until(lambda: quiet(aws), 2 * HIDDEN, "an empty queue")
    assert versions_of(aws, prefix, ".json").total() == 1


# --- workers that are killed ------------------------------------------------------------------------------------------


def test_workers_killed_in_the_middle_of_their_batches_lose_nothing_and_double_nothing(aws: LocalAws) -> None:
    # GIVEN images large enough to be in the middle of
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1800), np.uint8)
    scan = FOLDER.parent / "build" / "large.png"
    Image.fromarray(noise).save(scan, compress_level=1)
    large = scan.read_bytes()
    count, kills = 60, 3
    before = inferences(aws)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put(aws, f"killed/{NAME}-{n}.png", unique(n, large)), range(count)))

    def decided() -> int:
        return len({name for name in names_of(aws, "results/killed/") if name.endswith("result.json")})

    # WHEN all workers are killed, again and again
    killed = 0
    for reached in (3, 15, 30):
        until(lambda reached=reached: decided() >= reached, 60 + 2 * HIDDEN, f"{reached} results")  # type: ignore[misc]
        in_work = aws.queue_counts("UploadsQueueUrl")[1]
        for container in aws.workers():
            docker("kill", container)
            killed += 1
        assert in_work, "nobody was in the middle of anything"
    assert killed >= kills
    # THEN every image has its result all the same, with all its files, and nothing is given up
    until(lambda: decided() == count, 120 + 3 * HIDDEN, f"{count} results")
    until(lambda: quiet(aws), 60 + 3 * HIDDEN, "an empty queue")
    files = ("result.json", "heatmap.png", "overlay.png")
    assert names_of(aws, "results/killed/") == {f"{NAME}-{n}.png/{name}" for n in range(count) for name in files}
    assert aws.queue_counts("DeadLettersUrl") == (0, 0)
    # AND nothing was done again but what a kill had caught
    scored = inferences(aws) - before
    assert len(scored) == count
    assert max(scored.values()) <= 1 + kills
    again = scored.total() - count
    caught = kills * 4 * 10  # readers, and the images of a batch
    assert again <= caught
    measured(f"{count} uploads, {killed} workers killed meanwhile: every one answered, {again} scored again")
    # AND nobody is at anything any more
    records = aws.client("dynamodb").scan(TableName=aws.physical_name("UploadsRecords"))["Items"]
    assert {item["status"]["S"] for item in records} == {"COMPLETED"}


# --- dead letters -----------------------------------------------------------------------------------------------------


def test_what_keeps_failing_becomes_a_dead_letter_and_the_replay_brings_it_back(aws: LocalAws) -> None:
    # GIVEN a message that cannot be read, and one of an image in a bucket that is not there
    sqs, queue = aws.client("sqs"), aws.outputs()["UploadsQueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})  # five times, without the waiting
    sqs.send_message(QueueUrl=queue, MessageBody=f"no event, {NAME}")
    missing = f"missing-{ARCHIVE_BUCKET}"
    send(aws, {"key": f"{NAME}.png", "version-id": None, "etag": None}, missing)
    # WHEN they failed often enough
    until(lambda: aws.queue_counts("DeadLettersUrl")[0] == 2, 60, "two dead letters")
    assert quiet(aws)
    # AND the reason of one of them is mended, and both are replayed
    aws.client("s3").create_bucket(Bucket=missing, CreateBucketConfiguration={"LocationConstraint": REGION})
    put(aws, f"{NAME}.png", SCAN, missing)
    printed = command(aws, "deploy.replay", STACK, "--region", REGION)
    # THEN that one has its result, and the other is dead again
    until(lambda: "result.json" in names_of(aws, f"buckets/{missing}/{NAME}.png/"), 30, "the result")
    until(lambda: aws.queue_counts("DeadLettersUrl")[0] == 1 and quiet(aws), 60, "one dead letter")
    assert "2" in printed.stdout
    assert NAME not in printed.stdout + printed.stderr
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(HIDDEN)})
    sqs.purge_queue(QueueUrl=aws.outputs()["DeadLettersUrl"])


# --- large images, by link --------------------------------------------------------------------------------------------


def form(aws: LocalAws, link: dict[str, Any], data: bytes, **changed: str) -> httpx.Response:
    """Send an image by a link, as a browser does."""
    fields = link["upload"]["fields"] | changed
    address = f"{aws.endpoint}/{uploads(aws)}"  # which is what the link means, whatever containers call this machine
    return httpx.post(address, data=fields, files={"file": ("a.png", data)}, timeout=60, trust_env=False)


def test_an_image_too_large_for_the_gateway_comes_in_by_a_link(aws: LocalAws, user: httpx.Client) -> None:
    # GIVEN an image that the gateway does not take
    large = SCAN + bytes(Settings().max_binary_body_bytes)
    assert_problem(
        user.post("/api/v1/analyze", content=large, headers={"Content-Type": "image/png"}), 413, "payload_too_large"
    )
    # WHEN a link is asked for, and the result before there is one
    response = user.post("/api/v1/uploads", json={"content_type": "image/png", "size": len(large)})
    assert response.status_code == 201, response.text
    link = response.json()
    assert uploads(aws) in link["upload"]["url"]
    waiting = user.get(link["result"])
    assert (waiting.status_code, waiting.json()["status"]) == (202, "waiting")
    assert int(waiting.headers["retry-after"]) > 0
    # AND the image is sent
    sent = form(aws, link, large)
    assert sent.status_code in (200, 201, 204), sent.text
    # THEN the address has the response of analyze, its images as links
    until(lambda: user.get(link["result"]).status_code == 200, 30, "a result")
    found = user.get(link["result"]).json()
    asked = user.post("/api/v1/analyze", content=SCAN, headers={"Content-Type": "image/png"}).json()
    assert found["prediction"] == asked["prediction"]
    for kind in ("heatmap", "overlay"):
        image_link = httpx.URL(found["gradcam"]["images"][kind])
        path = image_link.raw_path.decode()
        if not path.startswith(f"/{aws.outputs()['ResultsBucket']}/"):  # the bucket is in the host
            path = f"/{aws.outputs()['ResultsBucket']}{path}"
        got = httpx.get(f"{aws.endpoint}{path}", trust_env=False)
        assert got.content.startswith(b"\x89PNG"), got.text


@pytest.mark.parametrize(
    ("size", "data", "changed"),
    [
        (len(SCAN), SCAN + b"x", {}),
        (len(SCAN), SCAN[:-1], {}),
        (len(SCAN), SCAN, {"Content-Type": "text/html"}),
        (len(SCAN), SCAN, {"key": "api/another"}),
        (None, b"", {}),
    ],
    ids=["larger", "smaller", "another type", "another key", "empty"],
)
def test_a_link_takes_what_it_is_for_and_nothing_else(
    aws: LocalAws, user: httpx.Client, size: int | None, data: bytes, changed: dict[str, str]
) -> None:
    link = user.post("/api/v1/uploads", json={"content_type": "image/png", "size": size}).json()
    assert form(aws, link, data, **changed).status_code in (400, 403)
    assert user.get(link["result"]).status_code == 202


def test_an_uploaded_file_that_is_no_image_is_the_problem_that_analyze_answers(
    aws: LocalAws, user: httpx.Client
) -> None:
    link = user.post("/api/v1/uploads", json={"content_type": "image/png"}).json()
    assert form(aws, link, b"no image").is_success
    until(lambda: user.get(link["result"]).status_code != 202, 30, "a response")
    assert_problem(user.get(link["result"]), 415, "unsupported_media_type")


def test_links_are_closed_without_a_key(aws: LocalAws, user: httpx.Client) -> None:
    link = user.post("/api/v1/uploads", json={"content_type": "image/png"}).json()
    with httpx.Client(base_url=aws.api(), trust_env=False) as anyone:
        assert_problem(anyone.post("/api/v1/uploads", json={"content_type": "image/png"}), 403, "forbidden")
        assert_problem(anyone.get(link["result"]), 403, "forbidden")
    assert_problem(user.get("/api/v1/uploads/0123"), 404, "not_found")
    assert_problem(user.post("/api/v1/uploads", json={"content_type": "text/html"}), 422, "invalid_request")
    assert_problem(
        user.post("/api/v1/uploads", json={"content_type": "image/png", "size": 10**9}), 413, "payload_too_large"
    )


# --- archives ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(aws: LocalAws) -> dict[str, str]:
    """500 objects of an archive, 20 of which are no images, beside folders: what becomes of each key."""
    expected: dict[str, str] = {}
    for number in range(500):
        key = f"archive/{number % 7}/{NAME} {number}.png"
        expected[key] = "refused" if number % 25 == 3 else "analysed"

    def fill(key: str) -> None:
        number = int(key.rpartition(" ")[2].partition(".")[0])
        put(aws, key, b"no image" if expected[key] == "refused" else unique(10_000 + number), ARCHIVE_BUCKET)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, expected))
    put(aws, "archive/a folder/", b"", ARCHIVE_BUCKET)
    return expected


def test_an_archive_of_500_objects_is_analysed_and_summed_up(aws: LocalAws, archive: dict[str, str]) -> None:
    before = inferences(aws)
    begin = time.monotonic()
    words = ("deploy.archive", STACK, "--region", REGION, "--bucket", ARCHIVE_BUCKET, "--prefix", "archive/")
    printed = command(aws, *words, "--name", "first")
    seconds = time.monotonic() - begin
    # THEN the summary counts all of them
    summary = json.loads(read(aws, "archives/first/summary.json"))
    assert summary["pictures"] == {"analysed": 480, "refused": 20}
    assert summary["codes"] == {"unsupported_media_type": 20}
    assert sum(summary["risks"].values()) == sum(summary["labels"].values()) == sum(summary["models"].values()) == 480
    assert summary["items"] == {"total": 501, "succeeded": 501, "failed": 0}  # with the folder
    assert "480" in printed.stdout
    # AND a line tells of each
    parts = [read(aws, f"archives/first/parts/{name}") for name in names_of(aws, "archives/first/parts/")]
    lines = [json.loads(line) for part in parts for line in part.splitlines()]
    assert {line["key"]: line["status"] for line in lines} == archive
    # AND its results lie apart from those of the uploads bucket
    decisions = {"analysed": "result.json", "refused": "error.json"}
    prefix = f"buckets/{ARCHIVE_BUCKET}/archive/"
    found = {name for name in names_of(aws, prefix) if name.endswith(".json")}
    assert found == {f"{key.removeprefix('archive/')}/{decisions[status]}" for key, status in archive.items()}
    scored = inferences(aws) - before
    assert (len(scored), scored.total()) == (480, 480)
    measured(
        f"archive of 500 objects, {ARCHIVE_CONCURRENCY} at a time: {seconds:.0f} s, one by one instead of in batches"
    )


def test_an_archive_that_is_run_again_costs_no_inference(aws: LocalAws, archive: dict[str, str]) -> None:
    scored = inferences(aws).total()
    words = ("--bucket", ARCHIVE_BUCKET, "--prefix", "archive/3/", "--name", "second")
    command(aws, "deploy.archive", STACK, "--region", REGION, *words)
    summary = json.loads(read(aws, "archives/second/summary.json"))
    again = Counter(status for key, status in archive.items() if key.startswith("archive/3/"))
    assert summary["pictures"] == again
    assert inferences(aws).total() == scored


def test_an_archive_that_cannot_be_read_fails_and_has_its_summary(aws: LocalAws) -> None:
    with pytest.raises(AssertionError, match="exit 1"):
        command(aws, "deploy.archive", STACK, "--region", REGION, "--bucket", "not-a-bucket-of-ours", "--name", "third")
    assert json.loads(read(aws, "archives/third/summary.json"))["pictures"] == {}


# --- how large, how many, and for how much ----------------------------------------------------------------------------


def environment_of_a_worker(aws: LocalAws) -> dict[str, str]:
    """What the template and Lambda tell the worker, for one that is started beside those of the stack."""
    told = {
        **aws.environment,
        "AWS_REGION": REGION,
        "THYROID_UPLOADS_BUCKET": uploads(aws),
        "THYROID_RESULTS_BUCKET": aws.outputs()["ResultsBucket"],
        "THYROID_RECORDS_TABLE": aws.physical_name("UploadsRecords"),
    }
    return AS_DEPLOYED | {name: told[name] for name in told if name.startswith(("AWS_", "THYROID_"))}


def archive_batch(run: str, keys: list[str]) -> dict[str, Any]:
    given = {"bucket": ARCHIVE_BUCKET, "run": run, "encoded": False}
    return {"Items": [{"Key": key} for key in keys], "BatchInput": given, "Attempt": 0}


def test_a_batch_of_the_largest_images_fits_into_the_least_memory(aws: LocalAws, image: str) -> None:
    # GIVEN ten images of as many pixels as are taken, in the mode that takes most, each a small file
    largest = Image.new("RGBA", (8000, Settings().max_pixels // 8000))
    largest.paste((90, 20, 20, 200), (2000, 500, 6000, 2000))  # grey ones take a third
    file = io.BytesIO()
    largest.save(file, "PNG", compress_level=1)
    keys = [f"largest/{number}.png" for number in range(10)]
    for number, key in enumerate(keys):
        put(aws, key, unique(number, file.getvalue()), ARCHIVE_BUCKET)
    # WHEN a worker with the least memory that the template allows gets all of them at once
    least = 1024
    with started(image, "functions.s3_worker.handler", least, **environment_of_a_worker(aws)) as worker:
        response = worker.call(archive_batch("largest", keys))
        memory = worker.memory()
    # THEN it lives, and answers all of them
    assert response == {"analysed": len(keys)}, response
    measured(f"ten images of {Settings().max_pixels:,} pixels in a batch at {least} MB: {memory} in use afterwards")


def test_a_worker_of_one_processor_does_many_images_a_second(aws: LocalAws, image: str) -> None:
    # GIVEN images of a usual size, and a worker with the memory and the processor that Lambda gives it
    pixels = phantom.make(7, suspicious=True, height=400, width=600)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    count, batch = 400, 20
    keys = [f"growth/{number}.jpg" for number in range(count)]
    for number, key in enumerate(keys):
        put(aws, key, unique(number, file.getvalue()), ARCHIVE_BUCKET)
    with started(image, "functions.s3_worker.handler", WHOLE_PROCESSOR_MB, **environment_of_a_worker(aws)) as worker:

        def analyse(some: list[str]) -> None:
            response = worker.call(archive_batch("growth", some))
            assert response == {"analysed": len(some)}, response

        # WHEN it analyses them in batches, as an archive's
        analyse(keys[:batch])
        begin, worked = time.monotonic(), worker.processor_seconds()
        for start in range(batch, count, batch):
            analyse(keys[start : start + batch])
        seconds, worked = time.monotonic() - begin, worker.processor_seconds() - worked
        memory = worker.memory()
    # THEN
    milliseconds = 1000 * worked / (count - batch)
    sizes = sum(
        len(read(aws, f"buckets/{ARCHIVE_BUCKET}/{keys[0]}/{name}"))
        for name in ("result.json", "heatmap.png", "overlay.png")
    )
    measured(
        f"a worker at {WHOLE_PROCESSOR_MB} MB, {len(file.getvalue()):,} bytes of JPEG each: {milliseconds:.1f} ms of a "
        f"processor an image, {(count - batch) / seconds:.1f} images a second beside a local AWS, {memory} in use; "
        f"{sizes:,} bytes of results each"
    )
    for line in growth(milliseconds / 1000):
        measured(line)


# --- the sample events, and what is left of it all --------------------------------------------------------------------


def invoke(aws: LocalAws, function: str, event: dict[str, Any]) -> Any:
    """Invoke a function as it is live."""
    response = aws.client("lambda").invoke(
        FunctionName=f"{aws.physical_name(function)}:live", Payload=json.dumps(event)
    )
    return json.loads(response["Payload"].read())


def test_the_sample_events_are_answered_where_there_is_a_stack(aws: LocalAws) -> None:
    # GIVEN an image and a run as the samples name them, in the stack's bucket and of the stack's state machine
    put(aws, "scans/phantom.png", SCAN)
    states = aws.client("stepfunctions")
    started = states.start_execution(
        stateMachineArn=aws.outputs()["ArchiveArn"], name="sample-run", input=json.dumps({"prefix": "nothing/"})
    )
    execution = started["executionArn"]
    until(lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED", 30, "an empty archive")
    sample = {
        name: json.loads((FOLDER / f"{name}.json").read_text("utf-8").replace("my-uploads", uploads(aws)))
        for name in ("uploads_id", "s3_worker", "archive", "archive_summary")
    }
    # THEN each is answered
    assert invoke(aws, "UploadsFunction", sample["s3_worker"]) == {"batchItemFailures": []}
    assert invoke(aws, "UploadsFunction", sample["archive"]) == {"analysed": 1}
    summary = invoke(aws, "ArchiveSummaryFunction", sample["archive_summary"] | {"execution": execution})
    assert summary["pictures"] == {"analysed": 1}
    # AND the link of the sample has ended
    assert invoke(aws, "UploadLinksFunction", sample["uploads_id"])["statusCode"] == 404


def test_no_log_names_an_image(aws: LocalAws) -> None:
    groups = ("UploadsLogs", "UploadLinksLogs", "ArchiveSummaryLogs", "ArchiveLogs", "AccessLogs")
    text = "\n".join(line for group in groups for line in aws.log_lines(group))
    assert '"upload"' in text
    assert "Jane" not in text
