"""A server of a few lines that responds with a score."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.server import ServerConfig, ServerError, serving

SERVER = """
import http.server, json, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps({"prediction": {"confidence_score": request["score"]}}).encode()
        self.send_response(200 if self.path == "/predict" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def config(source: str = SERVER, path: str = "/predict") -> ServerConfig:
    def command(port: int, folder: Path) -> Sequence[str]:
        (folder / "server.py").write_text(source)
        return [sys.executable, str(folder / "server.py"), str(port)]

    return ServerConfig(command, path, request=lambda: {"score": 0.25})


def test_a_server_is_asked_until_it_answers_and_then_by_many() -> None:
    with serving(config()) as server:
        assert server.score == 0.25
        assert server.first_response > 0
        assert server.throughput(3, 0.2) > 10
        assert server.megabytes() > 3


def test_a_server_that_ends_is_told_of_with_what_it_said() -> None:
    with (
        pytest.raises(ServerError, match=r"(?s)exit status 3.*no model"),
        serving(config("print('no model'); exit(3)")),
    ):
        pass


def test_at_the_end_its_children_are_ended_too_whatever_group_they_are_in(tmp_path: Path) -> None:
    child = "import subprocess, sys; child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    script = f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"

    with serving(config(child + script + SERVER)):
        pid = int((tmp_path / "child").read_text())

    deadline = time.monotonic() + 30
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    """Tell whether a process is there and not only waits to be counted as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_that_refuses_while_it_is_asked_by_many_is_told_of() -> None:
    with serving(config()) as server:
        server._config = config(path="/nowhere")
        with pytest.raises(ServerError, match="2 clients at once: it responded with 404"):
            server.throughput(2, 0.1)
