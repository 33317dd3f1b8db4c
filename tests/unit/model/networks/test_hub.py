"""The hub client, the real one, against a small server on loopback that speaks the hub's file route."""

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from thyroid_model.errors import HubError
from thyroid_model.networks import hub

CONTENT = bytes(range(256)) * 400
COMMIT = "0123456789abcdef" * 2 + "01234567"
SOURCE = hub.HubFile(
    repository="someone/some_model",
    file="model.h5",
    revision="main",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
)
ROUTE = "/someone/some_model/resolve/main/model.h5"
PUBLISHED = Path(__file__).parents[4].parent / "shared/published-model/thyroid_cancer_model.h5"
PROXIES = {name for name in os.environ if name.lower().endswith("_proxy")}


@dataclass
class Hub:
    """What the server does, and what it was asked."""

    route: str = ROUTE
    content: bytes = CONTENT
    status: int = 200
    error_code: str | None = None
    is_hub: bool = True
    storage: str | None = None  # address of another server that large files are redirected to
    has_chunks: bool = False  # whether it offers the content from a chunk storage, which then answers 404
    breaks_off: int = 0  # how many downloads
    takes_ranges: bool = True
    length_at_get: int | None = None
    address: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def asked(self, method: str = "") -> list[str]:
        return [path for m, path, _ in self.requests if m.startswith(method) and not path.startswith("/api/")]


