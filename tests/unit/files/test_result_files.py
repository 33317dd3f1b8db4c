"""The result of an image as files beside each other."""

import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.fakes import FakeEngine
from tests.images import image_file
from thyroid.core.analysis import Analysis
from thyroid.core.analyzer import Analyzer
from thyroid.errors import UnreadableImageError
from thyroid.files.result_files import (
    ERROR,
    HEATMAP,
    MEDIA_TYPES,
    NAMES,
    OVERLAY,
    RESULT,
    ErrorFile,
    Result,
    Source,
    Timings,
    analysed,
    without_result,
)
from thyroid.settings import Settings
from thyroid.web import responses
from thyroid.web.schemas import PredictionResponse

SOURCE = Source(bucket="b", key="a/b.png", version_id="v1", etag="e1", bytes=3, sha256="0" * 64)
TIMINGS = Timings(read_ms=1.5, analyse_ms=2.5)


def analyzer() -> Analyzer:
    return Analyzer(Settings(revision="abc"), lambda _settings: FakeEngine(0.8))


def analysis() -> Analysis:
    return analyzer().explain(image_file())


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Read a PNG file's chunks, and check the checksum of each."""
    found, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert int.from_bytes(png[at + 8 + length : at + 12 + length], "big") == zlib.crc32(kind + data)
        found.append((kind, data))
        at += 12 + length
    return found


def test_a_result_is_the_answer_of_analyze_but_for_its_images_and_says_what_it_is_of() -> None:
    asked = analysis()
    processed = analysed(asked, SOURCE, TIMINGS)
    response = responses.analyze(asked, "b.png")
    result, api = json.loads(processed.files[RESULT]), json.loads(response.model_dump_json(by_alias=True))
    assert {name: result[name] for name in api if name != "gradcam"} == {n: api[n] for n in api if n != "gradcam"}
    assert result["prediction"]["class"] == 1
    assert result["gradcam"] == {**api["gradcam"], "images": {"heatmap": HEATMAP, "overlay": OVERLAY}}
    assert (result["schema_version"], result["code_version"]) == (1, asked.code_version)
    assert result["input"] == SOURCE.model_dump()
    assert result["timings"] == {"read_ms": 1.5, "analyse_ms": 2.5}


def test_a_result_has_every_field_that_its_schema_promises_and_no_other() -> None:
    written = json.loads(analysed(analysis(), SOURCE, TIMINGS).files[RESULT])

    assert set(written) == set(Result.model_fields)
    assert set(PredictionResponse.model_fields) < set(Result.model_fields)
    assert "class_id" not in written["prediction"]  # in JSON it is `class`


def test_files_have_the_names_and_types_that_others_look_for() -> None:
    assert MEDIA_TYPES == {
        "heatmap.png": "image/png",
        "overlay.png": "image/png",
        "result.json": "application/json",
        "error.json": "application/json",
    }


def test_the_decision_comes_last() -> None:
    assert list(analysed(analysis(), SOURCE, TIMINGS).files) == ["heatmap.png", "overlay.png", "result.json"]
    assert NAMES == ("heatmap.png", "overlay.png", "result.json", "error.json")


@pytest.mark.parametrize("source", [SOURCE, Source(key="b.png")], ids=["bucket", "folder"])
def test_its_images_are_those_of_the_answer_to_the_pixel(source: Source) -> None:
    asked = analysis()
    assert asked.explanation is not None
    images = asked.explanation.images
    assert images.heatmap != images.overlay

    files = analysed(asked, source, TIMINGS).files

    for name, drawn in ((HEATMAP, images.heatmap), (OVERLAY, images.overlay)):
        sent, written = (Image.open(io.BytesIO(data)) for data in (drawn, files[name]))
        assert (sent.mode, sent.size) == (written.mode, written.size)
        np.testing.assert_array_equal(np.asarray(sent), np.asarray(written))


def test_an_image_says_which_version_of_the_input_it_is_of() -> None:
    """Two versions' images may be the same to the pixel, and have to differ for S3 to tell them apart."""
    for name in (HEATMAP, OVERLAY):
        written = analysed(analysis(), SOURCE, TIMINGS).files[name]
        found = chunks(written)
        assert [kind for kind, _ in found[:2]] == [b"IHDR", b"tEXt"]
        assert [data for kind, data in found if kind == b"tEXt"] == [b"Comment\0version v1, ETag e1"]
        assert found[-1][0] == b"IEND"
        opened = Image.open(io.BytesIO(written))
        assert isinstance(opened, PngImagePlugin.PngImageFile)
        assert opened.text == {"Comment": "version v1, ETag e1"}


@pytest.mark.parametrize("change", [{"version_id": "v2"}, {"etag": "e2"}, {"version_id": None}])
def test_another_state_of_the_input_makes_other_files(change: dict[str, str | None]) -> None:
    asked = analysis()
    one, other = (analysed(asked, s, TIMINGS).files for s in (SOURCE, SOURCE.model_copy(update=change)))

    assert all(one[name] != other[name] for name in one)


def test_an_etag_in_letters_that_a_comment_cannot_have_still_makes_a_sound_image() -> None:
    source = SOURCE.model_copy(update={"etag": "甲"})

    written = analysed(analysis(), source, TIMINGS).files[HEATMAP]

    assert (b"tEXt", b"Comment\0version v1, ETag ?") in chunks(written)


def test_without_an_etag_an_image_has_no_comment() -> None:
    asked = analysis()
    assert asked.explanation is not None

    files = analysed(asked, Source(key="b.png"), TIMINGS).files

    assert (files[HEATMAP], files[OVERLAY]) == (asked.explanation.images.heatmap, asked.explanation.images.overlay)


def test_what_is_written_can_be_read_by_people_too() -> None:
    for processed in (analysed(analysis(), SOURCE, TIMINGS), without_result(UnreadableImageError("No."), SOURCE)):
        text = list(processed.files.values())[-1].decode()
        assert text.startswith('{\n  "')
        assert text.endswith("\n}\n")


def test_a_file_that_was_there_at_once_took_no_time() -> None:
    none = Timings(read_ms=0.0, analyse_ms=0.0)

    assert json.loads(analysed(analysis(), SOURCE, none).files[RESULT])["timings"] == none.model_dump()


def test_an_outcome_is_the_decision_without_a_name() -> None:
    outcome = analysed(analysis(), SOURCE, TIMINGS).outcome
    assert outcome.model_dump(exclude_none=True) == {
        "status": "analysed",
        "score": 0.8,
        "label": "Malignant (Cancerous)",
        "risk": "High Risk",
        "model_sha256": "a" * 64,
        "input_reasons": "too_small",
    }


def test_a_refusal_has_code_and_sentence_of_the_error() -> None:
    processed = without_result(UnreadableImageError("It is damaged."), SOURCE)
    assert list(processed.files) == [ERROR]
    error = ErrorFile.model_validate_json(processed.files[ERROR])
    assert (error.success, error.code, error.detail) == (False, "unreadable_image", "It is damaged.")
    assert error.input == SOURCE
    assert list(json.loads(processed.files[ERROR])) == list(ErrorFile.model_fields)
    assert processed.outcome.model_dump(exclude_none=True) == {"status": "refused", "code": "unreadable_image"}


def test_an_answer_without_an_explanation_makes_no_result() -> None:
    with pytest.raises(ValueError, match="explanation"):
        analysed(analyzer().score(image_file()), SOURCE, TIMINGS)


def test_the_outcome_says_why_an_image_does_not_look_like_ultrasound() -> None:
    assert analysed(analysis(), SOURCE, TIMINGS).outcome.input_reasons == "too_small"
