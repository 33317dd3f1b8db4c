"""What both clients share of HTTP: addresses, headers, and what httpx says in our own words."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx

from thyroid_client.errors import UnexpectedAnswer
from thyroid_client.version import __version__
from thyroid_client.wire import Answer, NoAnswer, Request

KEY = "X-Api-Key"

# In these the request surely never left.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_ours: ContextVar[bool] = ContextVar("_ours", default=False)


@dataclass(frozen=True)
class Service:
    """Where the service is, and the key for it.

    Attributes
    ----------
    base_url : str
        As httpx writes it, without a slash at its end.
    api_key : str, optional
        Sent to the service, and never to where its links lead.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    @classmethod
    def at(cls, base_url: str, api_key: str | None) -> "Service":
        """Check an address and a key.

        Raises
        ------
        ValueError
            If the address is none of HTTP, or the key holds what no header can. The message does not show it.
        """
        url = _url(base_url.strip()) if base_url else None  # an unset variable is no address either
        if url is None or "?" in base_url or "#" in base_url:
            raise ValueError("base_url has to be an address such as https://ADDRESS/prod or http://localhost:8000")
        key = api_key.strip() if api_key else None
        if key and not (key.isascii() and key.isprintable()):
            raise ValueError("api_key holds characters that no key has")
        return cls(str(url).rstrip("/"), key or None)

    def request(self, request: Request, client: "httpx.Client | httpx.AsyncClient") -> httpx.Request:
        """Return a request as httpx sends it.

        Raises
        ------
        UnexpectedAnswer
            If it goes to a link that the service gave, and that is none that a picture may be sent to.
        """
        own = request.address.startswith("/")
        if not own:
            self._check(request.address)
        headers = {"User-Agent": f"thyroid-client/{__version__}"}
        if own and self.api_key:
            headers[KEY] = self.api_key
        if request.accept:
            headers["Accept"] = request.accept
        body: dict[str, Any] = {"content": request.content}
        if request.form is not None:
            # A part of a form needs a file name; this one names nobody.
            part = ("picture", request.content, request.content_type)
            body = {"data": dict(request.form), "files": {request.part: part}}
        elif request.content is not None:
            headers["Content-Type"] = request.content_type
        address = self.base_url + request.address if own else request.address
        query = dict(request.query) or None  # an empty one would take the address's own away
        return client.build_request(request.method, address, params=query, headers=headers, **body)

    def _check(self, address: str) -> None:
        url = _url(address)
        if url is None:
            raise UnexpectedAnswer("The service gave a link that is none; ask whoever runs it.")
        if self.base_url.startswith("https:") and url.scheme != "https":
            raise UnexpectedAnswer(
                "The service gave a link that is not encrypted, so it was not used; tell who runs it."
            )


def _url(address: str) -> httpx.URL | None:
    """Return an address that a request can be sent to; None where it would fail, at the latest as it is sent."""
    try:
        url = httpx.URL(address)
        url.raw_host.decode("ascii").encode("idna")  # as Python's sockets do: no part is empty or over 63 letters
    except (httpx.InvalidURL, UnicodeError):
        return None
    usable = url.scheme in ("http", "https") and url.raw_host and 0 <= (url.port or 0) <= 65535
    return url if usable else None


def answer_of(response: httpx.Response) -> Answer:
    """Return what came back, read whole."""
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


def no_answer(error: httpx.RequestError, request: httpx.Request) -> NoAnswer:
    """Return why nothing came back to a request, and take the key from it: the error holds it, and may be logged."""
    request.headers.pop(KEY, None)
    return NoAnswer(error, sent=not isinstance(error, NEVER_SENT), late=isinstance(error, httpx.TimeoutException))


@contextmanager
def quietly() -> Iterator[None]:
    """Keep httpx from logging the requests within: its line has the whole address, and a link is as good as a key."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


logging.getLogger("httpx").addFilter(_not_ours)
