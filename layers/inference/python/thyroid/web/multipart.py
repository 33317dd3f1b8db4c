"""A multipart form (RFC 7578), read in memory and never on disk.

Some forms take a second to read. So it is a matter of an endpoint, which takes its turn, and not of the event loop.
"""

import logging
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, NamedTuple

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from thyroid.errors import InvalidRequestError
from thyroid.web.problems import FieldProblem, InvalidFieldsError

# The parser would decode a form's fields with any codec of Python's that the content type names, and some take minutes.
CHARSETS = (b"utf-8", b"utf8")

# The parser prints bytes of a form that it cannot read.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)


class Form(NamedTuple):
    """What a form holds.

    Attributes
    ----------
    image : bytes or str
        The part that was asked for: a file, or a text.
    fields : dict of str to str
        The other parts that are texts, and the file's name as ``filename`` where no part says another.
    """

    image: bytes | str
    fields: dict[str, str]


def read(content_type: str, content: bytes, part: str) -> Form:
    """Read a form, of which one part is an image.

    Raises
    ------
    InvalidRequestError
        If it cannot be read.
    InvalidFieldsError
        If it has not just one part of this name.
    """
    _, parameters = parse_options_header(content_type)
    if parameters.get(b"charset", b"utf-8").lower() not in CHARSETS:
        raise InvalidRequestError("The multipart form names a charset that is not taken; use UTF-8.")
    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        _one_chunk(content),
        max_files=8,
        max_fields=32,
        max_part_size=len(content),
    )
    parser.spool_max_size = len(content) + 1  # no part is larger, so none is ever spooled to disk
    try:
        return _form(_done(parser.parse()), part)
    except MultiPartException as error:
        raise InvalidRequestError(f"The multipart form cannot be read: {error.message}") from None
    finally:
        for file in parser._files_to_close_on_error:  # all files, even of a part that was cut off and is in no form
            file.close()


def _form(form: FormData, part: str) -> Form:
    found = form.getlist(part)
    if len(found) != 1:
        raise InvalidFieldsError([FieldProblem(field=part, message=f"send one such part, not {len(found)}")])
    fields = {name: value for name, value in form.items() if isinstance(value, str) and name != part}
    (image,) = found
    if isinstance(image, str):
        return Form(image, fields)
    if image.filename and not fields.get("filename"):
        fields["filename"] = image.filename
    return Form(image.file.read(), fields)


async def _one_chunk(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


def _done(parsing: Coroutine[Any, Any, FormData]) -> FormData:
    """Return what a coroutine comes to that waits for nothing: all that is read and written is in memory."""
    try:
        parsing.send(None)
    except StopIteration as done:
        form: FormData = done.value
        return form
    parsing.close()
    raise RuntimeError("the form's parser waits for something")
