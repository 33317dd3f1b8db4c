"""A request's body, in any of its three kinds, to image bytes and options.

A JSON body with the image in base64, the image file itself, or a multipart form. Whatever the kind, the body is
held in memory and never on disk, its size is checked while it arrives, within a time limit, and the same options are
checked in the same way.
"""

import asyncio
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from thyroid.core import formats
from thyroid.errors import (
    InvalidBase64Error,
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from thyroid.settings import Settings, get_settings
from thyroid.web import multipart
from thyroid.web.problems import InvalidFieldsError

Options = TypeVar("Options", bound=BaseModel)

DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)

# A body over the limit is read on and thrown away up to this many times the limit: a client that is still sending would
# otherwise lose the connection before it could read why.
READ_ON = 4

FORM = "multipart/form-data"

# What a JSON body adds to its image, with nothing else in it and as json.dumps writes it; and what a form adds to its
# image at the most, with nothing else in it: the longest boundary has 70 characters (RFC 2046) and comes twice, a
# file name has 255 in most file systems, and the rest is about 110.
PLAIN_JSON = '{"image": ""}'
MAX_FORM_BYTES = 512


@dataclass(frozen=True)
class Body:
    """A body that has arrived whole.

    Attributes
    ----------
    content_type : str
        What it is said to be, with parameters.
    content : bytes
        The body; what a JSON body or a form holds is still in it.
    fields : dict of str to str
        Query parameters.
    """

    content_type: str
    content: bytes
    fields: dict[str, str]

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""
        return _media_type(self.content_type)


async def the_settings() -> Settings:
    """Return the settings of this process; a dependency, without a thread for itself."""
    return get_settings()


TheSettings = Annotated[Settings, Depends(the_settings)]


async def receive(request: Request, settings: TheSettings) -> Body:
    """Read the body into memory.

    Raises
    ------
    PayloadTooLargeError
        If it is over the limit of its kind, whatever its Content-Length says: ``settings.max_body_bytes`` for JSON,
        ``settings.max_binary_body_bytes`` for the other two.
    RequestTimeoutError
        If it is not there after ``settings.body_seconds``.
    UnsupportedMediaTypeError
        If its content type is none of the three kinds.
    """
    content_type = _content_type(request, "application/json")
    media_type = _media_type(content_type)
    binary = media_type == FORM or media_type in formats.MEDIA_TYPES
    limit = settings.max_binary_body_bytes if binary else settings.max_body_bytes
    content = await _read(request, limit, settings.body_seconds)
    if not binary and not _is_json(media_type):
        raise UnsupportedMediaTypeError(
            "This content type is not taken; send application/json with the image in base64, multipart/form-data "
            f"with a part `image`, or the image itself as one of {', '.join(formats.MEDIA_TYPES)}."
        )
    if content is None:
        raise PayloadTooLargeError(_over_the_limit(media_type, settings))
    return Body(content_type, content, filled_in(request.query_params))


Received = Annotated[Body, Depends(receive)]


async def receive_form(request: Request, limit: int, seconds: int) -> Body:
    """Read a multipart form, larger than a request to a function may be.

    Raises
    ------
    UnsupportedMediaTypeError
        If it is none.
    PayloadTooLargeError
        If it is over `limit` bytes.
    RequestTimeoutError
        If it is not there after so many seconds.
    """
    content_type = _content_type(request, "")
    if not content_type.lower().startswith(FORM):
        raise UnsupportedMediaTypeError(f"This address takes {FORM}, filled in as the link says.")
    content = await _read(request, limit, seconds)
    if content is None:
        raise PayloadTooLargeError(f"The form is over the limit of {limit} bytes; send a smaller image.")
    return Body(content_type, content, {})


