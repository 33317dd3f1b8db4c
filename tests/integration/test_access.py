"""What the service serves stays what it is, whatever an address, a method or a host is made to look like.

On a laptop's server and through the gateway to the functions. Keys are the gateway's: tests/e2e/test_access.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import deployed, wire
from tests.corpus import API, as_json, post
from tests.detours import EVIL, HOSTS, files_elsewhere, overrides
from tests.endpoints import GET_PATHS
from tests.gateway import Answer, Request
from tests.server import WAYS, local_server
from thyroid.web.page import files, release_of


@pytest.fixture(scope="module", params=[app for app, _ in WAYS.values()], ids=list(WAYS))
def address(request: pytest.FixtureRequest, artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    printed = tmp_path_factory.mktemp("server") / "printed.txt"
    with local_server(printed, "tests.deployed:app", SERVED=request.param, **deployed.ENVIRONMENT) as running:
        yield running


@pytest.mark.parametrize("folder", [f"/app/{release_of(files())}", "/app/x", "/docs", "/app", "", f"{API}/uploads"])
def test_no_file_is_served_but_those_of_the_page_and_the_documentation(address: str, folder: str) -> None:
    for name in files_elsewhere():
        answer = wire.send(address, Request("GET", f"{folder}/{name}"))
        assert answer.status in (400, 403, 404), (folder, name, answer.status)
        assert kind(answer) in ("application/problem+json", "text/plain; charset=utf-8"), (folder, name, answer.headers)
        assert len(answer.body) < 1_000, (folder, name)


@pytest.mark.parametrize("path", [*GET_PATHS, "/nowhere", f"/app/{release_of(files())}/main.js"])
def test_no_answer_names_the_host_that_a_request_named(address: str, path: str) -> None:
    for host in HOSTS:
        answer = wire.send(address, Request("GET", path, (host,)))
        told = [value for name, value in answer.headers if name.lower() != "access-control-allow-origin"]
        assert EVIL not in " ".join(told), host
        assert EVIL.encode() not in answer.body, host
        assert not 300 <= answer.status < 400, host


def test_a_link_to_upload_leads_to_the_bucket_whatever_the_host_is_called(address: str) -> None:
    for host in HOSTS:
        answer = wire.send(address, post(f"{API}/uploads", b'{"content_type": "image/png"}', "application/json", host))
        assert answer.status == 201, answer.body
        assert EVIL.encode() not in answer.body, host


def test_a_header_that_names_another_method_or_address_changes_nothing(address: str) -> None:
    for header in overrides("POST", f"{API}/predict"):
        health = wire.send(address, Request("GET", f"{API}/health", (header,)))
        assert b'"healthy"' in health.body, header
        refused = wire.send(address, Request("GET", f"{API}/predict", (header,)))
        assert refused.status in (404, 405), header
    for header in overrides("GET", f"{API}/health"):
        answer = wire.send(address, post(f"{API}/predict", as_json(), "application/json", header))
        assert b'"prediction"' in answer.body, header


def kind(answer: Answer) -> str:
    return next((value for name, value in answer.headers if name.lower() == "content-type"), "")
