"""The last net under errors that nobody foresaw."""

import traceback

from aws_lambda_powertools import Logger
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thyroid.web import problems


class CatchUnexpected:
    """Answers 500 to what nobody foresaw, and logs its type and where it was raised, but not its message."""

    def __init__(self, app: ASGIApp, logger: Logger) -> None:
        self.app = app
        self.logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an ASGI application."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            request = Request(scope)
            self.logger.error(
                "unexpected error",
                error=type(error).__name__,
                where=[f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)],
                request_id=getattr(request.state, "request_id", ""),
            )
            if not started:
                await problems.unexpected(request)(scope, receive, send)
