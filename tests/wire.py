"""Requests to the byte, as no library would send them, and what comes back."""

import socket
from dataclasses import replace
from http.client import HTTPResponse
from urllib.parse import urlsplit

from tests.gateway import Answer, Request

HOST = "api.example.org"
SECONDS = 30


def send(address: str, request: Request, *, chunked: bool = False) -> Answer:
    """Send a request as it is; it is given a host and the length of its body where it does not name its own.

    A body that is chunked goes in three pieces and without a length.
    """
    return send_bytes(address, to_bytes(request, chunked=chunked), request.method)


def with_headers(request: Request, *, chunked: bool = False) -> Request:
    """Return a request with the headers that it is sent with."""
    named = {name.lower() for name, _ in request.headers}
    headers = list(request.headers)
    if "host" not in named:
        headers.insert(0, ("Host", HOST))
    if chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    elif request.body and "content-length" not in named:
        headers.append(("Content-Length", str(len(request.body))))
    return replace(request, headers=(*headers, ("Connection", "close")))


def to_bytes(request: Request, *, chunked: bool = False) -> bytes:
    """Return what goes over the wire."""
    head = f"{request.method} {request.target} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in with_headers(request, chunked=chunked).headers
    )
    return head.encode("utf-8") + b"\r\n" + (_in_chunks(request.body) if chunked else request.body)


def _in_chunks(body: bytes) -> bytes:
    third = max(1, len(body) // 3)
    pieces = [body[:third], body[third : 2 * third], body[2 * third :]]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces if piece) + b"0\r\n\r\n"


def send_and_leave(address: str, request: Request) -> Answer:
    """Send a request, and no more than it holds, whatever it says of its length."""
    return send_bytes(address, to_bytes(request), request.method, leave=True)


def send_bytes(address: str, sent: bytes, method: str = "GET", *, leave: bool = False) -> Answer:
    """Send bytes, and read the answer to its end; who leaves says that nothing more will come."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=SECONDS) as connection:
        connection.sendall(sent)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method=method)
        response.begin()
        return Answer(response.status, tuple(response.getheaders()), response.read())
