"""The result of a picture as files beside each other."""

import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.fakes import FakeEngine
from tests.pictures import picture_file
from thyroid.errors import UnreadableImageError
from thyroid.results import ERROR, HEATMAP, NAMES, OVERLAY, RESULT, Refusal, Source, Timings, analysed, refused
from thyroid.schemas import AnalyzeResponse
from thyroid.service import Service
from thyroid.settings import Settings

SOURCE = Source(bucket="b", key="a/b.png", version_id="v1", etag="e1", bytes=3, sha256="0" * 64)
TIMINGS = Timings(read_ms=1.5, analyse_ms=2.5)


def answer(*, include_gradcam: bool = True) -> AnalyzeResponse:
    service = Service(Settings(), lambda _folder, _threads: FakeEngine(0.8))
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


def test_the_decision_comes_last() -> None:
    assert list(analysed(answer(), SOURCE, TIMINGS, "3").files) == [HEATMAP, OVERLAY, RESULT]
    assert NAMES.index(HEATMAP) < NAMES.index(OVERLAY) < NAMES.index(RESULT) < NAMES.index(ERROR)


def test_its_pictures_are_those_of_the_answer_and_name_the_state_of_the_input() -> None:
    asked = answer()
    judgement = analysed(asked, SOURCE, TIMINGS, "3")
    plain = analysed(asked, Source(key="b.png"), TIMINGS, "3")
    for name in (HEATMAP, OVERLAY):
        said = chunks(judgement.files[name])
        assert said[0][0] == b"IHDR"
        assert said[1] == (b"tEXt", b"Comment\0version v1, ETag e1")
        assert b"tEXt" not in dict(chunks(plain.files[name]))
        pixels = [np.asarray(Image.open(io.BytesIO(files[name]))) for files in (judgement.files, plain.files)]
        np.testing.assert_array_equal(pixels[0], pixels[1])


def test_an_outcome_is_the_decision_without_a_name() -> None:
    outcome = analysed(answer(), SOURCE, TIMINGS, "3").outcome
    assert outcome.model_dump(exclude_none=True) == {
        "status": "analysed",
        "score": 0.8,
        "label": "Malignant (Cancerous)",
        "risk": "High Risk",
        "model_sha256": "a" * 64,
    }


def test_a_refusal_has_code_and_sentence_of_the_error() -> None:
    judgement = refused(UnreadableImageError("It is damaged."), SOURCE)
    assert list(judgement.files) == [ERROR]
    refusal = Refusal.model_validate_json(judgement.files[ERROR])
    assert (refusal.success, refusal.code, refusal.detail) == (False, "unreadable_image", "It is damaged.")
    assert refusal.input == SOURCE
    assert judgement.outcome.model_dump(exclude_none=True) == {"status": "refused", "code": "unreadable_image"}


def test_an_answer_without_an_explanation_makes_no_result() -> None:
    with pytest.raises(ValueError, match="explanation"):
        analysed(answer(include_gradcam=False), SOURCE, TIMINGS, "3")
