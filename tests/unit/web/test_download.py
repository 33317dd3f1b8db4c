"""What an answer that is kept as a file is called, and that its bytes arrive as bytes."""

import re
from urllib.parse import unquote

import pytest
from fastapi import Request

from thyroid.errors import NotAcceptableError
from thyroid.web.download import PDF, attachment, check_bytes_arrive
from thyroid.web.schemas import MAX_NAME


def names(filename: str | None) -> tuple[str, str]:
    """Return the name for old programs and the one as it is, from a header that is one."""
    header = attachment(filename, ".report.pdf")
    assert header.isascii()
    assert header.isprintable()
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]+)\"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)", header)
    assert found, header
    return found[1], unquote(found[2], errors="strict")


@pytest.mark.parametrize(
    ("filename", "plain", "name"),
    [
        ("scan.jpg", "scan.report.pdf", "scan.report.pdf"),
        ("scan", "scan.report.pdf", "scan.report.pdf"),
        ("a.b c.tar.png", "a.b c.tar.report.pdf", "a.b c.tar.report.pdf"),
        ("Müller.png", "Muller.report.pdf", "Müller.report.pdf"),
        ("患者.png", "thyroid.report.pdf", "患者.report.pdf"),
        ("שלום.png", "thyroid.report.pdf", "שלום.report.pdf"),
        ("100 % (2);x=1.png", "100 % (2);x=1.report.pdf", "100 % (2);x=1.report.pdf"),
        (None, "thyroid.report.pdf", "thyroid.report.pdf"),
        ("", "thyroid.report.pdf", "thyroid.report.pdf"),
        ("...", "thyroid.report.pdf", "thyroid.report.pdf"),
        (".png", ".png".strip(".") + ".report.pdf", "png.report.pdf"),
    ],
)
def test_a_report_is_called_like_its_image(filename: str | None, plain: str, name: str) -> None:
    assert names(filename) == (plain, name)


@pytest.mark.parametrize("filename", ["/etc/passwd", "..\\..\\passwd", "C:\\scans\\passwd.png", "a/b/passwd.jpg"])
def test_no_folder_is_in_it(filename: str) -> None:
    assert names(filename) == ("passwd.report.pdf",) * 2


@pytest.mark.parametrize(
    "mark", ['"', "\\\\", "\r\n", "\0", "\x1b", "\u202e", "\ud800", "\uff02", "\uff0f", "\uff3c", "<", "*"]
)
def test_nothing_ends_the_header_or_the_name_early(mark: str) -> None:
    plain, name = names(f"a{mark}b.png")
    assert not set(plain + name) & set('"\\/:*?<>|\r\n\0\x1b\u202e\ud800')
    assert plain.endswith("b.report.pdf")


@pytest.mark.parametrize("character", ["x", "é", "患", "\N{BUTTERFLY}", '"'])
def test_the_header_is_short_whatever_the_name(character: str) -> None:
    assert len(attachment(character * MAX_NAME, ".report.pdf")) < 4096


def request(accept: str | None, *, behind_a_gateway: bool) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers} | ({"aws.event": {}} if behind_a_gateway else {}))


@pytest.mark.parametrize("accept", [PDF, "Application/PDF", f"{PDF};q=0.9, */*", f" {PDF} , text/html"])
def test_bytes_come_through_the_gateway_where_their_type_is_asked_for_first(accept: str) -> None:
    check_bytes_arrive(request(accept, behind_a_gateway=True), PDF)


@pytest.mark.parametrize("accept", [None, "", "*/*", f"*/*, {PDF}", "application/*", "application/json"])
def test_otherwise_it_is_said_what_to_send(accept: str | None) -> None:
    with pytest.raises(NotAcceptableError, match=f"Accept: {PDF}"):
        check_bytes_arrive(request(accept, behind_a_gateway=True), PDF)
    check_bytes_arrive(request(accept, behind_a_gateway=False), PDF)
