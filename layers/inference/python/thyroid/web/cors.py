"""What browsers of other origins may ask, and that a refusal of it is a problem like any other."""

from fastapi import Request
from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from thyroid.errors import InvalidRequestError
from thyroid.web.problems import problem


class Cors(CORSMiddleware):
    """Answers a browser that asks beforehand, and tells it what it may read."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Say whether the request may be sent."""
        answer = super().preflight_response(request_headers)
        return answer if answer.status_code < 400 else _Refused(headers=answer.headers)


class _Refused(Response):
    """Answers as a problem, once it is known to which request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = "A page of another origin may not send this here; it may GET and POST from the origins that are set."
        allowing = {name: value for name, value in self.headers.items() if not name.startswith("content-")}
        answer = problem(Request(scope), 400, "Request refused", InvalidRequestError.code, detail, headers=allowing)
        await answer(scope, receive, send)
