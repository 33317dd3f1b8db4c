"""One function in a container of its own, run the way Lambda runs it, behind the emulator of the base image."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from benchmarks.processor import WHOLE_PROCESSOR_MB
from tests.e2e.commands import docker, wait_for


def like_lambda(memory_mb: int) -> tuple[str, ...]:
    """Return what makes `docker run` treat a container as Lambda does."""
    return (
        *("--read-only", "--tmpfs", "/tmp:size=512m", "--user", "993:990", "--cap-drop", "ALL"),
        *("--memory", f"{memory_mb}m", "--memory-swap", f"{memory_mb}m"),
        *("--cpus", f"{memory_mb / WHOLE_PROCESSOR_MB:.2f}"),
    )


class Container:
    """A running function; its emulator answers one call at a time."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        port = docker("port", identifier, "8080/tcp").splitlines()[0].rpartition(":")[2]
        self._emulator = f"http://127.0.0.1:{port}"

    def wait(self) -> None:
        """Wait until the emulator is there to be asked; it starts the function with the first call."""
        wait_for(self._emulator)

    def call(self, event: dict[str, Any]) -> Any:
        """Send an event of any kind; return what the function returned."""
        address = f"{self._emulator}/2015-03-31/functions/function/invocations"
        return httpx.post(address, json=event, timeout=240, trust_env=False).json()

    def invoke(self, event: dict[str, Any]) -> tuple[int, Any]:
        """Send a request; return the answer's status and its body, read as JSON."""
        answer = self.call(event)
        assert "statusCode" in answer, answer
        return answer["statusCode"], json.loads(answer["body"])

    def processor_seconds(self) -> float:
        """Return how long a processor has worked for it until now."""
        version_2 = "/sys/fs/cgroup/cpu.stat"
        version_1 = "/sys/fs/cgroup/cpuacct/cpuacct.usage"
        told = docker("exec", self.identifier, "sh", "-c", f"cat {version_2} 2>/dev/null || cat {version_1}").split()
        return int(told[1]) / 1e6 if told[0] == "usage_usec" else int(told[0]) / 1e9

    def memory(self) -> str:
        """Return the memory in use, as Docker writes it."""
        return docker("stats", "--no-stream", "--format", "{{.MemUsage}}", self.identifier).partition(" ")[0]

    def logs(self) -> str:
        """Return what it wrote to both of its outputs."""
        both = subprocess.run(
            ["docker", "logs", self.identifier], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        return both.stdout


@contextmanager
def started(image: str, handler: str, memory_mb: int, **environment: str) -> Iterator[Container]:
    """Start a function, and remove it at the end."""
    told = (argument for name, value in environment.items() for argument in ("--env", f"{name}={value}"))
    identifier = docker("run", "-d", "-p", "127.0.0.1::8080", *like_lambda(memory_mb), *told, image, handler)
    try:
        container = Container(identifier)
        container.wait()
        yield container
    finally:
        docker("rm", "-f", identifier)
