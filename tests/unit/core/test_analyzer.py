import base64
import hashlib
import io
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import thyroid
from tests.fakes import DEFAULT_LAYER, FakeEngine, golden_artifact, make_manifest
from tests.pictures import noise_file, picture_file, png_that_claims, saved
from thyroid import phantom
from thyroid.core.analyzer import Service, load_engine
from thyroid.core.audit import AuditRecord
from thyroid.core.field_of_view import Box
from thyroid.errors import (
    ModelUnavailableError,
    PayloadTooLargeError,
    UnknownLayerError,
    UnsuitablePictureError,
    UnsupportedMediaTypeError,
)
from thyroid.settings import Settings
from thyroid.web.schemas import DISCLAIMER

# What is said of the ramp that most tests here send.
SMALL = {
    "looks_like_ultrasound": False,
    "reasons": ["too_small"],
    "detail": "The picture does not look like what the model was trained on: "
    "its field of view is under 96 pixels a side.",
}


def service_with(engine: FakeEngine, folder: Path = Path("none")) -> Service:
    return Service(Settings(model_dir=folder), lambda _settings: engine)


def test_a_prediction_says_what_the_score_means_and_which_model_gave_it() -> None:
    answer = service_with(FakeEngine(0.8765)).predict(picture_file(), filename="scan.png")

    assert answer.model_dump(by_alias=True, exclude={"timestamp"}) == {
        "success": True,
        "filename": "scan.png",
        "prediction": {
            "class": 1,
            "label": "Malignant (Cancerous)",
            "confidence_score": 0.8765,
            "confidence_percentage": 87.65,
        },
        "risk_assessment": "High Risk",
        "recommendation": "Immediate specialist consultation and biopsy recommended",
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "input_check": SMALL,
        "disclaimer": DISCLAIMER,
    }


def test_the_timestamp_is_utc_in_the_references_form() -> None:
    answer = service_with(FakeEngine()).predict(picture_file())

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", answer.timestamp)


def test_an_explanation_has_the_default_layer_and_three_pictures() -> None:
    answer = service_with(FakeEngine()).gradcam(picture_file())

    assert answer.layer_used == DEFAULT_LAYER
    assert (answer.target, answer.has_evidence) == ("malignant", True)
    for encoded in (answer.images.original, answer.images.heatmap, answer.images.overlay):
        assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (224, 224)


def test_an_explanation_says_what_it_is_of_what_the_score_was_and_which_model_gave_it() -> None:
    answer = service_with(FakeEngine(0.8765)).gradcam(picture_file(), filename="scan.png", target="benign")

    assert answer.model_dump(by_alias=True, exclude={"timestamp", "images"}) == {
        "success": True,
        "filename": "scan.png",
        "layer_used": DEFAULT_LAYER,
        "prediction": {"class": 1, "label": "Malignant (Cancerous)", "confidence_score": 0.8765},
        "target": "benign",
        "has_evidence": True,
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "input_check": SMALL,
        "disclaimer": DISCLAIMER,
    }


@pytest.mark.parametrize(("target", "lit"), [("malignant", slice(0, 32)), ("benign", slice(64, 96))])
def test_the_target_chooses_whose_evidence_is_shown(target: str, lit: slice) -> None:
    # GIVEN evidence for malignancy on the left, against it on the right
    service = service_with(FakeEngine())

    # WHEN
    answer = service.gradcam(picture_file(), target=target, size=96)  # type: ignore[arg-type]

    # THEN
    heatmap = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.images.heatmap))))
    assert heatmap[:, lit].min() == 255
    assert (heatmap == 0).any()


def test_any_layer_can_be_asked_for_and_the_score_stays_the_same() -> None:
    service = service_with(FakeEngine(0.3))

    answer = service.gradcam(picture_file(), layer_name="conv2d")

    assert answer.layer_used == "conv2d"
    assert answer.prediction.confidence_score == service.predict(picture_file()).prediction.confidence_score


def test_a_layer_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownLayerError, match="conv2d, depthwise_separable_conv"):
        service_with(FakeEngine()).gradcam(picture_file(), layer_name="nope")


def test_an_unknown_layer_is_refused_before_the_picture_is_decoded() -> None:
    with pytest.raises(UnknownLayerError):
        service_with(FakeEngine()).gradcam(b"no picture", layer_name="nope")


