"""Endpoints that keep the processor busy: in a thread on a server, here and now in a function of Lambda.

A server works on as many pictures at a time as it infers (``THYROID_PARALLEL``): more would take memory, and be no
sooner done.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import ParamSpec, TypeVar

import anyio
from anyio.lowlevel import RunVar

from thyroid.settings import get_settings

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)
_LIMITER: RunVar[anyio.CapacityLimiter] = RunVar("limiter")  # of this event loop


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
        return await anyio.to_thread.run_sync(partial(endpoint, *args, **kwargs), limiter=_limiter())

    return answer


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(get_settings().parallel)
        _LIMITER.set(limiter)
        return limiter
