"""What is sent over HTTP and what comes back, independent of the transport."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes
    ----------
    method : str
        GET or POST.
    address : str
        A path below the service's address, which gets the key; or a whole URL elsewhere, which never does.
    query : dict of str to str
        Options. Nothing of a patient: addresses are logged on the way.
    content : bytes, optional
        The body, sent as `content_type`.
    form : dict of str to str, optional
        With it the body is a multipart form of these fields, followed by `content` as the part `part`.
    part : str
        Name of that part.
    accept : str
        The wanted type of the response; any, if left out.
    """

    method: str
    address: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    form: Mapping[str, str] | None = field(default=None, repr=False)
    part: str = "file"
    accept: str = ""


@dataclass(frozen=True)
class Response:
    """What came back; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class NoResponse:
    """Why nothing came back.

    Attributes
    ----------
    error : Exception
        What the transport raised.
    sent : bool
        False where the request surely never left.
    late : bool
        True where the time for a response ran out.
    unreadable : bool
        True where the body of a response is not what its headers say.
    proxy : str
        Host and port of the proxy on the way; empty where the environment names none.
    """

    error: Exception
    sent: bool
    late: bool = False
    unreadable: bool = False
    proxy: str = ""


@dataclass(frozen=True)
class Step:
    """Wait for `after` seconds, then send `request`."""

    request: Request
    after: float = 0.0


T = TypeVar("T")

# A method of the client, written once for both clients: a generator yields what is to be sent, receives what came back,
# and returns the result. The caller drives it with or without async.
Exchange = Generator[Step, "Response | NoResponse", T]
