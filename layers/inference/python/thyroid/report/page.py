"""A page that is written from top to bottom: a place for the next thing, and what can be put there.

Lengths are in points, 1/72 inch; `y` grows upwards, as in the PDF itself.
"""

from dataclasses import dataclass

from PIL import Image
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfgen.canvas import Canvas

from thyroid.report.fonts import REGULAR, font, runs, width

Colour = tuple[float, float, float]

WIDTH, HEIGHT = 595.28, 841.89  # A4
MARGIN = 48.0
CONTENT = WIDTH - 2 * MARGIN
LEADING = 1.35  # from line to line, in sizes of the letters

INK: Colour = (0.13, 0.15, 0.18)
QUIET: Colour = (0.40, 0.43, 0.47)
RULE: Colour = (0.82, 0.84, 0.86)
PAPER: Colour = (0.95, 0.96, 0.97)
WARNING: Colour = (0.72, 0.30, 0.0)
WARNING_PAPER: Colour = (1.0, 0.95, 0.87)
MARK: Colour = (1.0, 0.85, 0.2)


@dataclass(frozen=True)
class Frame:
    """Where something lies on the page; (left, bottom) is its corner."""

    left: float
    bottom: float
    width: float
    height: float


class Page:
    """The page that is being written.

    Attributes
    ----------
    y : float
        Where the next thing begins.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self.y = HEIGHT - MARGIN

    def down(self, points: float) -> None:
        """Leave some room."""
        self.y -= points

    def text(
        self,
        text: str,
        size: float,
        *,
        name: str = REGULAR,
        colour: Colour = INK,
        left: float = MARGIN,
        room: float = CONTENT,
    ) -> None:
        """Write a text, broken into lines between words."""
        for line in simpleSplit(text, font(name).fontName, size, room):
            self.y -= size
            self._put(line, left, self.y, size, name, colour)
            self.y -= (LEADING - 1) * size

    def right(self, text: str, size: float, *, colour: Colour = QUIET) -> None:
        """Write a line that ends at the right margin, on the line that was written last."""
        self._put(text, WIDTH - MARGIN - width(text, REGULAR, size), self.y + 4, size, REGULAR, colour)

    def mixed(self, parts: list[str], size: float, *, left: float) -> None:
        """Write a line of letters, each in a font that has it; as one text, so that it is copied without gaps."""
        self.y -= size
        line = self._canvas.beginText(left, self.y)
        line.setFillColorRGB(*INK)
        for name, text in runs(parts):
            line.setFont(font(name).fontName, size)
            line.textOut(text)
        self._canvas.drawText(line)
        self.y -= (LEADING - 1) * size

    def rule(self) -> None:
        """Draw a thin line across."""
        self._canvas.setStrokeColorRGB(*RULE)
        self._canvas.setLineWidth(0.7)
        self._canvas.line(MARGIN, self.y, WIDTH - MARGIN, self.y)

    def box(self, text: str, size: float, *, name: str, colour: Colour, paper: Colour) -> None:
        """Write a text on a coloured ground."""
        inset = 8.0
        room = CONTENT - 2 * inset
        lines = simpleSplit(text, font(name).fontName, size, room)
        height = len(lines) * LEADING * size + 2 * inset - (LEADING - 1) * size
        self._canvas.setFillColorRGB(*paper)
        self._canvas.roundRect(MARGIN, self.y - height, CONTENT, height, 4, stroke=0, fill=1)
        top = self.y
        self.y -= inset - 1.5
        self.text(text, size, name=name, colour=colour, left=MARGIN + inset, room=room)
        self.y = top - height

    def image(self, image: Image.Image, frame: Frame) -> None:
        """Put an image into a frame of its own shape, with a thin line around it."""
        place = (frame.left, frame.bottom, frame.width, frame.height)
        self._canvas.drawImage(ImageReader(image), *place)
        self._canvas.setStrokeColorRGB(*RULE)
        self._canvas.setLineWidth(0.5)
        self._canvas.rect(*place)

    def outline(self, frame: Frame) -> None:
        """Draw a dashed outline that is seen on dark and on light."""
        place = (frame.left, frame.bottom, frame.width, frame.height)
        self._canvas.saveState()
        self._canvas.setLineWidth(1.6)
        self._canvas.setStrokeColorRGB(0, 0, 0)
        self._canvas.rect(*place)
        self._canvas.setLineWidth(0.9)
        self._canvas.setDash(4, 3)
        self._canvas.setStrokeColorRGB(*MARK)
        self._canvas.rect(*place)
        self._canvas.restoreState()

    def scale(self, share: float, *, left: float, room: float) -> None:
        """Draw a line from 0 to 1 with its middle marked, filled up to a share."""
        height = 7.0
        self.y -= height
        for length, colour in ((room, RULE), (room * share, INK)):
            self._canvas.setFillColorRGB(*colour)
            self._canvas.rect(left, self.y, length, height, stroke=0, fill=1)
        self._canvas.setStrokeColorRGB(*WARNING)
        self._canvas.setLineWidth(1)
        self._canvas.line(left + room / 2, self.y - 2, left + room / 2, self.y + height + 2)

    def _put(self, text: str, left: float, y: float, size: float, name: str, colour: Colour) -> None:
        self._canvas.setFont(font(name).fontName, size)
        self._canvas.setFillColorRGB(*colour)
        self._canvas.drawString(left, y, text)