def parse(body: Body, options: type[Options], with_image: type[BaseModel]) -> tuple[bytes, Options]:
    """Split a body into the image file and its checked options.

    Parameters
    ----------
    body : Body
        What :func:`receive` read.
    options : type
        The options, as fields of a query or form.
    with_image : type
        The same options as fields of a JSON body, with the image in its field ``image``.

    Raises
    ------
    InvalidFieldsError
        If the JSON is broken, or a field is missing, of the wrong type or out of its bounds.
    InvalidBase64Error
        If ``image`` is not base64.
    InvalidRequestError
        If a multipart form cannot be read.
    """
    try:
        if _is_json(body.media_type):
            values = with_image.model_validate_json(body.content).model_dump()
            image, chosen = decode_base64(values.pop("image")), options.model_validate(values)
        elif body.media_type == FORM:
            image, fields = parse_form(body, "image")
            chosen = options.model_validate(fields)
        else:
            image, chosen = body.content, options.model_validate(body.fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_validation(error) from None
    return image, chosen


def parse_form(body: Body, part: str) -> tuple[bytes, dict[str, str]]:
    """Split a body that is a multipart form into its one image file, or that in base64, and its other fields.

    Raises
    ------
    InvalidRequestError
        If the form cannot be read.
    InvalidFieldsError
        If it has not just one part of this name.
    InvalidBase64Error
        If that part is no file, and not base64.
    """
    form = multipart.read(body.content_type, body.content, part)
    image = decode_base64(form.image) if isinstance(form.image, str) else form.image
    return image, filled_in(form.fields)


def parse_json(body: Body, schema: type[Options]) -> Options:
    """Check a body that has to be JSON and holds no image.

    Raises
    ------
    UnsupportedMediaTypeError
        If it is no JSON.
    InvalidFieldsError
        As :func:`parse` says.
    """
    if not _is_json(body.media_type):
        raise UnsupportedMediaTypeError("This address takes application/json, and no image; see `/docs`.")
    try:
        return schema.model_validate_json(body.content)
    except ValidationError as error:
        raise InvalidFieldsError.from_validation(error) from None


def decode_base64(text: str) -> bytes:
    """Decode plain base64 or a base64 data URI; line breaks within are allowed.

    Raises
    ------
    InvalidBase64Error
        If the text is neither.
    """
    prefix = DATA_URI.match(text.lstrip())
    payload = "".join((text.lstrip()[prefix.end() :] if prefix else text).split())
    try:
        if len(payload) % 4:  # which strict decoding alone overlooks where only padding is too many
            raise binascii.Error
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError:  # of which binascii.Error is one; others where the text is not ASCII
        raise InvalidBase64Error(
            "The field `image` is not base64; send the bytes of the image file encoded as base64 or as a data URI."
        ) from None


def _content_type(request: Request, unsaid: str) -> str:
    """Return what the body is said to be. Said twice it is both, for behind the gateway several headers are one."""
    said = request.headers.getlist("content-type")
    return ", ".join(said) if said else unsaid


async def _read(request: Request, limit: int, seconds: int) -> bytes | None:
    """Return the body, or None where it is over the limit. A client that stops in the middle is not waited for."""
    content = bytearray()
    total = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                total += len(chunk)
                if total <= limit:
                    content += chunk
                else:
                    content.clear()
                    if total > READ_ON * limit:
                        break
    except TimeoutError:
        if total <= limit:
            raise RequestTimeoutError(
                f"The body did not arrive whole within {seconds} seconds; send it again, faster, or a smaller image."
            ) from None
    return bytes(content) if total <= limit else None


def _over_the_limit(media_type: str, settings: Settings) -> str:
    """Say what the limit of a kind of body is, and how large an image file it holds."""
    binary = settings.max_binary_body_bytes
    if media_type == FORM:
        return (
            f"The form is over the limit of {binary} bytes, in which an image file of "
            f"{max(0, binary - MAX_FORM_BYTES)} bytes always fits as its only part; send a smaller image."
        )
    if media_type in formats.MEDIA_TYPES:
        return f"The image file is over the limit of {binary} bytes; send a smaller image."
    in_base64 = max(0, settings.max_body_bytes - len(PLAIN_JSON)) // 4 * 3
    return (
        f"The JSON body is over the limit of {settings.max_body_bytes} bytes, in which an image file of {in_base64} "
        f"bytes fits as base64; send a smaller image. Sent as it is, it may have {binary} bytes, hardly more."
    )


def filled_in(fields: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is empty: a form sends all of its fields, filled in or not."""
    return {name: value for name, value in fields.items() if value}


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
