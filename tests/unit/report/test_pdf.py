"""A report as PDF, read back: one page, its words, its fonts, and nothing of the file's tags."""

import base64
import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, PdfObject

from tests.fakes import FakeEngine
from tests.images import image_file, noise_file, rotated_file, saved
from thyroid import phantom
from thyroid.core.analysis import Analysis, ImageFacts
from thyroid.core.analyzer import Analyzer
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.explain import Explanation
from thyroid.core.field_of_view import Box
from thyroid.core.options import ExplainOptions
from thyroid.report import content, pdf
from thyroid.report.fonts import FOLDER
from thyroid.report.layout import within
from thyroid.report.page import Frame
from thyroid.settings import Settings
from thyroid.web import responses
from thyroid.web.schemas import MAX_NAME, MAX_REPORT_SIZE

A4 = (595.28, 841.89)
LAMBDA_ANSWER_LIMIT = 6_291_556
SCAN = saved(Image.fromarray(phantom.make_frame(7, suspicious=True)))


class Report(NamedTuple):
    """What a page is made of."""

    analysis: Analysis
    filename: str | None

    @property
    def explanation(self) -> Explanation:
        assert self.analysis.explanation is not None
        return self.analysis.explanation


def report_on(data: bytes = SCAN, score: float = 0.8765, filename: str | None = "scan.jpg", size: int = 128) -> Report:
    analyzer = Analyzer(Settings(), lambda _settings: FakeEngine(score))
    return Report(analyzer.explain(data, ExplainOptions(size=size)), filename)


def page_of(report: Report) -> PageObject:
    (page,) = PdfReader(io.BytesIO(pdf.make(*report))).pages
    return page


def entries(thing: PdfObject) -> DictionaryObject:
    """Return a dictionary of the file, whether it lies here or elsewhere in it."""
    found = thing.get_object()
    assert isinstance(found, DictionaryObject)
    return found


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def text_of(report: Report) -> str:
    return words(page_of(report).extract_text())


@pytest.mark.parametrize("filename", [None, "", "  \t"])
def test_without_a_name_to_be_seen_it_says_so(filename: str | None) -> None:
    assert content.NO_NAME in text_of(report_on(filename=filename))


def test_an_image_that_is_thinner_than_an_outline_is_not_covered_by_it() -> None:
    """The outline is the one dashed line of the page."""
    thin, usual = (
        page_of(report_on(saved(Image.fromarray(phantom.make(7, suspicious=True, height=height, width=64)))))
        for height in (2400, 96)
    )

    assert b"] 0 d" not in thin.get_contents().get_data()  # type: ignore[union-attr]
    assert b"] 0 d" in usual.get_contents().get_data()  # type: ignore[union-attr]


def test_it_is_one_a4_page() -> None:
    page = page_of(report_on())
    assert [float(side) for side in page.mediabox[2:]] == pytest.approx(A4, abs=0.01)


@pytest.mark.parametrize("score", [0.8765, 0.1234])
def test_it_says_all_that_the_report_in_json_says(score: float) -> None:
    page = report_on(score=score)
    report = responses.report(*page)

    text = text_of(page)

    assert report.filename is not None
    for told in (
        report.filename,
        report.timestamp,
        report.prediction.label,
        f"{report.prediction.confidence_percentage:.2f} %",
        f"Score {report.prediction.confidence_score:.4f}",
        report.risk_assessment,
        report.recommendation,
        report.input_check.detail,
        report.gradcam.layer_used,
        "evidence for malignant",
        "720 × 480 pixels",
        report.image_facts.sha256,
        content.field_of_view(page.analysis.field_of_view),
        f"{report.model.name} {report.model.version}",
        report.model.sha256,
        report.code_version,
        DISCLAIMER,
        content.NOTICE,
    ):
        assert words(told) in text, told


def test_what_the_input_check_says_against_an_image_is_told_with_its_reasons() -> None:
    report = report_on(image_file())
    text = text_of(report)
    assert report.analysis.input_check.reasons == ("too_small",)
    assert words(report.analysis.input_check.detail) in text
    assert "means nothing" in text
    assert "too_small" in text


def test_a_map_without_evidence_is_said_to_be_blank() -> None:
    report = report_on()
    shown = replace(report.explanation, has_evidence=False)
    blank = report._replace(analysis=replace(report.analysis, explanation=shown))
    assert "the map is blank" in text_of(blank)
    assert "saw no evidence for malignant" in text_of(blank)


@pytest.mark.parametrize("name", ["Müller.png", "Щитовидная железа.png", "Θυρεοειδής.png", "患者王小明_갑상선.png"])
def test_a_name_is_there_to_be_read_and_copied(name: str) -> None:
    assert name in text_of(report_on(filename=name))


def test_a_name_that_cannot_be_set_is_told_by_numbers_and_the_page_says_so() -> None:
    text = text_of(report_on(filename="ไทย 🦋.png"))
    assert r"\u0e44\u0e17\u0e22 \U0001f98b.png" in text
    assert content.ESCAPED in text


def test_an_image_without_a_name_is_said_to_have_none() -> None:
    assert f"File name {content.NO_NAME}" in text_of(report_on(filename=None))


