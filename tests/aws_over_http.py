"""AWS behind a socket, for workers that are processes of their own: moto in this process answers what they send.

A worker may then be killed, and what it left lies here; and a response may break off, or stop, on a real connection.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber

from tests import buckets

# Which service is meant says a header, of those that have one.
SERVICES = {"DynamoDB": "dynamodb", "AWSEvents": "events"}


def nothing(_asked: str) -> None:
    """Happens."""


@dataclass
class Aws:
    """What stands for AWS, and what it was asked.

    Attributes
    ----------
    port : int
        Where it listens.
    asked : list of str
        Method and address of S3, or the operation of another service, in the order in which they came.
    before, after : callable
        Is told of each before it is done, and before its response is sent. If ``after`` returns a
        number, no more bytes of the response are sent.
    stops : bool
        Whether a response that is cut off stops there until it is ``over``, instead of the connection's being closed.
    """

    port: int
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = nothing
    after: Callable[[str], int | None] = nothing
    stops: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker has to be told."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "THYROID_UPLOADS_BUCKET": buckets.UPLOADS,
            "THYROID_RESULTS_BUCKET": buckets.RESULTS,
            "THYROID_RECORDS_TABLE": buckets.TABLE,
        }


def _handler(aws: Aws, stubber: BotocoreStubber, one_at_a_time: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            target = self.headers.get("X-Amz-Target", "")
            service = next((name for prefix, name in SERVICES.items() if target.startswith(prefix)), "s3")
            asked = target.partition(".")[2] or f"{self.command} {self.path}"
            aws.asked.append(asked)
            aws.before(asked)
            headers = HTTPHeaders()
            for name, value in self.headers.items():
                headers[name] = value
            host = f"{service}.eu-central-1.amazonaws.com"
            headers.replace_header("Host", host)
            request = AWSPreparedRequest(self.command, f"https://{host}{self.path}", headers, body, False)
            with one_at_a_time:
                status, given, content = stubber.process_request(request) or (404, {}, "")
            self._send(status, given, content.encode() if isinstance(content, str) else content, aws.after(asked))

        def _send(self, status: int, headers: Any, content: bytes, cut: int | None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "connection", "date", "server"}:
                    self.send_header(name, str(value))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[:cut])
            if cut is not None:
                self.wfile.flush()
                if aws.stops:
                    aws.over.wait(30)
                self.close_connection = True

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _respond  # noqa: N815 - as the class wants it

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: it is a worker that ended before it heard its response."""


@contextmanager
def served() -> Iterator[Aws]:
    """Serve; moto's mock has to be on, and enabled in this process."""
    from moto.core.models import botocore_stubber

    aws = Aws(0)
    server = _Server(("127.0.0.1", 0), _handler(aws, botocore_stubber, threading.Lock()))
    aws.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
