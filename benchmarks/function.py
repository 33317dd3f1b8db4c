"""A Lambda function in a process of its own, run by AWS's real runtime client; this module is Lambda's side of it."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.processor import WHOLE_PROCESSOR_MB, share

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 180  # seconds
_NEXT = "/2018-06-01/runtime/invocation/next"


class Answer(NamedTuple):
    """What a function said, and how long it took: of the first, from the start of its process."""

    milliseconds: float
    status: int
    body: Any


class FunctionError(Exception):
    """A function that ended, or did not answer."""


class Function:
    """A running function, which is asked one event after another."""

    def __init__(self, api: "_RuntimeApi", process: "subprocess.Popen[bytes]", started: float) -> None:
        self._api, self._process, self._started = api, process, started

    def first(self, event: Mapping[str, Any]) -> Answer:
        """Ask for the first time; the event waits before the process is there."""
        return self._ask(event, self._started)

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """Ask again."""
        return self._ask(event, None)

    def peak_megabytes(self) -> float:
        """Return the most memory that the process ever had."""
        return peak_megabytes(self._process.pid)

    def _ask(self, event: Mapping[str, Any], started: float | None) -> Answer:
        self._api.events.put(json.dumps(event).encode())
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                told, handed_out, received = self._api.answers.get(timeout=1)
                break
            except queue.Empty:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise FunctionError(f"the function did not answer (exit status {self._process.poll()})") from None
        answer = json.loads(told)
        if "statusCode" not in answer:
            raise FunctionError(f"the function failed: {str(answer)[:500]}")
        begun = handed_out if started is None else started
        return Answer(1000 * (received - begun), answer["statusCode"], json.loads(answer["body"]))


@contextmanager
def started(handler: str, environment: Mapping[str, str], processors: float | None = None) -> Iterator[Function]:
    """Start a function with a share of the processor, and end it."""
    with share(processors) as within, _RuntimeApi() as api, tempfile.TemporaryFile() as said:
        told = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(round(WHOLE_PROCESSOR_MB * (processors or os.cpu_count() or 1))),
            "AWS_REGION": "eu-central-1",
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(ROOT),
        }
        begun = time.perf_counter()
        process = subprocess.Popen(
            [*within, sys.executable, "-m", "awslambdaric", handler],
            env={**os.environ, **told, **environment},
            cwd=ROOT,
            stdout=said,
            stderr=said,
        )
        try:
            yield Function(api, process, begun)
        except FunctionError as error:
            said.seek(0)
            raise FunctionError(f"{handler}: {error}\n{said.read()[-2000:].decode(errors='replace')}") from error
        finally:
            process.kill()
            process.wait()


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process ever had, as Linux counts it (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(kilobytes) * 1024 / 1e6


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a function that is ended hangs up."""


class _RuntimeApi:
    """Lambda's runtime API on loopback (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), for one function."""

    def __init__(self) -> None:
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[tuple[bytes, float, float]] = queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            handed_out = 0.0

            def do_GET(self) -> None:
                event = api.events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "bench")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(1000 * (time.time() + _PATIENCE))))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:0:function:bench")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                Handler.handed_out = time.perf_counter()
                self.wfile.write(event)

            def do_POST(self) -> None:
                told = self._body()
                received = time.perf_counter()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put((told, Handler.handed_out, received))

            def _body(self) -> bytes:
                """Read the body, which the client sends in chunks of its own size."""
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "_RuntimeApi":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
