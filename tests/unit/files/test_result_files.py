"""The result of a picture as files beside each other."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.fakes import FakeEngine
from tests.pictures import picture_file
from thyroid.core.analyzer import Analyzer
from thyroid.errors import UnreadableImageError
from thyroid.files.result_files import (
    ERROR,
    HEATMAP,
    MEDIA_TYPES,
    NAMES,
    OVERLAY,
    RESULT,
    Refusal,
    Result,
    Source,
    Timings,
    analysed,
    refused,
)
from thyroid.settings import Settings
from thyroid.web.schemas import AnalyzeResponse, PredictionResponse

SOURCE = Source(bucket="b", key="a/b.png", version_id="v1", etag="e1", bytes=3, sha256="0" * 64)
TIMINGS = Timings(read_ms=1.5, analyse_ms=2.5)


def answer(*, include_gradcam: bool = True) -> AnalyzeResponse:
    service = Analyzer(Settings(), lambda _settings: FakeEngine(0.8))
    return service.analyze(picture_file(), filename="b.png", include_gradcam=include_gradcam)


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


def test_a_result_is_the_answer_of_analyze_but_for_its_pictures_and_says_what_it_is_of() -> None:
    asked = answer()
    judgement = analysed(asked, SOURCE, TIMINGS, "3.0.0+abc")
    result, api = json.loads(judgement.files[RESULT]), json.loads(asked.model_dump_json(by_alias=True))
    assert {name: result[name] for name in api if name != "gradcam"} == {n: api[n] for n in api if n != "gradcam"}
    assert result["prediction"]["class"] == 1
    assert result["gradcam"] == {**api["gradcam"], "images": {"heatmap": HEATMAP, "overlay": OVERLAY}}
    assert (result["schema_version"], result["code_version"]) == (1, "3.0.0+abc")
    assert result["input"] == SOURCE.model_dump()
    assert result["timings"] == {"read_ms": 1.5, "analyse_ms": 2.5}


def test_a_result_has_every_field_that_its_schema_promises_and_no_other() -> None:
    written = json.loads(analysed(answer(), SOURCE, TIMINGS, "3").files[RESULT])

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
    assert list(analysed(answer(), SOURCE, TIMINGS, "3").files) == ["heatmap.png", "overlay.png", "result.json"]
    assert NAMES == ("heatmap.png", "overlay.png", "result.json", "error.json")


@pytest.mark.parametrize("source", [SOURCE, Source(key="b.png")], ids=["bucket", "folder"])
def test_its_pictures_are_those_of_the_answer_to_the_pixel(source: Source) -> None:
    asked = answer()
    assert asked.gradcam is not None
    assert asked.gradcam.images.heatmap != asked.gradcam.images.overlay

    files = analysed(asked, source, TIMINGS, "3").files

    for name, encoded in ((HEATMAP, asked.gradcam.images.heatmap), (OVERLAY, asked.gradcam.images.overlay)):
        sent, written = (Image.open(io.BytesIO(data)) for data in (base64.b64decode(encoded), files[name]))
        assert (sent.mode, sent.size) == (written.mode, written.size)
        np.testing.assert_array_equal(np.asarray(sent), np.asarray(written))


def test_a_picture_says_which_version_of_the_input_it_is_of() -> None:
    """Two versions' pictures may be the same to the pixel, and have to differ for S3 to tell them apart."""
    for name in (HEATMAP, OVERLAY):
        written = analysed(answer(), SOURCE, TIMINGS, "3").files[name]
        told = chunks(written)
        assert [kind for kind, _ in told[:2]] == [b"IHDR", b"tEXt"]
        assert [data for kind, data in told if kind == b"tEXt"] == [b"Comment\0version v1, ETag e1"]
        assert told[-1][0] == b"IEND"
        opened = Image.open(io.BytesIO(written))
        assert isinstance(opened, PngImagePlugin.PngImageFile)
        assert opened.text == {"Comment": "version v1, ETag e1"}


@pytest.mark.parametrize("change", [{"version_id": "v2"}, {"etag": "e2"}, {"version_id": None}])
def test_another_state_of_the_input_makes_other_files(change: dict[str, str | None]) -> None:
    asked = answer()
    one, other = (analysed(asked, s, TIMINGS, "3").files for s in (SOURCE, SOURCE.model_copy(update=change)))

    assert all(one[name] != other[name] for name in one)


def test_an_etag_in_letters_that_a_comment_cannot_have_still_makes_a_sound_picture() -> None:
    source = SOURCE.model_copy(update={"etag": "甲"})

    written = analysed(answer(), source, TIMINGS, "3").files[HEATMAP]

    assert (b"tEXt", b"Comment\0version v1, ETag ?") in chunks(written)


def test_without_an_etag_a_picture_has_no_comment() -> None:
    asked = answer()
    assert asked.gradcam is not None

    files = analysed(asked, Source(key="b.png"), TIMINGS, "3").files

    assert files[HEATMAP] == base64.b64decode(asked.gradcam.images.heatmap)
    assert files[OVERLAY] == base64.b64decode(asked.gradcam.images.overlay)


def test_what_is_written_can_be_read_by_people_too() -> None:
    for judgement in (analysed(answer(), SOURCE, TIMINGS, "3"), refused(UnreadableImageError("No."), SOURCE)):
        text = list(judgement.files.values())[-1].decode()
        assert text.startswith('{\n  "')
        assert text.endswith("\n}\n")


def test_a_file_that_was_there_at_once_took_no_time() -> None:
    none = Timings(read_ms=0.0, analyse_ms=0.0)

    assert json.loads(analysed(answer(), SOURCE, none, "3").files[RESULT])["timings"] == none.model_dump()


def test_an_outcome_is_the_decision_without_a_name() -> None:
    outcome = analysed(answer(), SOURCE, TIMINGS, "3").outcome
    assert outcome.model_dump(exclude_none=True) == {
        "status": "analysed",
        "score": 0.8,
        "label": "Malignant (Cancerous)",
        "risk": "High Risk",
        "model_sha256": "a" * 64,
        "input_reasons": "too_small",
    }


def test_a_refusal_has_code_and_sentence_of_the_error() -> None:
    judgement = refused(UnreadableImageError("It is damaged."), SOURCE)
    assert list(judgement.files) == [ERROR]
    refusal = Refusal.model_validate_json(judgement.files[ERROR])
    assert (refusal.success, refusal.code, refusal.detail) == (False, "unreadable_image", "It is damaged.")
    assert refusal.input == SOURCE
    assert list(json.loads(judgement.files[ERROR])) == list(Refusal.model_fields)
    assert judgement.outcome.model_dump(exclude_none=True) == {"status": "refused", "code": "unreadable_image"}


def test_an_answer_without_an_explanation_makes_no_result() -> None:
    with pytest.raises(ValueError, match="explanation"):
        analysed(answer(include_gradcam=False), SOURCE, TIMINGS, "3")


def test_the_outcome_says_why_a_picture_does_not_look_like_ultrasound() -> None:
    assert analysed(answer(), SOURCE, TIMINGS, "3").outcome.input_reasons == "too_small"
