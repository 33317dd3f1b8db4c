"""Clients that send a byte at a time or stop in the middle: others are answered, and no body is awaited for ever."""

import json
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import wire
from tests.canaries import NAME, images, leaks
from tests.corpus import API, as_json, form, post
from tests.gateway import Answer, Request
from tests.images import noise_file
from tests.server import server_process

# A server here waits a second for a body: on a busy machine, clients that are not slow would be too slow as well.
pytestmark = [pytest.mark.usefixtures("artifact"), pytest.mark.serial]

IMAGE = images()["PNG"]
PREDICT = post(f"{API}/predict?filename={NAME}", IMAGE, "image/png")
HEALTH = Request("GET", f"{API}/health")
BODIES = {
    "as it is": PREDICT,
    "JSON": post(f"{API}/analyze", as_json(IMAGE, filename=NAME)),
    "a form": post(f"{API}/gradcam", *form((f'name="image"; filename="{NAME}.png"', IMAGE))),
    "a kind that is not taken": post(f"{API}/report/json", IMAGE, f"text/{NAME}"),
    "a form of a link": post("/local-uploads", *form((f'name="file"; filename="{NAME}.png"', IMAGE))),
    "no image": post(f"{API}/uploads", b'{"content_type": "image/png"}'.ljust(1000)),
}


def connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=wire.SECONDS)


def head_and_body(request: Request) -> tuple[bytes, bytes]:
    """Return a request of a connection that may be kept, in two parts."""
    head, _, body = wire.to_bytes(request).partition(b"\r\n\r\n")
    return head.replace(b"\r\nConnection: close", b"") + b"\r\n\r\n", body


