"""A report as a PDF file.

The same report gives the same bytes: the time in the file is the one that the page states, and nothing else in it
changes from one making to the next.
"""

import io
import threading

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from thyroid.core.analysis import Analysis
from thyroid.report import content
from thyroid.report.fonts import REGULAR, font
from thyroid.report.layout import write
from thyroid.report.page import HEIGHT, WIDTH, Page

# The library would write all streams as text, a quarter longer.
rl_config.useA85 = 0

# Its fonts keep what each document uses of them; two documents at once are more than it promises.
_ONE_AT_A_TIME = threading.Lock()


def make(analysis: Analysis, filename: str | None = None) -> bytes:
    """Return a report as one A4 page, with its fonts embedded.

    Parameters
    ----------
    analysis : Analysis
        With its explanation.
    filename : str, optional
        The image file's name, which the page states.

    Raises
    ------
    ValueError
        If the analysis holds no explanation.
    """
    if analysis.explanation is None:
        raise ValueError("a report in PDF needs an analysis with an explanation")
    file = io.BytesIO()
    with _ONE_AT_A_TIME:
        canvas = Canvas(
            file,
            pagesize=(WIDTH, HEIGHT),
            pageCompression=1,
            invariant=1,
            initialFontName=font(REGULAR).fontName,  # type: ignore[arg-type]  # the stubs want a number
            lang="en",
        )
        _describe(canvas, analysis)
        write(Page(canvas), analysis, analysis.explanation, filename)
        canvas.showPage()
        canvas.save()
    return file.getvalue()


def _describe(canvas: Canvas, analysis: Analysis) -> None:
    """Say what the document is. The image's name is on the page alone: programs show these to anyone."""
    service = f"thyroid-ultrasound {analysis.code_version}"
    canvas.setTitle(content.TITLE)
    canvas.setSubject(content.NOTICE)
    canvas.setAuthor(service)
    canvas.setCreator(service)
    canvas.setViewerPreference("DisplayDocTitle", "true")
    canvas.setDateFormatter(lambda *_: f"D:{analysis.time:%Y%m%d%H%M%S}+00'00'")
