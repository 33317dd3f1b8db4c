"""The image that ``make build`` made, and the commands that reach it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from deploy.sbom import default_base

ROOT = Path(__file__).parents[2]
IMAGE = "healthfunction:latest"  # SAM names an image after the first function that shares it

# What a local AWS cannot show, and the test that asserts it on the transformed template instead.
LINTED_NOT_RUN = {
    "canary and linear rollouts, and going back": "tests/stack/test_functions.py::"
    "test_a_new_version_takes_over_step_by_step_and_goes_back_when_an_alarm_rings",
    "alarms (made, but they never ring)": "tests/stack/test_alarms.py::"
    "test_server_errors_are_watched_under_the_name_that_the_application_counts_them_by",
    "the firewall": "tests/stack/test_api.py::test_the_firewall_stands_before_the_stage_and_lets_pictures_through",
    "an own domain": "tests/stack/test_api.py::test_a_domain_is_there_by_condition_with_a_current_protocol",
    "arm64": "tests/stack/test_functions.py::test_the_processor_is_a_parameter",
    "SnapStart and provisioned concurrency": "tests/stack/test_functions.py::"
    "test_a_snapshot_and_kept_environments_exclude_each_other",
    "gateway responses as a part of the API's definition (put one by one), and its own 413 and 504": "tests/unit/"
    "test_gateway_responses.py::test_a_refusal_of_the_gateway_is_a_problem_that_browsers_may_read",
    "batches of a distributed map, and what it writes of them": "tests/stack/test_archive.py::"
    "test_the_worker_reads_a_batch_as_the_map_hands_it_out",
    "an archive by its inventory": "tests/stack/test_archive.py::test_a_manifest_is_read_in_place_of_a_listing",
    "buckets: no access without TLS, objects that end": "tests/stack/test_uploads.py::"
    "test_nothing_goes_in_or_out_without_tls",
    "signatures (IAM) instead of keys": "tests/stack/test_api.py::"
    "test_the_documented_change_to_signatures_closes_the_same_addresses",
}

_MEASURED: list[str] = []


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


def measured(what: str) -> None:
    """Keep a figure; all of them are printed at the end."""
    _MEASURED.append(what)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests measured, and what could not be run."""
    terminalreporter.section("linted, not run")
    for what, where in LINTED_NOT_RUN.items():
        terminalreporter.write_line(f"{what}: {where}")
    if _MEASURED:
        terminalreporter.section("measured")
        for what in _MEASURED:
            terminalreporter.write_line(what)


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The image's tag. Containers that were started from it meanwhile are removed at the end."""
    before = set(docker("ps", "-aq", "--no-trunc").split())
    docker("image", "inspect", IMAGE)
    yield IMAGE
    for line in docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Image}}").splitlines():
        container, _, made_from = line.partition(" ")
        if container not in before and made_from.startswith(IMAGE.partition(":")[0]):
            docker("rm", "-f", container)
