"""How many requests a server answers at a time, and what it says to the others."""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from thyroid.web import problems


class Admission:
    """Lets so many requests with a body in at a time; the others are told at once to come again.

    A server that takes in whatever comes answers everybody later and later, until nobody waits for the answer any more.
    What is read of a body that is turned away is thrown away: a client that is still sending would otherwise lose the
    connection before it could read why.

    Parameters
    ----------
    app : ASGI application
        What answers.
    most : int
        Requests at a time.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or turn it away; an ASGI application."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        if self._inside >= self.most:
            await self._turn_away(Request(scope, receive), send)
            return
        self._inside += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._inside -= 1

    async def _turn_away(self, request: Request, send: Send) -> None:
        try:
            async for _ in request.stream():
                pass
        except ClientDisconnect:
            pass  # nobody hears the answer
        await problems.overloaded(request)(request.scope, request.receive, send)
