"""How many requests a server takes in at a time, and what it says to the others."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request

from thyroid.web.app import build_app

MOST = 2


def server(most: int | None) -> tuple[FastAPI, asyncio.Event]:
    """An application whose answers come only once the event is set."""
    router, go = APIRouter(), asyncio.Event()

    @router.post("/work")
    async def work(request: Request) -> dict[str, int]:
        size = len(await request.body())
        await go.wait()
        return {"size": size}

    @router.get("/look")
    async def look() -> dict[str, str]:
        return {}

    @router.post("/broken")
    async def broken() -> None:
        raise RuntimeError

    return build_app([router], most_at_a_time=most), go


def run(test: Callable[[httpx.AsyncClient, asyncio.Event], Coroutine[Any, Any, None]], most: int | None = MOST) -> None:
    async def with_client() -> None:
        app, go = server(most)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            await test(client, go)

    asyncio.run(with_client())


async def full(client: httpx.AsyncClient) -> "list[asyncio.Task[httpx.Response]]":
    """Send as many requests as are taken in, and wait until they are."""
    sent = [asyncio.create_task(client.post("/work", content=b"x" * 10)) for _ in range(MOST)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert not any(task.done() for task in sent)
    return sent


def test_who_comes_while_all_places_are_taken_is_told_when_to_come_again() -> None:
    async def test(client: httpx.AsyncClient, go: asyncio.Event) -> None:
        inside = await full(client)

        answer = await client.post("/work", content=b"x" * 100_000)

        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["code"] == "overloaded"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        go.set()
        assert [(await task).json() for task in inside] == [{"size": 10}] * MOST

    run(test)


def test_a_place_is_free_again_once_its_request_was_answered_well_or_not() -> None:
    async def test(client: httpx.AsyncClient, go: asyncio.Event) -> None:
        go.set()
        for _ in range(3 * MOST):
            assert (await client.post("/broken")).status_code == 500
            assert (await client.post("/missing")).status_code == 404
            assert (await client.post("/work")).status_code == 200

    run(test)


def test_what_has_no_body_is_answered_all_the_same() -> None:
    async def test(client: httpx.AsyncClient, go: asyncio.Event) -> None:
        inside = await full(client)

        assert (await client.get("/look")).status_code == 200

        go.set()
        await asyncio.gather(*inside)

    run(test)


def test_a_function_which_has_one_request_at_a_time_turns_nobody_away() -> None:
    async def test(client: httpx.AsyncClient, go: asyncio.Event) -> None:
        sent = [asyncio.create_task(client.post("/work")) for _ in range(20)]
        await asyncio.sleep(0.05)
        go.set()

        assert {(await task).status_code for task in sent} == {200}

    run(test, None)
