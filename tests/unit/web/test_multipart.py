import tempfile
from typing import Any

import httpx
import pytest

from thyroid.errors import InvalidRequestError
from thyroid.web.multipart import read

IMAGE = bytes(range(256)) * 20


def form(files: Any, data: dict[str, str] | None = None) -> tuple[str, bytes]:
    """A form's content type and its bytes."""
    request = httpx.Request("POST", "http://x/", files=files, data=data)
    return request.headers["content-type"], request.read()


def test_the_part_that_is_asked_for_is_the_image_and_the_other_texts_are_fields() -> None:
    files = {"image": ("b.png", IMAGE), "another": ("c.png", b"another file")}

    assert read(*form(files, {"size": "99"}), "image") == (IMAGE, {"size": "99", "filename": "b.png"})


def test_the_image_may_be_a_text() -> None:
    assert read(*form({"another": b""}, {"image": "AAAA"}), "image") == ("AAAA", {})


@pytest.mark.parametrize(("field", "name"), [("", "b.png"), ("a.png", "a.png")])
def test_the_files_name_is_that_of_the_field_where_it_says_one(field: str, name: str) -> None:
    assert read(*form({"image": ("b.png", IMAGE)}, {"filename": field}), "image").fields == {"filename": name}


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"anything"),
        ("multipart/form-data; boundary=x", b"anything"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--\r\n"),
        form({"photo": ("b.png", IMAGE)}),
        form([("image", ("b.png", IMAGE)), ("image", ("c.png", IMAGE))]),
    ],
    # A form has a random boundary, which may not be in a name: workers of one run have to collect the same names.
    ids=[None, None, None, None, "no such part", "two such parts"],
)
def test_a_broken_form_or_one_without_exactly_one_such_part_is_refused(content_type: str, content: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        read(content_type, content, "image")


def test_a_form_of_very_many_fields_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        read(*form({"image": ("b.png", IMAGE)}, {f"f{i}": "x" for i in range(100)}), "image")


def test_a_form_that_cannot_be_read_is_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidRequestError):
        read("multipart/form-data; boundary=x", "\N{EN DASH}Jane".encode(), "image")

    assert not caplog.records


def test_no_part_of_an_image_touches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a machine on which no temporary file can be made
    def no_disk(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_disk)

    # WHEN an image arrives that is several times larger than what the form parser holds in memory by default
    image = IMAGE * 800

    # THEN
    assert read(*form({"image": ("b.png", image)}), "image").image == image


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"'])
def test_a_form_may_name_the_charset_that_it_is_read_in(charset: str) -> None:
    content_type, content = form({"image": ("scan.png", IMAGE, "image/png")}, {"filename": "Schilddrüse.png"})

    assert read(f"{content_type}; charset={charset}", content, "image") == (IMAGE, {"filename": "Schilddrüse.png"})


@pytest.mark.parametrize("charset", ["punycode", "utf-16", "us-ascii", "undefined", "nonesuch", "a\x00b", "zip"])
def test_any_other_charset_is_refused_before_a_codec_is_asked(charset: str) -> None:
    # GIVEN a field that punycode would take minutes to decode
    content_type, content = form({"image": ("scan.png", IMAGE, "image/png")}, {"filename": "a" * 400_000})

    with pytest.raises(InvalidRequestError, match="UTF-8"):
        read(f"{content_type}; charset={charset}", content, "image")
