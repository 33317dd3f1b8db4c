"""Endpoints that keep the processor busy: in a thread on a server, here and now in a function of Lambda."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from fastapi.concurrency import run_in_threadpool

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Say that no other request is answered meanwhile, as is so in Lambda: nobody waits for the event loop."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def blocking(endpoint: Callable[Parameters, Answer]) -> Callable[Parameters, Awaitable[Answer]]:
    """Make an endpoint that FastAPI would run in a thread run there only where others could be waiting.

    A thread costs a request of Lambda a millisecond: its event loop ends with the request, and so do its threads.
    """

    @wraps(endpoint)
    async def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if _ALONE.get():
            return endpoint(*args, **kwargs)
        return await run_in_threadpool(endpoint, *args, **kwargs)

    return answer
