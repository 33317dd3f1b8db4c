"""What both clients share of HTTP: addresses, headers, and what httpx says in our own words."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from thyroid_client.errors import UnexpectedAnswer
from thyroid_client.version import __version__
from thyroid_client.wire import Answer, NoAnswer, Request

KEY = "X-Api-Key"

# In these the request surely never left; what is a `ProxyError` is one that does not let it through.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

# Variables of the environment, in whatever case, from which httpx takes its proxies.
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

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
    proxied : bool
        Whether requests go by the proxies that the environment names.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    proxied: bool = False

    @classmethod
    def at(cls, base_url: str, api_key: str | None, *, proxied: bool) -> "Service":
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
        return cls(str(url).rstrip("/"), key or None, proxied)

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

    def no_answer(self, error: httpx.RequestError, request: httpx.Request) -> NoAnswer:
        """Return why nothing came back, and take the key from the request: the error holds it, and may be logged."""
        request.headers.pop(KEY, None)
        return NoAnswer(
            error,
            sent=not isinstance(error, NEVER_SENT),
            late=isinstance(error, httpx.TimeoutException),
            unreadable=isinstance(error, httpx.DecodingError),
            proxy=_proxy(request.url) if self.proxied else "",
        )

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


def _proxy(url: httpx.URL) -> str:
    """Return host and port of the proxy to an address, without user and password; nothing where none is named."""
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all") or ""
    return "" if proxy_bypass(url.host) else proxy.rpartition("://")[2].rpartition("@")[2]


def answer_of(response: httpx.Response) -> Answer:
    """Return what came back, read whole."""
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


@contextmanager
def proxies() -> Iterator[None]:
    """Tell who makes a client of httpx within that it fails by the environment's proxies.

    Raises
    ------
    ValueError
        If they are none, or need a package that is not there. The message names the variables, and no password.
    """
    try:
        yield
    except (ImportError, ValueError, httpx.InvalidURL):
        named = ", ".join(sorted(name for name in os.environ if name.lower() in PROXIES and os.environ[name]))
        raise ValueError(
            f"the environment's proxies cannot be used; correct or unset {named or 'those of the system'}: "
            "they are addresses such as http://ADDRESS:8080, or socks5://ADDRESS:1080 after `pip install httpx[socks]`"
        ) from None


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
