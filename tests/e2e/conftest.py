"""The image that ``make build`` made, the stack that is made of it, and who calls it."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.commands import docker
from tests.e2e.local_aws import GENEROUS, LocalAws, local_aws

IMAGE = "healthfunction:latest"  # SAM names an image after the first function that shares it

# What a local AWS cannot show, and the test that asserts it on the transformed template instead.
LINTED_NOT_RUN = {
    "canary and linear rollouts, and going back": "tests/stack/test_functions.py::"
    "test_a_new_version_takes_over_step_by_step_and_goes_back_when_an_alarm_rings",
    "alarms (made, but they never ring)": "tests/stack/test_alarms.py::"
    "test_server_errors_are_watched_under_the_name_that_the_application_counts_them_by",
    "the firewall": "tests/stack/test_api.py::test_the_firewall_stands_before_the_stage_and_lets_images_through",
    "an own domain": "tests/stack/test_api.py::test_a_domain_is_there_by_condition_with_a_current_protocol",
    "TLS policies, and AWS's own address that a domain closes": "tests/stack/test_api.py::"
    "test_no_address_takes_tls_below_1_2",
    "bodies in gzip or deflate, and a 415 for other codings": "tests/integration/test_differential.py::"
    "test_a_coding_that_the_gateway_does_not_know_is_refused_with_a_code_of_ours",
    "a run of an archive that takes too long": "tests/stack/test_archive.py::"
    "test_a_run_ends_after_the_time_of_the_parameter_and_not_before_the_least_of_it_can_be_done",
    "arm64": "tests/stack/test_functions.py::test_the_processor_is_a_parameter",
    "SnapStart and provisioned concurrency": "tests/stack/test_functions.py::"
    "test_a_snapshot_and_kept_environments_exclude_each_other",
    "gateway responses as a part of the API's definition (put one by one), and its own 413 and 504": "tests/unit/web/"
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


@pytest.fixture(scope="module")
def aws(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the stack deployed to it."""
    with local_aws(image, tmp_path_factory.mktemp("aws") / "log") as running:
        begin = time.monotonic()
        running.deploy(**GENEROUS)
        measured(f"sam deploy to the local AWS: {time.monotonic() - begin:.0f} s")
        yield running


@pytest.fixture
def anyone(aws: LocalAws) -> Iterator[httpx.Client]:
    """A caller without a key."""
    with httpx.Client(base_url=aws.api(), timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def user(aws: LocalAws) -> Iterator[httpx.Client]:
    """A caller with the stack's key."""
    with httpx.Client(base_url=aws.api(), timeout=60, trust_env=False, headers={"X-Api-Key": aws.key()}) as client:
        yield client
