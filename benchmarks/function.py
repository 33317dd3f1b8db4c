"""A Lambda function in its own process, run by AWS's real runtime client; this module implements the runtime API."""

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
_TIMEOUT_SECONDS = 180
_NEXT = "/2018-06-01/runtime/invocation/next"


class Response(NamedTuple):
    """What a function returned, and how long it took; the first is counted from the start of its process."""

    milliseconds: float
    status: int
    body: Any


class FunctionError(Exception):
    """A function ended, or did not respond."""


class Function:
    """A running function, which processes one event after another."""

    def __init__(self, api: "_RuntimeApi", process: "subprocess.Popen[bytes]", started: float) -> None:
        self._api, self._process, self._started = api, process, started

    def first(self, event: Mapping[str, Any]) -> Response:
        """Send the first event, which waits until the process has started."""
        return self._send(event, self._started)

    def invoke(self, event: Mapping[str, Any]) -> Response:
        """Send another event."""
        return self._send(event, None)

    def peak_megabytes(self) -> float:
        """Return the peak memory of the process."""
        return peak_megabytes(self._process.pid)

    def _send(self, event: Mapping[str, Any], started: float | None) -> Response:
        self._api.events.put(json.dumps(event).encode())
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            try:
                result, handed_out, received = self._api.results.get(timeout=1)
                break
            except queue.Empty:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise FunctionError(f"the function did not respond (exit status {self._process.poll()})") from None
        response = json.loads(result)
        if "statusCode" not in response:
            raise FunctionError(f"the function failed: {str(response)[:500]}")
        begin = handed_out if started is None else started
        return Response(1000 * (received - begin), response["statusCode"], json.loads(response["body"]))


@contextmanager
def started(handler: str, environment: Mapping[str, str], processors: float | None = None) -> Iterator[Function]:
    """Start a function with a share of the processor, and end it."""
    with share(processors) as within, _RuntimeApi() as api, tempfile.TemporaryFile() as output:
        variables = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(round(WHOLE_PROCESSOR_MB * (processors or os.cpu_count() or 1))),
            "AWS_REGION": "eu-central-1",
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(ROOT),
        }
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*within, sys.executable, "-m", "awslambdaric", handler],
            env={**os.environ, **variables, **environment},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
        try:
            yield Function(api, process, begin)
        except FunctionError as error:
            output.seek(0)
            raise FunctionError(f"{handler}: {error}\n{output.read()[-2000:].decode(errors='replace')}") from error
        finally:
            process.kill()
            process.wait()


def peak_megabytes(pid: int) -> float:
    """Return the peak memory of a process, as Linux counts it (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(kilobytes) * 1024 / 1e6


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Log nothing: a function that is ended closes its connection."""


class _RuntimeApi:
    """Lambda's runtime API on loopback (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), for one function."""

    def __init__(self) -> None:
        self.events: queue.Queue[bytes] = queue.Queue()
        self.results: queue.Queue[tuple[bytes, float, float]] = queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            handed_out = 0.0

            def do_GET(self) -> None:
                event = api.events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "bench")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(1000 * (time.time() + _TIMEOUT_SECONDS))))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:0:function:bench")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                Handler.handed_out = time.perf_counter()
                self.wfile.write(event)

            def do_POST(self) -> None:
                result = self._body()
                received = time.perf_counter()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.results.put((result, Handler.handed_out, received))

            def _body(self) -> bytes:
                """Read the body, which the client may send in chunks."""
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