def test_an_analysis_is_the_prediction_and_the_explanation() -> None:
    service = service_with(FakeEngine(0.6))

    analysis = service.analyze(picture_file(), filename="a.png", target="benign", size=100)

    prediction = service.predict(picture_file(), filename="a.png")
    explanation = service.gradcam(picture_file(), filename="a.png", target="benign", size=100)
    assert analysis.model_dump(exclude={"timestamp", "gradcam"}) == prediction.model_dump(exclude={"timestamp"})
    assert analysis.gradcam is not None
    part = {"layer_used", "images", "target", "has_evidence"}
    assert analysis.gradcam.model_dump() == explanation.model_dump(include=part)


def test_an_analysis_without_grad_cam_is_the_prediction_alone() -> None:
    service = service_with(FakeEngine(0.6))

    analysis = service.analyze(picture_file(), filename="a.png", include_gradcam=False)

    prediction = service.predict(picture_file(), filename="a.png")
    assert analysis.gradcam is None
    assert analysis.model_dump(exclude={"timestamp", "gradcam"}) == prediction.model_dump(exclude={"timestamp"})


def test_an_analysis_explains_the_layer_that_was_asked_for() -> None:
    analysis = service_with(FakeEngine()).analyze(picture_file(), layer_name="conv2d")

    assert analysis.gradcam is not None
    assert analysis.gradcam.layer_used == "conv2d"


def test_pictures_too_large_to_be_sent_back_are_refused_with_what_to_do() -> None:
    # GIVEN noise, which does not compress, at the largest size
    data = noise_file(1024, 1024)

    with pytest.raises(PayloadTooLargeError, match="smaller `size`"):
        service_with(FakeEngine()).gradcam(data, size=1024)


def test_pictures_of_just_the_limit_are_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the base64 of three pictures, whose length all counts
    service = service_with(FakeEngine())
    images = service.gradcam(picture_file()).images
    total = len(images.original) + len(images.heatmap) + len(images.overlay)

    monkeypatch.setattr("thyroid.core.analyzer.LARGEST_IMAGES", total)
    assert service.gradcam(picture_file()).images == images

    monkeypatch.setattr("thyroid.core.analyzer.LARGEST_IMAGES", total - 1)
    with pytest.raises(PayloadTooLargeError, match=rf"would take {total} bytes of at most {total - 1};"):
        service.gradcam(picture_file())


@pytest.mark.parametrize("way", ["predict", "gradcam"])
def test_the_limit_on_pixels_is_the_setting(way: str) -> None:
    service = Service(Settings(max_pixels=5000), lambda _settings: FakeEngine())

    with pytest.raises(PayloadTooLargeError, match="5000"):
        WAYS[way](service, png_that_claims(100, 100))