def handler_for(served: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(has_body=False)

        def do_GET(self) -> None:
            self.answer(has_body=True)

        def answer(self, *, has_body: bool) -> None:
            served.requests.append(
                (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            if self.path == "/api/chunk-token":
                return self.send(200, chunk_token(served), b"", has_body)
            if self.path not in (served.route, "/storage"):
                return self.send(404, {}, b"", has_body)
            headers = {"ETag": f'"{hashlib.sha256(served.content).hexdigest()}"'}
            if served.is_hub:
                headers["X-Repo-Commit"] = COMMIT
            if served.has_chunks:
                headers |= {"X-Xet-Hash": "a" * 64, "X-Xet-Refresh-Route": f"{served.address}/api/chunk-token"}
            if served.error_code:
                headers["X-Error-Code"] = served.error_code
            if served.status != 200:
                return self.send(served.status, headers, b"", has_body)
            if served.storage and self.path == served.route:
                headers |= {
                    "X-Linked-ETag": headers.pop("ETag"),
                    "X-Linked-Size": str(len(served.content)),
                    "Location": served.storage,
                }
                return self.send(302, headers, b"", has_body)
            start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            body, code = served.content, 200
            if start and served.takes_ranges:
                body, code = body[int(start[1]) :], 206
                headers["Content-Range"] = f"bytes {start[1]}-{len(served.content) - 1}/{len(served.content)}"
            if has_body and served.length_at_get is not None:
                body = body[: served.length_at_get]
            return self.send(code, headers, body, has_body)

        def send(self, code: int, headers: dict[str, str], body: bytes, has_body: bool) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if has_body:
                if served.breaks_off:
                    served.breaks_off -= 1
                    body = body[: len(body) // 2]
                    self.close_connection = True
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class has it
            pass

    return Handler


def chunk_token(served: Hub) -> dict[str, str]:
    return {
        "X-Xet-Cas-Url": f"{served.address}/chunks",
        "X-Xet-Access-Token": "token",
        "X-Xet-Token-Expiration": "99999999999",
    }


class Running:
    """A server that runs until it is stopped."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self.hub))
        self.server.daemon_threads = True
        self.hub.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    for name in PROXIES:
        monkeypatch.delenv(name)
    # The client waits between its tries, up to half a minute in all.
    impatient = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr("huggingface_hub.utils._http.time", impatient)
    monkeypatch.setattr("huggingface_hub.file_download.time", impatient)
    server = Running()
    yield server
    server.stop()


@pytest.fixture
def served(running: Running) -> Hub:
    return running.hub


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetch(served: Hub, cache: Path, source: hub.HubFile = SOURCE) -> Path:
    return hub.fetch(source, endpoint=served.address, cache_dir=cache)


def kept(cache: Path) -> list[Path]:
    """All that lies in the cache where a client would look for content, and every half-written file."""
    found = [path for path in cache.rglob("*") if path.is_symlink() or path.is_file()]
    return [p for p in found if {"blobs", "snapshots"} & set(p.parts) or "incomplete" in p.name]


def test_the_file_comes_into_the_hubs_own_cache(served: Hub, cache: Path) -> None:
    path = fetch(served, cache)
    assert path.read_bytes() == CONTENT
    assert path.relative_to(cache) == Path("models--someone--some_model/snapshots", COMMIT, "model.h5")
    assert [method for method, route, _ in served.requests if route == ROUTE] == ["HEAD", "GET"]


def test_a_second_fetch_asks_the_hub_nothing(served: Hub, cache: Path) -> None:
    first = fetch(served, cache)
    served.requests.clear()
    assert fetch(served, cache) == first
    assert served.requests == []


def test_a_large_file_comes_from_the_storage_that_the_hub_redirects_to(served: Hub, cache: Path) -> None:
    served.storage = f"{served.address}/storage"
    assert fetch(served, cache).read_bytes() == CONTENT
    assert served.asked("GET") == ["/storage"]


def test_a_download_that_breaks_off_once_is_tried_again(served: Hub, cache: Path) -> None:
    served.breaks_off = 1
    assert fetch(served, cache).read_bytes() == CONTENT
    assert len(served.asked("GET")) == 2


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"!", b""], ids=["same length", "longer", "empty"])
def test_other_content_than_the_pinned_is_refused_and_removed(served: Hub, cache: Path, content: bytes) -> None:
    served.content = content
    with pytest.raises(HubError, match=r"is not the pinned one.*MODEL=PATH") as caught:
        fetch(served, cache)
    assert hashlib.sha256(content).hexdigest() in caught.value.cause
    assert SOURCE.sha256 in caught.value.cause
    assert kept(cache) == []


def test_after_wrong_content_the_right_one_is_fetched(served: Hub, cache: Path) -> None:
    served.content = CONTENT[::-1]
    with pytest.raises(HubError):
        fetch(served, cache)
    served.content = CONTENT
    assert fetch(served, cache).read_bytes() == CONTENT


def test_a_file_damaged_in_the_cache_is_fetched_afresh(served: Hub, cache: Path) -> None:
    fetch(served, cache).write_bytes(CONTENT[:-1])
    assert fetch(served, cache).read_bytes() == CONTENT


def test_content_damaged_in_a_store_that_the_cache_links_to_is_fetched_afresh(served: Hub, cache: Path) -> None:
    # GIVEN a cache that shares content between repositories by one more link
    blob = fetch(served, cache).resolve()
    store = blob.rename(cache / "store")
    blob.symlink_to(store)
    store.write_bytes(CONTENT[::-1])
    # WHEN the file is asked for again THEN it is whole, and the damaged content is gone
    assert fetch(served, cache).read_bytes() == CONTENT
    assert not store.exists()


def test_a_file_damaged_in_the_cache_is_not_used_when_the_hub_is_away(served: Hub, cache: Path) -> None:
    fetch(served, cache).write_bytes(CONTENT[:-1])
    served.status = 503
    with pytest.raises(HubError, match="HTTP 503"):
        fetch(served, cache)
    assert kept(cache) == []


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_a_server_that_always_breaks_off_is_an_error_that_leaves_nothing(
    served: Hub, cache: Path, takes_ranges: bool
) -> None:
    served.breaks_off, served.takes_ranges = 100, takes_ranges
    with pytest.raises(HubError, match=r"closed before .* was complete.*Try again"):
        fetch(served, cache)
    assert kept(cache) == []


def test_a_server_that_gives_less_than_it_announced_is_an_error_that_leaves_nothing(served: Hub, cache: Path) -> None:
    served.length_at_get = 1000
    with pytest.raises(HubError, match=r"returned only a part of .*Try again"):
        fetch(served, cache)
    assert kept(cache) == []


def test_a_chunk_storage_that_fails_is_an_error_that_leaves_nothing(served: Hub, cache: Path) -> None:
    served.has_chunks = True
    with pytest.raises(HubError, match=r"chunk storage failed for .*HF_HUB_DISABLE_XET=1"):
        fetch(served, cache)
    assert any(path.startswith("/chunks/") for path in served.asked("GET"))
    assert kept(cache) == []


def test_a_hub_that_cannot_be_reached_is_named(served: Hub, cache: Path) -> None:
    away = "http://127.0.0.1:9"  # the discard port: nobody listens
    with pytest.raises(HubError, match=rf"{away} cannot be reached.*HF_ENDPOINT.*MODEL=PATH"):
        hub.fetch(SOURCE, endpoint=away, cache_dir=cache)
    assert kept(cache) == []


@pytest.mark.parametrize(
    ("status", "code", "cause", "next_step"),
    [
        (404, "EntryNotFound", "no file model.h5", "published.toml"),
        (404, "RevisionNotFound", "no revision main", "published.toml"),
        (404, "RepoNotFound", "no repository someone/some_model", "HF_TOKEN"),
        (404, None, "HTTP 404", "HF_ENDPOINT"),
        (401, "RepoNotFound", "no repository someone/some_model", "HF_TOKEN"),
        (401, None, "(no repository|denies)", "HF_TOKEN"),
        (403, None, r"denies access .*HTTP 403", "HF_TOKEN"),
        (401, "GatedRepo", "requires the approval", "Request access"),
        (403, "GatedRepo", "requires the approval", "Request access"),
        (500, None, "HTTP 500", "later"),
    ],
)
def test_a_refusal_names_its_cause_and_the_next_step(
    served: Hub, cache: Path, status: int, code: str | None, cause: str, next_step: str
) -> None:
    served.status, served.error_code = status, code
    with pytest.raises(HubError) as caught:
        fetch(served, cache)
    assert re.search(cause, caught.value.cause)
    assert re.search(next_step, caught.value.next_step)
    assert all(path.stat().st_size == 0 for path in kept(cache))
    served.status, served.error_code = 200, None
    assert fetch(served, cache).read_bytes() == CONTENT


def test_an_address_that_is_no_hub_is_named(served: Hub, cache: Path) -> None:
    served.is_hub = False
    with pytest.raises(HubError, match=rf"{served.address} is not a model hub"):
        fetch(served, cache)


def test_a_cache_that_cannot_be_written_is_named(served: Hub, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(HubError, match=r"cannot be written to the cache.*HF_HOME"):
        fetch(served, cache)


def run_client(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Fetch in a process of its own, since the client reads its environment when it is imported."""
    code = f"from thyroid_model.networks import hub; print(hub.fetch(hub.{SOURCE!r}))"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and k not in PROXIES}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"HF_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_endpoint_and_token_come_from_the_environment_and_the_cache_serves_offline(
    running: Running, tmp_path: Path
) -> None:
    # GIVEN a hub that redirects to a storage host of another name
    running.hub.storage = f"http://localhost:{running.server.server_port}/storage"
    # WHEN the client runs with both variables
    online = run_client(tmp_path, HF_ENDPOINT=running.hub.address, HF_TOKEN="hf_secret")
    # THEN the hub was asked, with the token, which the storage never sees
    assert online.returncode == 0, online.stderr
    tokens = {(path, headers.get("authorization")) for _, path, headers in running.hub.requests if path[:5] != "/api/"}
    assert tokens == {(ROUTE, "Bearer hf_secret"), ("/storage", None)}
    # AND offline the cache serves, whatever the endpoint
    running.hub.requests.clear()
    offline = run_client(tmp_path, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert offline.stdout == online.stdout
    assert Path(offline.stdout.strip()).read_bytes() == CONTENT


def test_offline_with_an_empty_cache_asks_nobody_and_says_so(running: Running, tmp_path: Path) -> None:
    offline = run_client(tmp_path, HF_ENDPOINT=running.hub.address, HF_HUB_OFFLINE="1")
    assert offline.returncode == 1
    assert "Unset HF_HUB_OFFLINE" in offline.stderr
    assert running.hub.requests == []


def test_the_published_file_is_pinned() -> None:
    pinned = hub.published()
    assert pinned.label == "vaidehibh/fibonacci_cnn/thyroid_cancer_model.h5@main"
    assert re.fullmatch(r"[0-9a-f]{64}", pinned.sha256)
    assert pinned.size == 3_582_572


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published model is not on this machine")
def test_the_published_file_itself_passes(served: Hub, cache: Path) -> None:
    served.route = "/vaidehibh/fibonacci_cnn/resolve/main/thyroid_cancer_model.h5"
    served.content = PUBLISHED.read_bytes()
    assert fetch(served, cache, hub.published()).read_bytes() == served.content