@contextmanager
def stalled(address: str, sent: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Open so many connections, send the same on each, and no more."""
    with ExitStack() as all_of_them:
        connections = [all_of_them.enter_context(closing(connect(address))) for _ in range(count)]
        for each in connections:
            each.sendall(sent)
        yield connections


def answer_on(connection: socket.socket) -> Answer:
    response = HTTPResponse(connection)
    response.begin()
    return Answer(response.status, tuple(response.getheaders()), response.read())


def check_was_too_slow(answer: Answer) -> None:
    headers = {name.lower(): value for name, value in answer.headers}
    assert (answer.status, headers["content-type"]) == (408, "application/problem+json")
    assert json.loads(answer.body)["code"] == "request_timeout"
    assert headers["connection"] == "close"
    assert not leaks(answer.body)


def is_answered(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


def test_while_many_stop_at_every_stage_others_are_answered(tmp_path: Path) -> None:
    head, body = head_and_body(PREDICT)
    # GIVEN a server that works on one image at a time, and lets none wait but one
    told = {"THYROID_PARALLEL": "1", "THYROID_MAX_WAITING": "1"}
    with server_process(tmp_path / "printed", **told) as (address, process):
        expected = json.loads(wire.send(address, PREDICT).body)["prediction"]
        # WHEN twenty each say nothing, stop in the first line, in a header, before the body, in its middle, and
        # before its last byte
        stages = (b"", head[:9], head[:-30], head, head + body[: len(body) // 2], head + body[:-1])
        with ExitStack() as all_of_them:
            held = [each for stage in stages for each in all_of_them.enter_context(stalled(address, stage, 20))]
            # THEN others are answered as ever, and none of the stalled has a place
            for _ in range(10):
                answer = wire.send(address, PREDICT)
                assert answer.status == 200
                assert json.loads(answer.body)["prediction"] == expected
            assert wire.send(address, HEALTH).status == 200
            assert not any(is_answered(each) for each in held)
            # AND who goes on after all is answered
            held[-1].sendall(body[-1:])
            assert answer_on(held[-1]).status == 200
        # AND it is well when they are gone
        assert wire.send(address, PREDICT).status == 200
        assert process.poll() is None
    printed = (tmp_path / "printed").read_text()
    assert "unexpected error" not in printed
    assert not leaks(printed)


@pytest.fixture(scope="module")
def impatient(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that waits a second for a body."""
    printed = tmp_path_factory.mktemp("impatient") / "printed.txt"
    with server_process(printed, THYROID_BODY_SECONDS="1") as (address, process):
        yield address, printed
        assert process.poll() is None


def test_a_body_that_stops_in_the_middle_gets_an_answer(impatient: tuple[str, Path]) -> None:
    address, _ = impatient
    halves = {
        (kind, chunked): wire.to_bytes(request, chunked=chunked)[: -len(request.body) // 2]
        for kind, request in BODIES.items()
        for chunked in (False, True)
    }
    # WHEN half of a body of any kind comes, and no more, its length said before or not
    with ExitStack() as all_of_them:
        connections = {
            kind: all_of_them.enter_context(stalled(address, half.replace(b"\r\nConnection: close", b""), 1))[0]
            for kind, half in halves.items()
        }
        # THEN that is answered, and the connection is closed
        for connection in connections.values():
            check_was_too_slow(answer_on(connection))
            assert connection.recv(1) == b""


def test_so_does_one_that_comes_a_byte_at_a_time(impatient: tuple[str, Path]) -> None:
    address, _ = impatient
    head, body = head_and_body(PREDICT)
    with stalled(address, head, 1) as (connection,):
        for byte in body:
            if is_answered(connection):
                break
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
        check_was_too_slow(answer_on(connection))


def test_one_that_is_too_large_and_has_no_end_is_told_that_it_is_too_large(impatient: tuple[str, Path]) -> None:
    """A body over the limit is read on, so that its client can read why it is refused; but not for ever."""
    address, _ = impatient
    head, _ = head_and_body(post(f"{API}/predict", b"", "image/png", ("Content-Length", "15000000")))
    with stalled(address, head + bytes(5_000_000), 1) as (connection,):
        assert answer_on(connection).status == 413
        assert connection.recv(1) == b""


def test_who_is_slow_and_in_time_is_answered(impatient: tuple[str, Path]) -> None:
    address, _ = impatient
    head, body = head_and_body(PREDICT)
    with stalled(address, head, 1) as (connection,):
        for start in range(0, len(body), 1 + len(body) // 10):
            connection.sendall(body[start : start + 1 + len(body) // 10])
            time.sleep(0.01)
        assert answer_on(connection).status == 200


def test_many_that_stop_together_are_all_answered_and_others_meanwhile(impatient: tuple[str, Path]) -> None:
    address, printed = impatient
    head, body = head_and_body(PREDICT)
    with stalled(address, head + body[: len(body) // 2], 100) as connections:
        assert wire.send(address, PREDICT).status == 200
        for each in connections:
            check_was_too_slow(answer_on(each))
    assert wire.send(address, HEALTH).status == 200
    # AND what became of them is told, and nothing of a patient
    log = printed.read_text()
    assert log.count('"problem":"request_timeout"') >= 100
    assert "unexpected error" not in log
    assert not leaks(log)


def test_a_server_that_is_asked_to_stop_waits_for_no_client_that_has_stopped(tmp_path: Path) -> None:
    head, body = head_and_body(PREDICT)
    server = server_process(tmp_path / "printed", THYROID_BODY_SECONDS="1")
    with server as (address, process), ExitStack() as all_of_them:
        for stage in (head[:-30], head, head + body[: len(body) // 2]):
            all_of_them.enter_context(stalled(address, stage, 5))
        assert wire.send(address, HEALTH).status == 200
        process.terminate()
        assert process.wait(timeout=30) in (0, -15)


def test_who_does_not_read_the_answers_keeps_a_server_from_stopping_only_so_long(tmp_path: Path) -> None:
    # GIVEN a client that takes in next to nothing of ten answers of megabytes
    head, body = head_and_body(post(f"{API}/analyze?size=800", noise_file(300, 300), "image/png"))
    with server_process(tmp_path / "printed", patience="1") as (address, process), closing(socket.socket()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", urlsplit(address).port or 80))
        deaf.sendall((head + body) * 10)
        time.sleep(1)  # so that the first is on its way
        # WHEN the server is asked to stop, THEN it does
        assert wire.send(address, HEALTH).status == 200
        process.terminate()
        assert process.wait(timeout=30) in (0, -15)


def test_forms_that_take_long_to_read_wait_for_their_turn_and_hold_up_nobody_else(tmp_path: Path) -> None:
    # GIVEN forms of a million beginnings of a boundary, which the parser looks at one by one
    slow = post(f"{API}/predict", *form((f'name="image"; filename="{NAME}.png"', b"\r\n--Bx" * 700_000), boundary="B"))
    told = {"THYROID_PARALLEL": "1", "THYROID_MAX_WAITING": "1"}
    with server_process(tmp_path / "printed", **told) as (address, _), ThreadPoolExecutor(6) as senders:
        # WHEN six come together
        sent = [senders.submit(wire.send, address, slow) for _ in range(6)]
        # THEN others are answered meanwhile
        assert wire.send(address, HEALTH).status == 200
        # AND of the six those that are over what may wait are told so
        assert Counter(each.result().status for each in sent).keys() == {415, 503}
