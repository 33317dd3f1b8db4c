"""A real server of its own process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


@contextmanager
def local_server(printed: Path) -> Iterator[str]:
    """Serve as `make run` does, and give the address; what the server prints goes into a file."""
    with server_process(printed) as (address, _):
        yield address


@contextmanager
def server_process(printed: Path, **environment: str) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Serve as `make run` does, with variables set, and give the address and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "functions.local:app", "--host", "127.0.0.1", "--port", str(port)]
    with (
        printed.open("wb") as output,
        subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        ) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(address, trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not answer within a minute")