@pytest.mark.parametrize("character", ["x", "W", "患", "\N{BUTTERFLY}", "\ud800", " ", "\n"])
@pytest.mark.parametrize("shape", [(480, 720), (900, 60), (60, 900), (400, 400)])
def test_whatever_the_name_and_the_shape_it_stays_one_page_that_nothing_runs_off(
    character: str, shape: tuple[int, int]
) -> None:
    report = report_on(noise_file(*shape))
    named = report._replace(filename=character * MAX_NAME)
    lowest: list[float] = []
    page = page_of(named)

    page.extract_text(visitor_text=lambda text, _cm, tm, _font, _size: lowest.append(tm[5]) if text.strip() else None)

    assert min(lowest) > 30


def test_its_fonts_are_embedded_and_only_those_that_are_used() -> None:
    def fonts(name: str) -> set[str]:
        found = {}
        for font in entries(entries(page_of(report_on(filename=name))["/Resources"])["/Font"]).values():
            described = entries(font)
            found[str(described["/BaseFont"]).partition("+")[2]] = "/FontFile2" in entries(described["/FontDescriptor"])
            assert "/ToUnicode" in described
        assert all(found.values())
        return set(found)

    assert fonts("scan.png") == {"DejaVuSans", "DejaVuSans-Bold"}
    assert fonts("患者.png") == {"DejaVuSans", "DejaVuSans-Bold", "DroidSansFallback"}


def test_it_says_what_it_is_in_which_language_and_never_the_name_outside_the_page() -> None:
    report = report_on(filename="Jane-Doe.png")
    data = pdf.make(*report)
    reader = PdfReader(io.BytesIO(data))

    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.subject) == (content.TITLE, content.NOTICE)
    assert reader.metadata.creator == f"thyroid-ultrasound {report.analysis.code_version}"
    assert reader.metadata.creation_date_raw == f"D:{report.analysis.time:%Y%m%d%H%M%S}+00'00'"
    assert str(reader.root_object["/Lang"]) == "en"
    assert str(entries(reader.root_object["/ViewerPreferences"])["/DisplayDocTitle"]) in ("True", "true", "/true")
    assert "Jane" not in str(reader.metadata)
    assert b"Jane" not in data


def test_the_same_report_is_the_same_file_and_another_time_another() -> None:
    report = report_on(filename="患者.png")
    later = report._replace(analysis=replace(report.analysis, time=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)))

    assert pdf.make(*report) == pdf.make(*report)
    assert pdf.make(*later) != pdf.make(*report)
    assert text_of(later).replace("2030-01-02 03:04:05", f"{report.analysis.time:%Y-%m-%d %H:%M:%S}") == text_of(report)


def test_many_at_once_are_what_each_is_alone() -> None:
    reports = [report_on(filename=f"{number} {'患갑Щ'[number % 3]}.png") for number in range(6)]
    alone = [pdf.make(*report) for report in reports]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda report: pdf.make(*report), reports)) == alone


def test_its_images_are_those_of_the_answer_to_the_pixel_and_hold_no_tags() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Jane-Doe"
    data = saved(Image.fromarray(phantom.make_frame(7, suspicious=True)), "JPEG", exif=exif, comment=b"Jane-Doe")
    report = report_on(data, filename=None)
    wanted = [report.explanation.images.original, report.explanation.images.overlay]

    found = [image.image.convert("RGB") for image in page_of(report).images if image.image is not None]

    assert b"Jane" not in pdf.make(*report)
    assert len(found) == 2
    for png in wanted:
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        assert any(np.array_equal(pixels, np.asarray(image)) for image in found)


def test_the_part_that_the_network_saw_is_outlined_where_it_lies() -> None:
    image = ImageFacts(width=100, height=50, sha256="a" * 64)
    seen = Box(left=10, top=5, right=60, bottom=45)
    assert within(Frame(30, 70, 200, 100), seen, image) == Frame(50, 80, 100, 80)


def test_an_image_that_was_turned_is_told_upright() -> None:
    image = report_on(rotated_file(6)).analysis.image
    assert (image.width, image.height) == (64, 96)


def test_the_largest_fits_into_an_answer_whatever_the_image_is() -> None:
    side = MAX_REPORT_SIZE
    report = report_on(noise_file(side, side), size=side)

    assert len(base64.b64encode(pdf.make(*report))) < LAMBDA_ANSWER_LIMIT - 20_000
    assert len(responses.report(*report).model_dump_json()) < LAMBDA_ANSWER_LIMIT - 20_000


def test_without_its_images_there_is_no_page() -> None:
    report = report_on()
    with pytest.raises(ValueError, match="with an explanation"):
        pdf.make(replace(report.analysis, explanation=None))


def test_the_fonts_are_their_makers_files_and_have_their_licences_beside_them() -> None:
    published = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        assert (FOLDER / name).read_bytes() == (published / name).read_bytes()
    droid = hashlib.sha256((FOLDER / "DroidSansFallback.ttf").read_bytes()).hexdigest()
    assert droid == "56d3edfb377a8bc3c4b77f4476405c770173c0e31221ad7c77d0a8e1f3039a3e"
    assert "Bitstream Vera" in (FOLDER / "LICENSE-DejaVu").read_text("utf-8")
    assert "Apache License" in (FOLDER / "LICENSE-Droid").read_text("utf-8")
