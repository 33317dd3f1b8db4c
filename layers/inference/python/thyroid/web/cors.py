"""What browsers of other origins may ask, and that a refusal of it is a problem like any other."""

from fastapi import Request
from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from thyroid.errors import InvalidRequestError
from thyroid.web.problems import problem


class Cors(CORSMiddleware):
    """Responds to preflight requests, and names the headers that a page may read."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Say whether the request may be sent."""
        response = super().preflight_response(request_headers)
        return response if response.status_code < 400 else _PreflightProblem(headers=response.headers)


class _PreflightProblem(Response):
    """A problem, made once its request is known."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = "A page of another origin may not send this here; it may GET and POST from the origins that are set."
        allowing = {name: value for name, value in self.headers.items() if not name.startswith("content-")}
        response = problem(Request(scope), 400, "Request refused", InvalidRequestError.code, detail, headers=allowing)
        await response(scope, receive, send)
