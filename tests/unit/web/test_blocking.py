"""Where an endpoint that keeps the processor busy runs."""

import asyncio
import inspect
import threading
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from tests.events import CONTEXT, rest_event
from thyroid.settings import Settings
from thyroid.web.app import build_app
from thyroid.web.blocking import alone, blocking
from thyroid.web.lambda_handler import lambda_handler


@blocking
def thread(of: str = "") -> dict[str, Any]:
    return {"of": of, "thread": threading.get_ident()}


def test_on_a_server_it_runs_in_a_thread_beside_the_event_loop() -> None:
    async def ask() -> tuple[dict[str, Any], int]:
        return await thread(of="one"), threading.get_ident()

    answer, loop = asyncio.run(ask())

    assert answer["of"] == "one"
    assert answer["thread"] != loop


def test_no_more_run_at_a_time_than_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thyroid.web.blocking.get_settings", lambda: Settings(parallel=2))
    both, inside, most = threading.Barrier(2), 0, 0
    counting = threading.Lock()

    @blocking
    def work() -> None:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        both.wait(timeout=10)  # which passes only where two are at work
        with counting:
            inside -= 1

    async def six() -> None:
        await asyncio.gather(*(work() for _ in range(6)))

    asyncio.run(six())

    assert most == 2


def test_who_comes_while_as_many_wait_as_may_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thyroid.web.blocking.get_settings", lambda: Settings(parallel=1, max_waiting=2))
    go = threading.Event()
    router = APIRouter()

    @router.post("/work")
    @blocking
    def work() -> dict[str, str]:
        assert go.wait(timeout=10)
        return {}

    async def six() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(build_app([router])), base_url="http://server"
        ) as ask:
            sent = [asyncio.create_task(ask.post("/work")) for _ in range(6)]
            refused, inside = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
            while len(refused) < 3:
                refused, inside = await asyncio.wait(sent, timeout=0.01)
            go.set()
            later = [await task for task in inside]
            assert (await ask.post("/work")).status_code == 200  # places are free again
            return [*(task.result() for task in refused), *later]

    answers = asyncio.run(six())

    assert [answer.status_code for answer in answers] == [503] * 3 + [200] * 3
    for answer in answers[:3]:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["code"] == "overloaded"


def test_where_no_other_request_is_answered_it_runs_at_once() -> None:
    async def ask() -> tuple[dict[str, Any], int]:
        return await thread(of="one"), threading.get_ident()

    with alone():
        answer, loop = asyncio.run(ask())

    assert answer["thread"] == loop
    assert asyncio.run(ask())[0]["thread"] != loop  # only as long as that was said


def test_its_errors_are_raised_either_way() -> None:
    @blocking
    def failing() -> None:
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        asyncio.run(failing())  # type: ignore[arg-type]
    with alone(), pytest.raises(LookupError, match="why"):
        asyncio.run(failing())  # type: ignore[arg-type]


def test_fastapi_sees_the_parameters_of_the_function_itself() -> None:
    assert list(inspect.signature(thread).parameters) == ["of"]


def test_a_function_of_lambda_answers_in_the_thread_that_called_it() -> None:
    router = APIRouter()
    router.get("/thread")(thread)
    app = build_app([router])

    answer = lambda_handler(app)(rest_event("GET", "/thread"), CONTEXT)

    assert str(threading.get_ident()) in answer["body"]
    with TestClient(app) as client:
        assert client.get("/thread").json()["thread"] != threading.get_ident()
