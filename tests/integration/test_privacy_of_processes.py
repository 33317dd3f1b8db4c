"""A patient's name in every place of every request, to real processes with the most verbose settings.

Nothing of it is in what they print, count or trace, nor in an error; in a response it is where the caller put it. No
file is written.
"""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests import buckets, canaries, wire
from tests.canaries import NAME, leaks
from tests.gateway import Answer
from tests.server import ROOT, WAYS, lines_of, local_server
from tests.verbose import CONTROL, OPENED

ASKED = dict(canaries.requests())
VERBOSE = {
    "LOG_LEVEL": "DEBUG",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "POWERTOOLS_DEBUG": "true",
    "POWERTOOLS_LOGGER_LOG_EVENT": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Thyroid",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE": "true",
    "PYTHONWARNINGS": "default",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # As Lambda has it, so that traces are sent.
    "THYROID_TRACES": "true",
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
}


@dataclass(frozen=True)
class Output:
    """All that came out of a process.

    Attributes
    ----------
    printed : str
        To standard output and standard error, from its start to its end.
    traced : list of str
        What X-Ray was sent.
    responses : dict of str to Answer
        By the name of the request.
    files : set of str
        Names that were seen in its folder for temporary files, at any time.
    """

    printed: str
    traced: list[str]
    responses: dict[str, Answer]
    files: set[str]


@contextmanager
def traces(segments: list[str]) -> Iterator[str]:
    """Stand for X-Ray's daemon, and keep what it is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    segments.append(daemon.recv(1 << 20).decode())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield f"127.0.0.1:{daemon.getsockname()[1]}"
        finally:
            time.sleep(0.3)
            over.set()
            listener.join()


@contextmanager
def watched(folder: Path, seen: set[str]) -> Iterator[None]:
    """Look into a folder again and again, and keep the names that are ever in it."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            seen.update(str(Path(entry) / name) for entry, _, names in os.walk(folder) for name in names)
            seen.update(entry.name for entry in os.scandir(folder))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def ask_everything(app: str, folder: Path, **environment: str) -> Output:
    temporary, printed = folder / "tmp", folder / "printed.txt"
    temporary.mkdir()
    traced: list[str] = []
    files: set[str] = set()
    with traces(traced) as daemon:
        variables = {
            **VERBOSE,
            "TMPDIR": str(temporary),
            "AWS_XRAY_DAEMON_ADDRESS": daemon,
            "TOLD_OF": app,
            **environment,
        }
        with local_server(printed, "tests.verbose:app", **variables) as address, watched(temporary, files):
            responses = {name: wire.send(address, request) for name, request in ASKED.items()}
            link = responses["uploads: a link"]
            if link.status == 201:
                by_link = canaries.by_link(json.loads(link.body))
                responses |= {name: wire.send(address, request) for name, request in by_link}
    files.update(str(path) for path in temporary.rglob("*"))
    return Output(printed.read_text("utf-8", "replace"), traced, responses, files)


@pytest.fixture(scope="module", params=[app for app, _ in WAYS.values()], ids=list(WAYS))
def way(request: pytest.FixtureRequest, artifact: Path) -> str:
    """The application of a laptop, and the functions behind the gateway."""
    return str(request.param)


@pytest.fixture(scope="module")
def output(way: str, tmp_path_factory: pytest.TempPathFactory) -> Output:
    """The output of a process that got every request."""
    return ask_everything(way, tmp_path_factory.mktemp("output"))


@pytest.fixture(scope="module")
def broken(way: str, tmp_path_factory: pytest.TempPathFactory) -> Output:
    """The output of a process in which everything fails, with all that was sent in the error's message."""
    return ask_everything(way, tmp_path_factory.mktemp("broken"), BROKEN="yes")


def check_nothing_leaks(output: Output) -> None:
    for line in output.printed.splitlines():
        assert not leaks(line), line[:500]
    for segment in output.traced:
        assert not leaks(segment), segment[:500]


def test_the_name_would_be_found_in_any_form() -> None:
    image = canaries.images()["JPEG"]
    request = wire.to_bytes(ASKED["predict: JPEG in JSON"])

    assert leaks(image) == ["plain", "two-byte letters"]
    assert "base64" in leaks(json.dumps({"body": request.decode()}))
    assert leaks(repr(image.hex())) == ["hexadecimal"]
    assert leaks(f"/scans/{NAME.upper()}") == ["plain"]
    assert leaks("Jane Doe") == []


def test_every_request_is_told_of_and_nothing_of_the_patient_is(output: Output) -> None:
    requests = [line for line in lines_of(output.printed) if line.get("message") == "request"]
    assert {line["status"] for line in requests} >= {200, 400, 404, 413, 415, 422}
    assert len([line for line in lines_of(output.printed) if "_aws" in line]) >= len(requests) > 200
    assert len([segment for segment in output.traced if '"annotations"' in segment]) == len(requests)
    assert any("DEBUG" in line for line in output.printed.splitlines())
    check_nothing_leaks(output)


def test_what_nobody_foresaw_is_told_of_and_nothing_of_the_patient_is(broken: Output) -> None:
    errors = [line for line in lines_of(broken.printed) if line.get("message") == "unexpected error"]
    assert len(errors) > 100
    assert {line["error"] for line in errors} == {"KeyError"}
    check_nothing_leaks(broken)


