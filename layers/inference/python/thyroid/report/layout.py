"""A report on one page: what stands where."""

import base64
import io

from PIL import Image

from thyroid.report import content, names
from thyroid.report.fonts import BOLD, REGULAR, has_letter, width_of_letters
from thyroid.report.page import CONTENT, INK, MARGIN, PAPER, QUIET, WARNING, WARNING_PAPER, Frame, Page
from thyroid.web.schemas import GradCAMImages, Region, ReportedPicture, ReportResponse

GUTTER = 14.0
COLUMN = (CONTENT - GUTTER) / 2
TALLEST = 270.0  # of the pictures, points
WIDE = 2.0  # pictures that are wider, in heights, stand below each other
NAMES_OF_FACTS = 116.0
SMALL = 8.5
NAME_LINES = 3
NARROWEST = 12.0  # what is outlined; of less, nothing would be seen between the lines


def write(page: Page, report: ReportResponse, images: GradCAMImages) -> None:
    """Write a report, from the title to the disclaimer.

    Parameters
    ----------
    page : Page
        An empty one.
    report : ReportResponse
        What is to be told.
    images : GradCAMImages
        Its pictures.
    """
    page.text(content.TITLE, 18, name=BOLD)
    page.right(f"{report.timestamp} UTC", 9)
    page.down(4)
    page.box(f"{content.NOTICE}.", 10, name=BOLD, colour=WARNING, paper=WARNING_PAPER)
    page.down(12)
    _name(page, report.filename)
    page.down(6)
    _pictures(page, report, images)
    page.down(14)
    _input_check(page, report)
    page.down(12)
    _verdict(page, report)
    page.down(12)
    page.rule()
    page.down(7)
    for name, value in content.facts(report):
        _fact(page, name, value)
    page.down(5)
    page.rule()
    page.down(8)
    page.text(report.disclaimer, SMALL, colour=QUIET)


def _name(page: Page, filename: str | None) -> None:
    left, size, top = MARGIN + NAMES_OF_FACTS, 10.0, page.y
    page.text("File name", size, colour=QUIET)
    page.y = top
    if filename is None or not filename.strip():
        page.text(content.NO_NAME, size, left=left, colour=QUIET)
        return
    letters = names.letters(filename, has_letter)
    for line in names.lines(letters, lambda part: width_of_letters([part], size), CONTENT - NAMES_OF_FACTS, NAME_LINES):
        page.mixed(names.in_order_seen(line), size, left=left)
    if any(map(names.is_number, letters)):
        page.text(content.ESCAPED, 7.5, left=left, colour=QUIET)


def _pictures(page: Page, report: ReportResponse, images: GradCAMImages) -> None:
    original, overlay = _decoded(images.original), _decoded(images.overlay)
    wide = original.width > WIDE * original.height
    room = CONTENT if wide else COLUMN
    tallest = TALLEST / 2 if wide else TALLEST
    scale = min(room / original.width, tallest / original.height)
    size = original.width * scale, original.height * scale

    def put(image: Image.Image, caption: str, left: float) -> Frame:
        page.text(caption, SMALL, colour=QUIET, left=left, room=room)
        page.down(2)
        frame = Frame(left, page.y - size[1], *size)
        page.picture(image, frame)
        page.y = frame.bottom
        return frame

    top = page.y
    first = put(original, content.PICTURE, MARGIN)
    seen = within(first, report.field_of_view, report.picture)
    if min(seen.width, seen.height) >= NARROWEST:
        page.outline(seen)
    if wide:
        page.down(6)
    else:
        page.y = top
    put(overlay, content.overlay(report), MARGIN if wide else MARGIN + COLUMN + GUTTER)


def within(frame: Frame, region: Region, picture: ReportedPicture) -> Frame:
    """Return where a region of the picture lies on the page; the picture's rows go down, the page's up."""
    across, along = frame.width / picture.width, frame.height / picture.height
    return Frame(
        left=frame.left + region.left * across,
        bottom=frame.bottom + (picture.height - region.bottom) * along,
        width=(region.right - region.left) * across,
        height=(region.bottom - region.top) * along,
    )


def _verdict(page: Page, report: ReportResponse) -> None:
    page.text(f"{report.risk_assessment}: {content.verdict(report)}", 14, name=BOLD)
    page.down(2)
    page.text(report.recommendation, 10.5)
    page.down(5)
    left = MARGIN + NAMES_OF_FACTS
    top = page.y
    page.text(f"Score {content.score(report)}", 10, name=BOLD)
    after, page.y = page.y, top - 2
    page.scale(report.prediction.confidence_score, left=left, room=CONTENT - NAMES_OF_FACTS)
    page.y = after
    page.text(content.SCALE, 7.5, colour=QUIET, left=left, room=CONTENT - NAMES_OF_FACTS)


def _input_check(page: Page, report: ReportResponse) -> None:
    suits = report.input_check.looks_like_ultrasound
    colour, paper = (INK, PAPER) if suits else (WARNING, WARNING_PAPER)
    page.box(content.input_check(report), 9.5, name=REGULAR if suits else BOLD, colour=colour, paper=paper)


def _fact(page: Page, name: str, value: str) -> None:
    top = page.y
    page.text(name, SMALL, colour=QUIET)
    page.y = top
    page.text(value, SMALL, left=MARGIN + NAMES_OF_FACTS, room=CONTENT - NAMES_OF_FACTS)
    page.down(1.5)


def _decoded(encoded: str) -> Image.Image:
    """Return a picture; one without colour comes in grey, and stays so: a third of the bytes."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    return image if image.mode == "L" else image.convert("RGB")
