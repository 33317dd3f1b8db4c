"""A server in processes of its own, asked over HTTP on loopback."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.function import ROOT
from benchmarks.picture import body

_PATIENCE = 180  # seconds


class ServerError(Exception):
    """A server that ended, or did not answer."""


@dataclass(frozen=True)
class How:
    """How a server is started and asked for a score.

    Attributes
    ----------
    command : callable
        From the port and an empty folder to the command.
    path : str
        Of the request.
    request : callable
        Makes the request's JSON.
    score : callable
        Finds the score in the answer's JSON.
    environment : mapping
        What is set besides.
    """

    command: Callable[[int, Path], Sequence[str]]
    path: str
    request: Callable[[], Any] = body
    score: Callable[[Any], float] = lambda answer: float(answer["prediction"]["confidence_score"])
    environment: Mapping[str, str] | None = None


class Server:
    """A running server."""

    def __init__(self, how: How, port: int, process: "subprocess.Popen[bytes]", started: float) -> None:
        self._how, self._port, self._process = how, port, process
        self._told = json.dumps(how.request()).encode()
        self.first_answer, self.score = self._first(started)

    def _first(self, started: float) -> tuple[float, float]:
        """Return the milliseconds from the start of the process to the first answer, and the score in it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with closing(self.connect()) as line:
                    score = self._how.score(self.ask(line))
                return 1000 * (time.perf_counter() - started), score
            except (OSError, http.client.HTTPException, ServerError):
                time.sleep(0.005)
        raise ServerError(f"it did not answer (exit status {self._process.poll()})")

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)

    def ask(self, connection: http.client.HTTPConnection) -> Any:
        """Ask for the score over a connection; return the answer."""
        connection.request("POST", self._how.path, self._told, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise ServerError(f"it answered {answer.status}: {told[:300].decode(errors='replace')}")
        return json.loads(told)

    def throughput(self, clients: int, seconds: float) -> float:
        """Return how many answers a second so many clients get, each of which asks again when it has its answer."""
        answered = [0] * clients
        failed: list[BaseException] = []
        begin = threading.Barrier(clients + 1)
        end = threading.Event()

        def client(number: int) -> None:
            connection = self.connect()
            try:
                begin.wait()  # before the first question: a server closes what is idle while others are answered
                while not end.is_set():
                    self.ask(connection)
                    answered[number] += 1
            except BaseException as error:
                failed.append(error)
                begin.abort()
            finally:
                connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            begin.wait()
        except threading.BrokenBarrierError:
            raise ServerError(f"{clients} clients at once: {failed[0]}") from failed[0]
        started = time.perf_counter()
        time.sleep(seconds)
        took, count = time.perf_counter() - started, sum(answered)
        end.set()
        for thread in threads:
            thread.join()
        if failed:
            raise ServerError(f"{clients} clients at once: {failed[0]}") from failed[0]
        return count / took

    def megabytes(self) -> float:
        """Return the memory of all its processes; what several share counts once (Pss)."""
        return sum(_pss(pid) for pid in _family(self._process.pid)) * 1024 / 1e6


@contextmanager
def serving(how: How) -> Iterator[Server]:
    """Start a server, wait for its first answer, and end it with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            how.command(port, Path(folder)),
            env={**os.environ, **(how.environment or {})},
            cwd=ROOT,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield Server(how, port, process, started)
        except ServerError as error:
            said.seek(0)
            raise ServerError(f"{error}\n{said.read()[-2000:].decode(errors='replace')}") from error
        finally:
            for pid in list(_family(process.pid)):  # by name: some servers give a child a group of its own
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended meanwhile
            for child in children.read_text().split():
                yield from _family(int(child))


def _pss(pid: int) -> int:
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:"))
