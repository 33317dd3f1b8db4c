"""A link to upload one picture with, whoever makes it, and the id that names the picture from then on."""

import re
import secrets
from dataclasses import dataclass

from thyroid.errors import NotFoundError

# Whoever knows an id may ask for its result, so none can be guessed. What it begins with is when its link ends, so that
# an id can be told to be too old without a list of them.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Link:
    """Where and how a picture may be uploaded.

    Attributes
    ----------
    id : str
        Names the picture from now on.
    url : str
        Takes a multipart form by POST.
    fields : dict of str to str
        Have to come in the form before its part ``file``, as they are.
    expires : int
        Until when, seconds since 1970.
    """

    id: str
    url: str
    fields: dict[str, str]
    expires: int


def new_id(expires: int) -> str:
    """Return an id that nobody can guess, of a link that ends at a time in seconds since 1970."""
    return f"{expires:08x}-{secrets.token_hex(16)}"


def expiry_of(identifier: str) -> int:
    """Return when a link ends or ended, in seconds since 1970.

    Raises
    ------
    NotFoundError
        If no link can have this id.
    """
    if not ID.fullmatch(identifier):
        raise NotFoundError("There is no upload of this name; POST to `/api/v1/uploads` gives one.")
    return int(identifier[:8], 16)


def never_used() -> NotFoundError:
    """Return the error of a link that ended before a picture came."""
    return NotFoundError(
        "No picture came before the link ended, or it was deleted since; POST to `/api/v1/uploads` gives a new one."
    )
