"""A report on one page: what stands where."""

import io

from PIL import Image

from thyroid.core.analysis import Analysis, ImageFacts
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.explain import Explanation
from thyroid.core.field_of_view import Box
from thyroid.report import content, names
from thyroid.report.fonts import BOLD, REGULAR, has_letter, width_of_letters
from thyroid.report.page import CONTENT, INK, MARGIN, PAPER, QUIET, WARNING, WARNING_PAPER, Frame, Page

GUTTER = 14.0
COLUMN = (CONTENT - GUTTER) / 2
TALLEST = 270.0  # of the images, points
WIDE = 2.0  # images that are wider, in heights, stand below each other
NAMES_OF_FACTS = 116.0
SMALL = 8.5
NAME_LINES = 3
NARROWEST = 12.0  # what is outlined; of less, nothing would be seen between the lines


def write(page: Page, analysis: Analysis, explanation: Explanation, filename: str | None) -> None:
    """Write a report, from the title to the disclaimer.

    Parameters
    ----------
    page : Page
        An empty one.
    analysis : Analysis
        What is reported.
    explanation : Explanation
        Its explanation, with the images.
    filename : str or None
        The image file's name, where it is known.
    """
    page.text(content.TITLE, 18, name=BOLD)
    page.right(content.time(analysis.time), 9)
    page.down(4)
    page.box(f"{content.NOTICE}.", 10, name=BOLD, colour=WARNING, paper=WARNING_PAPER)
    page.down(12)
    _name(page, filename)
    page.down(6)
    _images(page, analysis, explanation)
    page.down(14)
    _input_check(page, analysis)
    page.down(12)
    _verdict(page, analysis)
    page.down(12)
    page.rule()
    page.down(7)
    for name, value in content.facts(analysis, explanation):
        _fact(page, name, value)
    page.down(5)
    page.rule()
    page.down(8)
    page.text(DISCLAIMER, SMALL, colour=QUIET)


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


def _images(page: Page, analysis: Analysis, explanation: Explanation) -> None:
    original, overlay = _decoded(explanation.images.original), _decoded(explanation.images.overlay)
    wide = original.width > WIDE * original.height
    room = CONTENT if wide else COLUMN
    tallest = TALLEST / 2 if wide else TALLEST
    scale = min(room / original.width, tallest / original.height)
    size = original.width * scale, original.height * scale

    def put(image: Image.Image, caption: str, left: float) -> Frame:
        page.text(caption, SMALL, colour=QUIET, left=left, room=room)
        page.down(2)
        frame = Frame(left, page.y - size[1], *size)
        page.image(image, frame)
        page.y = frame.bottom
        return frame

    top = page.y
    first = put(original, content.IMAGE, MARGIN)
    seen = within(first, analysis.field_of_view, analysis.image)
    if min(seen.width, seen.height) >= NARROWEST:
        page.outline(seen)
    if wide:
        page.down(6)
    else:
        page.y = top
    put(overlay, content.overlay(explanation), MARGIN if wide else MARGIN + COLUMN + GUTTER)


def within(frame: Frame, region: Box, image: ImageFacts) -> Frame:
    """Return where a region of the image lies on the page; the image's rows go down, the page's up."""
    across, along = frame.width / image.width, frame.height / image.height
    return Frame(
        left=frame.left + region.left * across,
        bottom=frame.bottom + (image.height - region.bottom) * along,
        width=(region.right - region.left) * across,
        height=(region.bottom - region.top) * along,
    )


def _verdict(page: Page, analysis: Analysis) -> None:
    page.text(f"{analysis.assessment.risk}: {content.verdict(analysis)}", 14, name=BOLD)
    page.down(2)
    page.text(analysis.assessment.recommendation, 10.5)
    page.down(5)
    left = MARGIN + NAMES_OF_FACTS
    top = page.y
    page.text(f"Score {content.score(analysis)}", 10, name=BOLD)
    after, page.y = page.y, top - 2
    page.scale(analysis.assessment.score, left=left, room=CONTENT - NAMES_OF_FACTS)
    page.y = after
    page.text(content.SCALE, 7.5, colour=QUIET, left=left, room=CONTENT - NAMES_OF_FACTS)


def _input_check(page: Page, analysis: Analysis) -> None:
    suits = analysis.input_check.looks_like_ultrasound
    colour, paper = (INK, PAPER) if suits else (WARNING, WARNING_PAPER)
    page.box(content.input_check(analysis), 9.5, name=REGULAR if suits else BOLD, colour=colour, paper=paper)


def _fact(page: Page, name: str, value: str) -> None:
    top = page.y
    page.text(name, SMALL, colour=QUIET)
    page.y = top
    page.text(value, SMALL, left=MARGIN + NAMES_OF_FACTS, room=CONTENT - NAMES_OF_FACTS)
    page.down(1.5)


def _decoded(png: bytes) -> Image.Image:
    """Return an image; one without colour comes in grey, and stays so: a third of the bytes."""
    image = Image.open(io.BytesIO(png))
    return image if image.mode == "L" else image.convert("RGB")
