"""A real server of its own process."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[1]

# What is served: the application of a laptop, and the functions behind the gateway. The access log of the gateway's
# stand-in is no part of the service, whose own is off.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "laptop": ("functions.local:app", {}),
    "deployed": ("tests.gateway:app", {"UVICORN_ACCESS_LOG": "false"}),
}


@contextmanager
def local_server(printed: Path, app: str = "functions.local:app", **environment: str) -> Iterator[str]:
    """Serve, and give the address."""
    with server_process(printed, app, **environment) as (address, _):
        yield address


@contextmanager
def server_process(
    printed: Path, app: str = "functions.local:app", *, patience: str = "60", **environment: str
) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Serve as `make run` does, and give the address and the process; what the server prints goes into a file.

    Another application may be served in its stead, the environment may say more than this process's does, and who asks
    to stop may have less patience, in seconds.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--timeout-graceful-shutdown", patience]
    told = {**os.environ, **environment}
    with (
        printed.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=told, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def lines_of(printed: str) -> list[dict[str, Any]]:
    """Return what a server printed as JSON: the service's lines, and not a library's."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith('{"') and line.endswith("}")]


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(address, trust_env=False, verify=False, timeout=60)  # certificates take long to load
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not answer within a minute")
