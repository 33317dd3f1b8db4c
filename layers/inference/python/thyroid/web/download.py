"""Answers that are kept as files: what they are called, and that bytes arrive as bytes."""

import unicodedata
from urllib.parse import quote

from fastapi import Request

from thyroid.errors import NotAcceptableError

PDF = "application/pdf"

# A header holds a name as three bytes of ASCII for each of its own, and the gateway sends 10,240 bytes of headers.
MAX_STEM = 150
NAMELESS = "thyroid"
NOT_IN_NAMES = frozenset('\\/:*?"<>|')


def check_bytes_arrive(request: Request, media_type: str) -> None:
    """Refuse a request whose binary response would arrive as base64.

    The gateway decodes a response into bytes only where the first type of ``Accept`` is one that it knows as binary,
    which ``*/*`` is not. A saved response would be a file that nothing opens. A laptop has no gateway.

    Raises
    ------
    NotAcceptableError
        If there is a gateway, and `Accept` begins with another type.
    """
    first = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
    if "aws.event" in request.scope and first != media_type:
        raise NotAcceptableError(f"The response is binary; send the header `Accept: {media_type}`.")


def attachment(filename: str | None, ending: str) -> str:
    """Return a ``Content-Disposition`` that names a file after the image that it is about.

    Parameters
    ----------
    filename : str, optional
        Of the image, as it was sent: any text.
    ending : str
        What stands instead of the image's.

    Returns
    -------
    str
        The name twice (RFC 6266): in ASCII for old programs, and as it is (RFC 8187).
    """
    stem = _stem(filename or "") or NAMELESS
    plain = _allowed(unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode("ascii")) or NAMELESS
    return f"attachment; filename=\"{plain}{ending}\"; filename*=UTF-8''{quote(stem + ending, safe='')}"


def _stem(filename: str) -> str:
    """Return a name without folders and ending."""
    base = filename.replace("\\", "/").rpartition("/")[2]
    return _allowed(base.rpartition(".")[0] or base)[:MAX_STEM].rstrip()


def _allowed(text: str) -> str:
    """Leave out what no header holds, or what some system lets no name have."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in NOT_IN_NAMES).strip(" .")
