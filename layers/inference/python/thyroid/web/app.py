"""Builds the HTTP application around the routes it is given: all of them locally, one function's on Lambda."""

import threading
from collections.abc import Iterable
from functools import cache
from typing import Annotated

from aws_lambda_powertools import Logger
from fastapi import APIRouter, Depends, FastAPI

from thyroid.core.analyzer import Analyzer
from thyroid.settings import Settings, get_settings
from thyroid.telemetry import tracing
from thyroid.telemetry.logs import get_logger
from thyroid.web import problems
from thyroid.web.catch_unexpected import CatchUnexpected
from thyroid.web.cors import Cors
from thyroid.web.observe import Observe


def get_analyzer() -> Analyzer:
    """Return the analyzer of this process, whose model loads on first use."""
    with _ONE_AT_A_TIME:  # a cache alone may let two first requests make one each
        return _analyzer()


async def the_analyzer() -> Analyzer:
    """Return the analyzer of this process; a dependency, without a thread for itself."""
    return get_analyzer()


TheAnalyzer = Annotated[Analyzer, Depends(the_analyzer)]

_ONE_AT_A_TIME = threading.Lock()


@cache
def _analyzer() -> Analyzer:
    return Analyzer(get_settings())


def build_app(routers: Iterable[APIRouter], settings: Settings | None = None, logger: Logger | None = None) -> FastAPI:
    """Build an application that serves `routers` and nothing else.

    It serves no documentation by itself: that is a route like any other (:mod:`thyroid.web.docs`), since it describes
    all routes and not only those of its own function.

    Parameters
    ----------
    routers : iterable of fastapi.APIRouter
        What it serves.
    settings : Settings, optional
        Those of the process if left out.
    logger : aws_lambda_powertools.Logger, optional
        That of the process if left out.
    """
    settings = settings or get_settings()
    logger = logger or get_logger()
    tracing.prepare(settings)
    # A redirect to a slash names the host, and so loses a stage prefix: there are none.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router)
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(CatchUnexpected, logger=logger)
    app.add_middleware(
        Cors,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["X-Request-Id", "Retry-After", "Content-Disposition"],
    )
    app.add_middleware(Observe, logger=logger, settings=settings)
    return app
