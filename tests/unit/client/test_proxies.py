"""Proxies of the environment are used, and errors name them without their passwords."""

import asyncio
import socket
import sys
from typing import Any

import httpx
import pytest

from tests.client import ADDRESS, PNG, Script
from thyroid_client import AsyncClient, Client, Unreachable

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("name", "proxy"),
    [
        ("ALL_PROXY", "socks5://jane:s3cret@proxy:1080"),
        ("all_proxy", "foo://jane:s3cret@proxy"),
        ("HTTPS_PROXY", "http://jane:s3cret@proxy:abc"),
        ("NO_PROXY", "[::1]"),
    ],
)
def test_proxies_that_cannot_be_used_are_told_by_the_variable_that_names_them(
    kind: Any, name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)  # as where it is not installed
    monkeypatch.setenv(name, proxy)
    with pytest.raises(ValueError, match=rf"^the environment's proxies .* unset {name}: .*`pip install") as caught:
        kind(ADDRESS)
    assert "s3cret" not in str(caught.value)


def test_they_do_not_matter_to_a_transport_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "foo://proxy")
    with pytest.raises(Unreachable, match="reached") as caught:
        Script(httpx.ConnectError("no")).client(retries=0).predict(PNG)
    assert "proxy" not in str(caught.value)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_who_cannot_be_reached_by_a_proxy_is_told_of_it_without_its_password(
    name: str, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a proxy that is not there
    monkeypatch.setenv(name, f"http://jane:s3cret@{nobody}")

    async def ask() -> None:
        async with AsyncClient("http://example.com", retries=0) as client:
            await client.health()

    # WHEN either client asks by it
    with Client("http://example.com", retries=0) as client, pytest.raises(Unreachable) as caught:
        client.health()
    with pytest.raises(Unreachable) as caught_async:
        asyncio.run(ask())
    # THEN the sentence names it
    for said in (str(caught.value), str(caught_async.value)):
        assert f"the proxy {nobody} that the environment names" in said
        assert "s3cret" not in said


def test_a_proxy_that_the_address_goes_past_is_not_told_of(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example.com:8080")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(f"http://{nobody}", retries=0) as client, pytest.raises(Unreachable, match="reached") as caught:
        client.health()
    assert "proxy" not in str(caught.value)
