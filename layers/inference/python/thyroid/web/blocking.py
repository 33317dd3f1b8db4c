"""Endpoints that keep the processor busy: in a thread on a server, here and now in a function of Lambda.

A server works on as many images at a time as it infers (``THYROID_PARALLEL``): more would take memory, and be no
sooner done. So many wait for their turn (``THYROID_MAX_WAITING``); further requests get 503. A server that
accepts whatever comes responds later and later, until no client waits for the response any more.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import ParamSpec, TypeVar

import anyio
from anyio.lowlevel import RunVar

from thyroid.errors import OverloadedError
from thyroid.settings import get_settings

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Say that no other request is served meanwhile, as in Lambda: nothing else waits for the event loop."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def blocking(endpoint: Callable[Parameters, Result]) -> Callable[Parameters, Awaitable[Result]]:
    """Make an endpoint that FastAPI would run in a thread run there only where others could be waiting.

    A thread costs a request of Lambda a millisecond: its event loop ends with the request, and so do its threads.

    Raises
    ------
    OverloadedError
        From the endpoint, if too many wait already.
    """

    @wraps(endpoint)
    async def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if _ALONE.get():
            return endpoint(*args, **kwargs)
        return await _queue().run(partial(endpoint, *args, **kwargs))

    return run


class _Queue:
    """Requests at work, and requests that wait for their turn, of one event loop."""

    def __init__(self, working: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(working)
        self._limit = working + waiting
        self._count = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        if self._count >= self._limit:
            raise OverloadedError(
                "The server has as many requests as it can work on; send this again after `Retry-After` seconds."
            )
        self._count += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._count -= 1


_QUEUE: RunVar[_Queue] = RunVar("queue")


def _queue() -> _Queue:
    try:
        return _QUEUE.get()
    except LookupError:
        settings = get_settings()
        queue = _Queue(settings.parallel, settings.max_waiting)
        _QUEUE.set(queue)
        return queue
