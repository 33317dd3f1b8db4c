"""What can go wrong, as types: one for each thing that a caller would do differently.

Each message is a sentence that says what happened and what to do. No message holds an image, a file name, a key or a
link, and no cause holds a key. A path that cannot be read raises Python's own ``OSError``. An argument that is not an
image raises a ``TypeError``.
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
        The HTTP status, where there was a response.
    problem : mapping, optional
        The response's problem details (RFC 9457), where it had some.
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
        """The problem's ``code``, a stable name of the kind of error such as ``unsuitable_image``."""
        code = (self.problem or {}).get("code")
        return code if isinstance(code, str) else None


class Unreachable(ThyroidAPIError):
    """No response came: the address is wrong, nothing runs there, the connection broke, or it took too long."""


class AccessDenied(ThyroidAPIError):
    """The API key is missing or not valid (401, 403)."""


class TooManyRequests(ThyroidAPIError):
    """The key's rate or quota is used up (429). Retries did not help, or could not."""


class BadImage(ThyroidAPIError):
    """The service cannot process the image, or an option that came with it is invalid (400, 413, 415, 422).

    A repeated request fails again. Without a `status` this package refused the image before it was sent.
    """


class Unavailable(ThyroidAPIError):
    """The service does not work at the moment, does not offer this (410, 5xx), or waited too long for it (408)."""


class NotReady(Unavailable):
    """An uploaded image has no result yet. It may still get one: call `Client.result` again.

    Attributes
    ----------
    upload_id : str
        The id of the upload. Whoever has a key and knows it may read the result.
    """

    def __init__(self, message: str, *, upload_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.upload_id = upload_id


class UnexpectedResponse(ThyroidAPIError):
    """The response is not one of this service: another service, another version, or a response changed on the way."""