def test_an_error_repeats_nothing_of_what_was_sent(output: Output, broken: Output) -> None:
    refused = [(name, response) for each in (output, broken) for name, response in each.responses.items()]
    refused = [(name, response) for name, response in refused if response.status >= 400]
    assert len(refused) > 300
    for name, response in refused:
        check_names_nobody(name, response)


def test_an_answer_has_the_name_where_the_caller_put_it_and_nowhere_else(output: Output) -> None:
    answered = [(name, response) for name, response in output.responses.items() if response.status < 400]
    assert len(answered) > 80
    for name, response in answered:
        check_names_nobody(name, response)


def check_names_nobody(asked: str, response: Answer) -> None:
    """Look for the name in all of a response but what it is for: file names, and what browsers need."""
    for name, value in response.headers:
        if name.lower() == "access-control-allow-headers":  # those that a browser asked for
            assert value == dict(ASKED[asked].headers)["Access-Control-Request-Headers"], asked
        elif not (name.lower() == "content-disposition" and response.status == 200):
            assert not leaks(f"{name}: {value}"), asked
    if response.body.startswith(b"%PDF"):
        reader = pypdf.PdfReader(io.BytesIO(response.body))
        (page,) = reader.pages
        assert page.extract_text().count(NAME) == 1, asked  # the file's name
        assert not leaks(str(reader.metadata)), asked
        for image in page.images:
            assert not leaks(image.data), asked
    elif response.body and dict(response.headers).get("content-type") == "application/json":
        body = json.loads(response.body)
        body.pop("filename", None)
        assert not leaks(json.dumps(body)), asked
    else:
        assert not leaks(response.body), asked


def test_a_large_image_came_by_a_link_where_a_laptop_gives_one(way: str, output: Output) -> None:
    if way == "functions.local:app":
        assert [output.responses[f"its {file}"].status for file in ("heatmap.png", "overlay.png")] == [200, 200]
        assert json.loads(output.responses["its result"].body)["success"] is True
        assert output.responses["what no link is for"].status == 404


def test_no_file_is_written_whatever_is_sent(output: Output, broken: Output) -> None:
    for each in (output, broken):
        assert each.files == set()
        before, found, since_the_first = each.printed.partition('"message":"request"')
        assert f"{OPENED}{CONTROL}" in before  # among what libraries open while they are loaded
        assert found
        assert [line for line in since_the_first.splitlines() if line.startswith(OPENED)] == []


# --- the other way in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worked:
    """What a worker printed, and what was in buckets, table and on the bus then."""

    printed: str
    left: dict[str, Any]
    files: list[Path]


def work(folder: Path, **environment: str) -> Worked:
    (folder / "tmp").mkdir()
    variables = {
        **os.environ,
        **VERBOSE,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "THYROID_UPLOADS_BUCKET": buckets.UPLOADS,
        "THYROID_RESULTS_BUCKET": buckets.RESULTS,
        "THYROID_RECORDS_TABLE": buckets.TABLE,
        "TMPDIR": str(folder / "tmp"),
        **environment,
    }
    command = [sys.executable, "-m", "tests.verbose_worker", str(folder / "left.json")]
    with (folder / "printed.txt").open("wb") as printed:
        subprocess.run(command, cwd=ROOT, env=variables, stdout=printed, stderr=subprocess.STDOUT, check=True)
    left = json.loads((folder / "left.json").read_text())
    printed_by_it, _, its_own = (folder / "printed.txt").read_text("utf-8", "replace").rpartition(OPENED)
    assert its_own.strip() == str(folder / "left.json")  # what the test itself writes at the end
    return Worked(printed_by_it, left, list((folder / "tmp").rglob("*")))


@pytest.mark.usefixtures("artifact")
@pytest.mark.parametrize(
    ("environment", "outcomes"),
    [
        ({}, {"analysed", "refused"}),
        ({"BROKEN": "yes"}, {"failed"}),
        ({"DENIED": "get_object"}, {"failed"}),
        ({"DENIED": "put_object"}, {"failed"}),
    ],
    ids=["well", "what nobody foresaw", "may not read", "may not write"],
)
def test_a_worker_tells_nothing_of_a_patient_and_writes_no_file(
    environment: dict[str, str], outcomes: set[str], tmp_path: Path
) -> None:
    worked = work(tmp_path, **environment)

    lines = [line for line in lines_of(worked.printed) if line.get("message") == "upload"]
    assert {line["outcome"] for line in lines} == outcomes
    assert len([line for line in lines_of(worked.printed) if "_aws" in line]) >= len(lines) >= 30
    for line in worked.printed.splitlines():
        assert not leaks(line), line[:500]
        assert not line.startswith(OPENED)
    assert worked.files == []
    # AND neither do its records; its files and events do in the key alone
    assert not leaks(json.dumps(worked.left["records"]))
    for event in worked.left["events"]:
        detail = json.loads(event["Entries"][0]["Detail"])
        assert leaks(detail["input"].pop("key"))
        assert leaks(detail["result"].pop("key"))
        assert not leaks(json.dumps([event["Entries"][0]["DetailType"], detail]))
    for key, (content, metadata) in worked.left["files"].items():
        assert not leaks(metadata)
        if key.endswith(".json"):
            result = json.loads(content)
            result["input"].pop("key")
            result.pop("filename", None)
            content = json.dumps(result)
        if not key.startswith("archives/"):  # whose parts are lists of keys
            assert not leaks(content), key
