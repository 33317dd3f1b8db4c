"""HTTP that both clients share: addresses, headers, and the errors of httpx."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from thyroid_client.errors import UnexpectedResponse
from thyroid_client.version import __version__
from thyroid_client.wire import NoResponse, Request, Response

KEY = "X-Api-Key"

# After these errors the request surely never left; a `ProxyError` is a proxy that does not let it through.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

# Variables of the environment, in whatever case, from which httpx takes its proxies.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

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
            If the address is not an HTTP address, or the key has characters that a header cannot hold. The message
            does not show the key.
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
        UnexpectedResponse
            If it goes to a link of the service to which no image may be sent.
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
            # A part of a form needs a file name; this one says nothing of the image.
            part = ("image", request.content, request.content_type)
            body = {"data": dict(request.form), "files": {request.part: part}}
        elif request.content is not None:
            headers["Content-Type"] = request.content_type
        address = self.base_url + request.address if own else request.address
        query = dict(request.query) or None  # an empty one would remove the query of the address itself
        return client.build_request(request.method, address, params=query, headers=headers, **body)

    def no_response(self, error: httpx.RequestError, request: httpx.Request) -> NoResponse:
        """Return why nothing came back. Remove the key from the request: the error holds it, and may be logged."""
        request.headers.pop(KEY, None)
        return NoResponse(
            error,
            sent=not isinstance(error, NEVER_SENT),
            late=isinstance(error, httpx.TimeoutException),
            unreadable=isinstance(error, httpx.DecodingError),
            proxy=_proxy(request.url) if self.proxied else "",
        )

    def _check(self, address: str) -> None:
        url = _url(address)
        if url is None:
            raise UnexpectedResponse("The service gave a link that is not a valid address; ask whoever runs it.")
        if self.base_url.startswith("https:") and url.scheme != "https":
            raise UnexpectedResponse(
                "The service gave a link that is not encrypted, so it was not used; tell whoever runs it."
            )


def _url(address: str) -> httpx.URL | None:
    """Return an address that a request can be sent to; None where sending would fail."""
    try:
        url = httpx.URL(address)
        url.raw_host.decode("ascii").encode("idna")  # as Python's sockets do: no part is empty or over 63 letters
    except (httpx.InvalidURL, UnicodeError):
        return None
    usable = url.scheme in ("http", "https") and url.raw_host and 0 <= (url.port or 0) <= 65535
    return url if usable else None


def _proxy(url: httpx.URL) -> str:
    """Return host and port of the proxy to an address, without user and password; empty where there is none."""
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all") or ""
    return "" if proxy_bypass(url.host) else proxy.rpartition("://")[2].rpartition("@")[2]


def read_response(response: httpx.Response) -> Response:
    """Return a response of httpx as one of this package."""
    return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


@contextmanager
def proxy_errors() -> Iterator[None]:
    """Turn an error of creating an httpx client into one that names the environment's proxies.

    Raises
    ------
    ValueError
        If the proxies are invalid, or need a package that is not installed. The message names the variables, not their
        values, which may hold a password.
    """
    try:
        yield
    except (ImportError, ValueError, httpx.InvalidURL):
        named = ", ".join(sorted(name for name in os.environ if name.lower() in PROXY_VARIABLES and os.environ[name]))
        raise ValueError(
            f"the environment's proxies cannot be used; correct or unset {named or 'those of the system'}: "
            "they are addresses such as http://ADDRESS:8080, or socks5://ADDRESS:1080 after `pip install httpx[socks]`"
        ) from None


@contextmanager
def without_request_log() -> Iterator[None]:
    """Keep httpx from logging the requests within: it logs the whole address, and a link works like a key."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


logging.getLogger("httpx").addFilter(_not_ours)
