"""Endpoints that keep the processor busy: in a thread on a server, here and now in a function of Lambda.

A server works on as many pictures at a time as it infers (``THYROID_PARALLEL``): more would take memory, and be no
sooner done. So many wait for their turn (``THYROID_MAX_WAITING``); who comes then is told to come again. A server that
takes in whatever comes answers everybody later and later, until nobody waits for the answer any more.
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

    Raises
    ------
    OverloadedError
        From the endpoint, if too many wait already.
    """

    @wraps(endpoint)
    async def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if _ALONE.get():
            return endpoint(*args, **kwargs)
        return await _places().run(partial(endpoint, *args, **kwargs))

    return answer


class _Places:
    """Those at work, and those that wait for their turn, of one event loop."""

    def __init__(self, working: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(working)
        self._most = working + waiting
        self._taken = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        if self._taken >= self._most:
            raise OverloadedError("The server answers as many as it can; send this again after `Retry-After` seconds.")
        self._taken += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._taken -= 1


_PLACES: RunVar[_Places] = RunVar("places")


def _places() -> _Places:
    try:
        return _PLACES.get()
    except LookupError:
        settings = get_settings()
        places = _Places(settings.parallel, settings.max_waiting)
        _PLACES.set(places)
        return places
