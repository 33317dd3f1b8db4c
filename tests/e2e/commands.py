"""The commands that the end-to-end tests run, and how they wait for what answers."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from deploy.sbom import default_base

ROOT = Path(__file__).parents[2]


def base_image() -> str:
    """Return the image that ours was built on."""
    return os.environ.get("BASE_IMAGE") or default_base()


def sam() -> str:
    """Return the SAM command: the one that ``make`` installs, or another on the path."""
    own = ROOT / ".venv-sam" / "bin" / "sam"
    found = str(own) if own.exists() else shutil.which("sam")
    assert found, "There is no SAM CLI; run `make e2e`, which installs it."
    return found


def run(
    command: Sequence[str], *, timeout: float = 120, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository's root; where it fails, its output is in the error."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False, env=environment
    )
    assert done.returncode == 0, (
        f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    )
    return done


def docker(*arguments: str, timeout: float = 120) -> str:
    """Run a docker command and return what it printed."""
    return run(["docker", *arguments], timeout=timeout).stdout.strip()


def wait_for(address: str, process: "subprocess.Popen[bytes] | None" = None, log: Path | None = None) -> None:
    """Wait until something answers at an address, whatever it answers.

    Parameters
    ----------
    address : str
        Where it is expected.
    process : subprocess.Popen, optional
        What is to answer; where it ends meanwhile, the test fails with the end of its log.
    log : pathlib.Path, optional
        What the process prints.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process is not None:
            assert process.poll() is None, log.read_text("utf-8")[-4000:] if log else "it ended"
        try:
            httpx.get(address, timeout=5, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"nothing answered at {address} within a minute")
