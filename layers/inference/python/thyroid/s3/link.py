"""A link that takes the upload of one image, and the id that names the image from then on."""

import re
import secrets
from dataclasses import dataclass

from thyroid.errors import NotFoundError

# Whoever knows an id may read its result, so no id can be guessed. It begins with the time at which its link expires:
# an old id is recognised without a list of ids.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Link:
    """Where and how an image is uploaded.

    Attributes
    ----------
    id : str
        Names the image from now on.
    url : str
        Address that takes a multipart form by POST.
    fields : dict of str to str
        Fields of the form, to be sent unchanged before its part ``file``.
    expires : int
        When the link expires, in seconds since 1970.
    """

    id: str
    url: str
    fields: dict[str, str]
    expires: int


def new_id(expires: int) -> str:
    """Return an id that nobody can guess, of a link that expires at a time in seconds since 1970."""
    return f"{expires:08x}-{secrets.token_hex(16)}"


def expiry_of(identifier: str) -> int:
    """Return when a link expires or expired, in seconds since 1970.

    Raises
    ------
    NotFoundError
        If no link can have this id.
    """
    if not ID.fullmatch(identifier):
        raise NotFoundError("There is no upload of this name; POST to `/api/v1/uploads` returns one.")
    return int(identifier[:8], 16)


def unused_link_error() -> NotFoundError:
    """Return the error of a link that expired before an image was uploaded."""
    return NotFoundError(
        "No image was uploaded before the link expired, or it was deleted since; POST to `/api/v1/uploads` returns a "
        "new link."
    )
