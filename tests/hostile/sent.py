"""Sends files to one worker in a process of its own, and hears what became of each."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 120  # seconds that a file may take before the worker is given up


@dataclass(frozen=True)
class Told:
    """What became of one file: its answer, and what it took.

    Attributes
    ----------
    score : float or None
        Where it was scored.
    tells : bool
        Whether the answer repeats anything but the file's name.
    peak, growth : int
        Most resident memory, in bytes, and how much of it came with this file.
    """

    status: int
    content_type: str
    code: str | None
    score: float | None
    tells: bool
    seconds: float
    peak: int
    growth: int
    pid: int


class Worker:
    """The worker."""

    def __init__(self, process: "subprocess.Popen[bytes]", replies: IO[bytes]) -> None:
        self._process, self._replies = process, replies

    def send(self, name: str, data: bytes) -> Told:
        """Send a file; its name is for the message where no answer comes."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % len(data) + data)
        self._process.stdin.flush()
        if not select.select([self._replies], [], [], LONGEST)[0]:
            pytest.fail(f"{name}: no answer in {LONGEST} s")
        line = self._replies.readline()
        if not line:
            pytest.fail(f"{name}: the worker ended with status {self._process.wait()}")
        return Told(**json.loads(line))


@contextmanager
def worker(printed: Path) -> Iterator[Worker]:
    """Start a worker whose model is loaded; what it prints, on either stream, goes into a file."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "tests.hostile.worker", str(writing)]
    with (
        printed.open("wb") as output,
        os.fdopen(reading, "rb", buffering=0) as replies,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "THYROID_WARM_UP": "true"},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
        ) as process,
    ):
        os.close(writing)
        try:
            yield Worker(process, replies)
        finally:
            process.kill()
