import base64
import io
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import thyroid
from tests.fakes import DEFAULT_LAYER, FakeEngine, golden_artifact, make_manifest
from tests.pictures import noise_file, picture_file, png_that_claims
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, UnknownLayerError
from thyroid.schemas import DISCLAIMER
from thyroid.service import Service
from thyroid.settings import Settings


def service_with(engine: FakeEngine, folder: Path = Path("none")) -> Service:
    return Service(Settings(model_dir=folder), lambda _folder, _threads: engine)


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


def test_an_analysis_without_grad_cam_has_none() -> None:
    assert service_with(FakeEngine()).analyze(picture_file(), include_gradcam=False).gradcam is None


def test_pictures_too_large_to_be_sent_back_are_refused_with_what_to_do() -> None:
    # GIVEN noise, which does not compress, at the largest size
    data = noise_file(1024, 1024)

    with pytest.raises(PayloadTooLargeError, match="smaller `size`"):
        service_with(FakeEngine()).gradcam(data, size=1024)


def test_the_limit_on_pixels_is_the_setting() -> None:
    service = Service(Settings(max_pixels=5000), lambda _folder, _threads: FakeEngine())

    with pytest.raises(PayloadTooLargeError, match="5000"):
        service.predict(png_that_claims(100, 100))


def test_the_model_info_names_every_layer() -> None:
    info = service_with(FakeEngine()).model_info()

    assert info.model_name == "Thyroid Cancer Detection Model"
    assert info.conv_layers == ["conv2d", "depthwise_separable_conv"]
    assert info.model_dump()["input_shape"] == (None, 64, 64, 3)
    assert info.classes == {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"}


def test_the_model_is_opened_once_from_the_folder_and_with_the_threads_of_the_settings() -> None:
    opened: list[tuple[Path, int]] = []

    def open_engine(folder: Path, threads: int) -> FakeEngine:
        opened.append((folder, threads))
        return FakeEngine()

    service = Service(Settings(model_dir=Path("some/model"), threads=3), open_engine)
    assert opened == []
    callers = [threading.Thread(target=service.engine) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert opened == [(Path("some/model"), 3)]


def test_a_model_that_failed_to_open_is_tried_again() -> None:
    attempts = iter([ModelUnavailableError("not there yet"), None])

    def open_engine(_folder: Path, _threads: int) -> FakeEngine:
        if failure := next(attempts):
            raise failure
        return FakeEngine()

    service = Service(Settings(), open_engine)
    with pytest.raises(ModelUnavailableError):
        service.predict(picture_file())

    assert service.predict(picture_file()).success


# --- health ----------------------------------------------------------------------------------------------------------


def test_healthy_is_only_who_gave_the_golden_score(tmp_path: Path) -> None:
    golden = golden_artifact(tmp_path, score=0.4)

    health = service_with(FakeEngine(0.4, make_manifest(golden)), tmp_path).health()

    assert (health.status, health.model_loaded, health.version) == ("healthy", True, thyroid.__version__)


@pytest.mark.parametrize("score", [0.4 + 2e-5, 0.4 - 2e-5, float("nan")])
def test_another_score_than_the_golden_one_is_unhealthy(tmp_path: Path, score: float) -> None:
    golden = golden_artifact(tmp_path, score=0.4)

    health = service_with(FakeEngine(score, make_manifest(golden)), tmp_path).health()

    assert (health.status, health.model_loaded) == ("unhealthy", False)


def test_a_missing_golden_picture_is_unhealthy(tmp_path: Path) -> None:
    golden = golden_artifact(tmp_path, score=0.4)
    (tmp_path / "golden.png").unlink()

    assert not service_with(FakeEngine(0.4, make_manifest(golden)), tmp_path).health().model_loaded


def test_another_golden_picture_than_the_models_is_unhealthy(tmp_path: Path) -> None:
    golden = golden_artifact(tmp_path, score=0.4)
    (tmp_path / "golden.png").write_bytes(picture_file("PNG", "L"))

    assert not service_with(FakeEngine(0.4, make_manifest(golden)), tmp_path).health().model_loaded


def test_a_model_that_is_not_there_is_unhealthy(tmp_path: Path) -> None:
    assert Service(Settings(model_dir=tmp_path)).health().status == "unhealthy"


def test_a_runtime_that_breaks_is_unhealthy(tmp_path: Path) -> None:
    def broken(_folder: Path, _threads: int) -> FakeEngine:
        raise RuntimeError("no memory for tensors")

    assert Service(Settings(model_dir=tmp_path), broken).health().status == "unhealthy"


def test_the_golden_picture_is_scored_once_in_a_process(tmp_path: Path) -> None:
    engine = FakeEngine(0.4, make_manifest(golden_artifact(tmp_path, score=0.4)))
    service = service_with(engine, tmp_path)

    assert all(service.health().model_loaded for _ in range(3))
    assert engine.calls == 1


def test_who_was_unhealthy_may_recover(tmp_path: Path) -> None:
    engine = FakeEngine(0.9, make_manifest(golden_artifact(tmp_path, score=0.4)))
    service = service_with(engine, tmp_path)

    assert not service.health().model_loaded
    engine.answer = 0.4
    assert service.health().model_loaded


def test_a_model_that_was_repaired_is_loaded_anew(tmp_path: Path) -> None:
    manifest = make_manifest(golden_artifact(tmp_path, score=0.4))
    engines = iter([FakeEngine(0.9, manifest), FakeEngine(0.4, manifest)])
    service = Service(Settings(model_dir=tmp_path), lambda _folder, _threads: next(engines))

    assert not service.health().model_loaded
    assert service.health().model_loaded


def test_a_model_whose_check_fails_is_unhealthy(tmp_path: Path) -> None:
    class NoMaps(FakeEngine):
        def check(self) -> None:
            raise ModelUnavailableError("The maps are missing.")

    golden = golden_artifact(tmp_path, score=0.4)

    assert not service_with(NoMaps(0.4, make_manifest(golden)), tmp_path).health().model_loaded


def test_the_limit_for_strangers_pictures_is_no_matter_to_the_golden_one(tmp_path: Path) -> None:
    engine = FakeEngine(0.4, make_manifest(golden_artifact(tmp_path, score=0.4)))
    service = Service(Settings(model_dir=tmp_path, max_pixels=1), lambda _folder, _threads: engine)

    assert service.health().model_loaded
