"""Where an endpoint that keeps the processor busy runs."""

import asyncio
import inspect
import threading
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from tests.events import CONTEXT, rest_event
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
