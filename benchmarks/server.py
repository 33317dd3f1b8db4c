"""A server in processes of its own, called over HTTP on loopback."""

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
from benchmarks.image import body

_TIMEOUT_SECONDS = 180


class ServerError(Exception):
    """A server ended, or did not respond."""


@dataclass(frozen=True)
class ServerConfig:
    """How a server is started and called for a score.

    Attributes
    ----------
    command : callable
        Returns the command, given the port and an empty folder.
    path : str
        Path of the request.
    request : callable
        Returns the request's JSON.
    score : callable
        Finds the score in the response's JSON.
    environment : mapping
        Additional environment variables.
    """

    command: Callable[[int, Path], Sequence[str]]
    path: str
    request: Callable[[], Any] = body
    score: Callable[[Any], float] = lambda response: float(response["prediction"]["confidence_score"])
    environment: Mapping[str, str] | None = None


class Server:
    """A running server."""

    def __init__(self, config: ServerConfig, port: int, process: "subprocess.Popen[bytes]", started: float) -> None:
        self._config, self._port, self._process = config, port, process
        self._body = json.dumps(config.request()).encode()
        self.first_response, self.score = self._wait_for_first_response(started)

    def _wait_for_first_response(self, started: float) -> tuple[float, float]:
        """Return the milliseconds from the start of the process to the first response, and the score in it."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with closing(self.connect()) as connection:
                    score = self._config.score(self.send(connection))
                return 1000 * (time.perf_counter() - started), score
            except (OSError, http.client.HTTPException, ServerError):
                time.sleep(0.005)
        raise ServerError(f"it did not respond (exit status {self._process.poll()})")

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)

    def send(self, connection: http.client.HTTPConnection) -> Any:
        """Send the request over a connection; return the response's JSON."""
        connection.request("POST", self._config.path, self._body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise ServerError(f"it responded with {response.status}: {content[:300].decode(errors='replace')}")
        return json.loads(content)

    def throughput(self, clients: int, seconds: float) -> float:
        """Return the requests per second of so many clients, each of which sends again when it has its response."""
        done = [0] * clients
        failed: list[BaseException] = []
        start = threading.Barrier(clients + 1)
        end = threading.Event()

        def client(number: int) -> None:
            connection = self.connect()
            try:
                start.wait()  # before the first request: a server may close an idle connection while it serves others
                while not end.is_set():
                    self.send(connection)
                    done[number] += 1
            except BaseException as error:
                failed.append(error)
                start.abort()
            finally:
                connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            start.wait()
        except threading.BrokenBarrierError:
            raise ServerError(f"{clients} clients at once: {failed[0]}") from failed[0]
        started = time.perf_counter()
        time.sleep(seconds)
        took, count = time.perf_counter() - started, sum(done)
        end.set()
        for thread in threads:
            thread.join()
        if failed:
            raise ServerError(f"{clients} clients at once: {failed[0]}") from failed[0]
        return count / took

    def megabytes(self) -> float:
        """Return the memory of all its processes; memory that processes share counts once (PSS)."""
        return sum(_pss(pid) for pid in _process_tree(self._process.pid)) * 1024 / 1e6


@contextmanager
def serving(config: ServerConfig) -> Iterator[Server]:
    """Start a server, wait for its first response, and end it with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            config.command(port, Path(folder)),
            env={**os.environ, **(config.environment or {})},
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield Server(config, port, process, started)
        except ServerError as error:
            output.seek(0)
            raise ServerError(f"{error}\n{output.read()[-2000:].decode(errors='replace')}") from error
        finally:
            for pid in list(_process_tree(process.pid)):  # one by one: some servers give a child its own group
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _process_tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile
            for child in children.read_text().split():
                yield from _process_tree(int(child))


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in lines.splitlines() if line.startswith("Pss:"))