def test_the_model_info_says_what_the_manifest_does() -> None:
    info = service_with(FakeEngine()).model_info()

    assert info.model_dump() == {
        "model_name": "Thyroid Cancer Detection Model",
        "input_shape": (None, 64, 64, 3),
        "output_shape": (None, 1),
        "total_parameters": 278039,
        "classes": {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"},
        "conv_layers": ["conv2d", "depthwise_separable_conv"],
        "default_layer": DEFAULT_LAYER,
        "risk_bands": [band.model_dump() for band in make_manifest().risk_bands],
        "model": {"name": "fake", "version": "1.2.3", "sha256": "a" * 64},
        "description": "A model for tests.",
        "evaluation": {"auc": 0.7},
        "disclaimer": DISCLAIMER,
    }


def test_the_model_that_the_settings_name_is_opened_once() -> None:
    opened: list[Settings] = []

    def open_engine(settings: Settings) -> FakeEngine:
        opened.append(settings)
        return FakeEngine()

    settings = Settings(model_dir=Path("some/model"), threads=3)
    service = Service(settings, open_engine)
    assert opened == []
    callers = [threading.Thread(target=service.engine) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert opened == [settings]


def test_a_model_that_failed_to_open_is_tried_again() -> None:
    attempts = iter([ModelUnavailableError("not there yet"), None])

    def open_engine(_settings: Settings) -> FakeEngine:
        if failure := next(attempts):
            raise failure
        return FakeEngine()

    service = Service(Settings(), open_engine)
    with pytest.raises(ModelUnavailableError):
        service.predict(picture_file())

    assert service.predict(picture_file()).success


def test_the_runtime_gets_what_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN a runtime that says what it was opened with
    opened: list[tuple[object, ...]] = []

    def opening(*arguments: object) -> FakeEngine:
        opened.append(arguments)
        return FakeEngine(0.4, make_manifest(golden_artifact(tmp_path, score=0.4)))

    monkeypatch.setattr("thyroid.core.engine.Engine", opening)
    # WHEN
    load_engine(Settings(model_dir=tmp_path, threads=3, parallel=5))
    # THEN
    assert opened == [(tmp_path, 3, 5)]


def test_a_runtime_that_breaks_is_told_by_its_kind_and_not_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> FakeEngine:
        raise RuntimeError("/home/someone/model")

    monkeypatch.setattr("thyroid.core.engine.Engine", refuse)

    with pytest.raises(ModelUnavailableError) as refused:
        load_engine(Settings())

    assert refused.value.detail == "The model does not run here (RuntimeError); run `make model` again."


# --- health ----------------------------------------------------------------------------------------------------------


def test_healthy_is_whose_model_was_loaded_and_proved() -> None:
    health = service_with(FakeEngine()).health()

    assert (health.status, health.model_loaded, health.version) == ("healthy", True, thyroid.__version__)


def test_health_opens_what_predictions_do_not_wait_for() -> None:
    class Watched(FakeEngine):
        checked = 0

        def check(self) -> None:
            self.checked += 1

    engine = Watched()
    service = service_with(engine)
    service.warm_up()
    service.predict(picture_file())
    assert engine.checked == 0

    service.health()

    assert engine.checked == 1


def test_warming_up_loads_the_model_and_leaves_one_that_does_not_work_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened: list[Settings] = []

    def opening(settings: Settings) -> FakeEngine:
        opened.append(settings)
        if len(opened) == 1:
            raise ModelUnavailableError("It is not there yet.")
        return FakeEngine()

    service = Service(Settings(), opening)
    service.warm_up()
    assert "It is not there yet." in caplog.text
    service.warm_up()
    service.predict(picture_file())

    assert len(opened) == 2


def test_a_model_that_is_not_there_is_unhealthy(tmp_path: Path) -> None:
    assert Service(Settings(model_dir=tmp_path)).health().status == "unhealthy"


def test_the_model_is_loaded_and_proved_once_in_a_process() -> None:
    opened: list[FakeEngine] = []

    def opening(_settings: Settings) -> FakeEngine:
        opened.append(FakeEngine())
        return opened[-1]

    service = Service(Settings(), opening)

    assert all(service.health().model_loaded for _ in range(3))
    assert service.predict(picture_file()).success
    assert len(opened) == 1


def test_who_was_unhealthy_recovers_once_the_model_was_repaired() -> None:
    broken = True

    def opening(_settings: Settings) -> FakeEngine:
        if broken:
            raise ModelUnavailableError("The golden picture got another score.")
        return FakeEngine()

    service = Service(Settings(), opening)

    assert not service.health().model_loaded
    with pytest.raises(ModelUnavailableError):
        service.predict(picture_file())
    broken = False
    assert service.health().model_loaded
    assert service.predict(picture_file()).success


# --- audit -----------------------------------------------------------------------------------------------------------

WAYS: dict[str, Callable[[Service, bytes], object]] = {
    "predict": lambda service, data: service.predict(data),
    "gradcam": lambda service, data: service.gradcam(data),
    "analyze": lambda service, data: service.analyze(data),
    "report": lambda service, data: service.report(data),
    "analyze, alone": lambda service, data: service.analyze(data, include_gradcam=False),
}


class SlowEngine(FakeEngine):
    """Takes ten milliseconds for a score."""

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        time.sleep(0.01)
        return super().score(tensor)


@pytest.mark.parametrize("way", WAYS)
def test_each_prediction_that_is_answered_is_recorded_once(way: str) -> None:
    records: list[AuditRecord] = []
    service = Service(Settings(revision="abc1234"), lambda _settings: SlowEngine(0.8765), records.append)
    data = picture_file()

    WAYS[way](service, data)

    (record,) = records
    assert record.input_sha256 == hashlib.sha256(data).hexdigest()
    assert (record.score, record.label, record.risk) == (0.8765, "Malignant (Cancerous)", "High Risk")
    assert record.model.model_dump() == {"name": "fake", "version": "1.2.3", "sha256": "a" * 64}
    assert record.code_version == f"{thyroid.__version__}+abc1234"
    assert record.duration_ms >= 10


@pytest.mark.parametrize("way", ["predict", "gradcam"])
def test_the_duration_is_from_the_bytes_to_the_score_in_milliseconds(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a clock that is looked at twice
    clock = iter([100.0, 100.0123456])
    monkeypatch.setattr("thyroid.core.analyzer.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    records: list[AuditRecord] = []

    WAYS[way](Service(Settings(), lambda _settings: FakeEngine(), records.append), picture_file())

    assert records[0].duration_ms == 12.346


@pytest.mark.parametrize("way", WAYS)
def test_what_is_refused_is_not_recorded(way: str) -> None:
    records: list[AuditRecord] = []
    service = Service(Settings(), lambda _settings: FakeEngine(), records.append)

    with pytest.raises(UnsupportedMediaTypeError):
        WAYS[way](service, b"no picture")

    assert records == []


def test_a_prediction_whose_pictures_cannot_be_sent_is_not_recorded() -> None:
    records: list[AuditRecord] = []
    service = Service(Settings(), lambda _settings: FakeEngine(), records.append)

    with pytest.raises(PayloadTooLargeError):
        service.gradcam(noise_file(1024, 1024), size=1024)

    assert records == []


def test_without_a_known_commit_the_code_version_is_the_packages() -> None:
    records: list[AuditRecord] = []

    Service(Settings(), lambda _settings: FakeEngine(), records.append).predict(picture_file())

    assert records[0].code_version == thyroid.__version__


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_is_the_analysis_with_what_identifies_picture_and_service() -> None:
    service = service_with(FakeEngine(0.6))
    data = picture_file()

    report = service.report(data, filename="a.png", layer_name="conv2d", target="benign", size=100)

    analysis = service.analyze(data, filename="a.png", layer_name="conv2d", target="benign", size=100)
    common = set(type(analysis).model_fields) - {"timestamp"}
    assert report.model_dump(include=common) == analysis.model_dump(include=common)
    assert report.schema_version == 1
    assert report.picture.model_dump() == {"width": 96, "height": 64, "sha256": hashlib.sha256(data).hexdigest()}
    assert report.field_of_view.model_dump() == {"left": 0, "top": 0, "right": 96, "bottom": 64}
    assert report.code_version == thyroid.__version__


def test_the_field_of_view_is_looked_for_once_and_is_what_the_network_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a model that looks at the field of view alone
    manifest = make_manifest()
    steps = manifest.preprocessing.model_copy(update={"field_of_view": True})
    engine = FakeEngine(manifest=manifest.model_copy(update={"preprocessing": steps}))
    looked: list[tuple[int, ...]] = []

    def find(pixels: npt.NDArray[np.uint8]) -> Box:
        looked.append(pixels.shape)
        return Box(8, 4, 88, 60)

    monkeypatch.setattr("thyroid.core.field_of_view.find", find)
    # WHEN
    report = service_with(engine).report(picture_file())
    # THEN
    assert report.field_of_view.model_dump() == {"left": 8, "top": 4, "right": 88, "bottom": 60}
    assert looked == [(64, 96)]


def test_a_report_keeps_the_shape_of_the_picture() -> None:
    images = service_with(FakeEngine()).report(picture_file()).gradcam.images

    assert images is not None
    assert Image.open(io.BytesIO(base64.b64decode(images.overlay))).size == (512, 341)


def test_without_its_pictures_a_report_still_says_what_they_are_of() -> None:
    gradcam = service_with(FakeEngine()).report(picture_file(), include_gradcam=False).gradcam

    assert gradcam.images is None
    assert (gradcam.layer_used, gradcam.target, gradcam.has_evidence) == (DEFAULT_LAYER, "malignant", True)


# --- the input check -------------------------------------------------------------------------------------------------


def ultrasound() -> bytes:
    return saved(Image.fromarray(phantom.make_frame(5, suspicious=True)))


def test_every_answer_with_a_score_says_whether_the_picture_looks_like_ultrasound() -> None:
    service = service_with(FakeEngine())

    for ask in (service.predict, service.gradcam, service.analyze):
        assert ask(ultrasound()).input_check.looks_like_ultrasound
        seen = ask(noise_file(200, 300)).input_check
        assert not seen.looks_like_ultrasound
        assert "not_ultrasound" in seen.reasons


def test_refused_are_those_that_do_not_look_like_ultrasound_and_no_others() -> None:
    engine, records = FakeEngine(), list[AuditRecord]()
    service = Service(Settings(refuse_unsuitable=True), lambda _settings: engine, records.append)

    for ask in (service.predict, service.gradcam, service.analyze):
        with pytest.raises(UnsuitablePictureError, match="texture"):
            ask(noise_file(200, 300))
    assert (engine.calls, records) == (0, [])

    assert service.predict(ultrasound()).input_check.looks_like_ultrasound


def test_the_audit_record_says_the_reasons() -> None:
    records: list[AuditRecord] = []
    service = Service(Settings(), lambda _settings: FakeEngine(), records.append)

    service.predict(ultrasound())
    service.predict(picture_file())

    assert [record.input_reasons for record in records] == [(), ("too_small",)]
