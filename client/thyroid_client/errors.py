"""What can go wrong, as types: one for each thing that a caller would do differently.

Each message is a sentence that says what happened and what to do. None holds a picture, a file name, a key or a link,
and no cause of one holds a key. A path that cannot be read raises Python's own ``OSError``, and what is no
picture at all a ``TypeError``.
"""

from collections.abc import Mapping
from typing import Any


class ThyroidAPIError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What happened and what to do.
    status : int, optional
        The HTTP status, where there was an answer.
    problem : mapping, optional
        The answer's problem details (RFC 9457), where it had some.
    request_id : str, optional
        Names the request in the service's logs.
    retry_after : float, optional
        Seconds that the service asks to wait, where it said so.

    Attributes
    ----------
    status, problem, request_id, retry_after
        As above.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def code(self) -> str | None:
        """The problem's ``code``, a stable name of the kind of error such as ``unreadable_image``."""
        code = (self.problem or {}).get("code")
        return code if isinstance(code, str) else None


class Unreachable(ThyroidAPIError):
    """No answer came: the address is wrong, nothing runs there, the connection broke, or it took too long."""


class Refused(ThyroidAPIError):
    """The key is missing or not taken (401, 403)."""


class TooManyRequests(ThyroidAPIError):
    """The key's rate or quota is used up (429); new tries did not help, or were not worth making."""


class BadPicture(ThyroidAPIError):
    """The picture cannot be judged, or an option that came with it is none (400, 413, 415, 422).

    Sending the same again gets the same. Without a `status` it is this package that refused it, before it was sent.
    """


class Unavailable(ThyroidAPIError):
    """The service does not work at the moment, does not offer this (410, 5xx), or waited too long for it (408)."""


class NotReady(Unavailable):
    """An uploaded picture has no result yet. It may still get one: `Client.result` asks again.

    Attributes
    ----------
    upload_id : str
        What to ask for. Whoever has a key and knows it may read the result.
    """

    def __init__(self, message: str, *, upload_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.upload_id = upload_id


class UnexpectedAnswer(ThyroidAPIError):
    """The answer is none that this package understands: another service, one of another version, or a broken answer."""
