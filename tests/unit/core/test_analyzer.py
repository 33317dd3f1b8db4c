import threading
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.fakes import FakeEngine, golden_artifact, make_manifest
from tests.images import image_file, noise_file, png_that_claims, saved
from thyroid import phantom
from thyroid.core.analysis import Analysis
from thyroid.core.analyzer import Analyzer, load_engine
from thyroid.core.field_of_view import Box
from thyroid.core.options import ExplainOptions
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, UnknownLayerError, UnsuitableImageError
from thyroid.settings import Settings

WAYS: dict[str, Callable[[Analyzer, bytes], Analysis]] = {
    "predict": lambda analyzer, data: analyzer.score(data),
    "gradcam": lambda analyzer, data: analyzer.explain(data),
}


def analyzer_with(engine: FakeEngine, folder: Path = Path("none")) -> Analyzer:
    return Analyzer(Settings(model_dir=folder), lambda _settings: engine)


def test_any_layer_can_be_asked_for_and_the_score_stays_the_same() -> None:
    analyzer = analyzer_with(FakeEngine(0.3))

    analysis = analyzer.explain(image_file(), ExplainOptions(layer_name="conv2d"))

    assert analysis.explanation is not None
    assert analysis.explanation.layer_used == "conv2d"
    assert analysis.assessment == analyzer.score(image_file()).assessment


def test_a_layer_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownLayerError, match="conv2d, depthwise_separable_conv"):
        analyzer_with(FakeEngine()).explain(image_file(), ExplainOptions(layer_name="nope"))


def test_an_unknown_layer_is_refused_before_the_image_is_decoded() -> None:
    with pytest.raises(UnknownLayerError):
        analyzer_with(FakeEngine()).explain(b"no image", ExplainOptions(layer_name="nope"))


@pytest.mark.parametrize("way", ["predict", "gradcam"])
def test_the_limit_on_pixels_is_the_setting(way: str) -> None:
    analyzer = Analyzer(Settings(max_pixels=5000), lambda _settings: FakeEngine())

    with pytest.raises(PayloadTooLargeError, match="5000"):
        WAYS[way](analyzer, png_that_claims(100, 100))


def test_the_model_that_the_settings_name_is_opened_once() -> None:
    opened: list[Settings] = []

    def open_engine(settings: Settings) -> FakeEngine:
        opened.append(settings)
        return FakeEngine()

    settings = Settings(model_dir=Path("some/model"), threads=3)
    analyzer = Analyzer(settings, open_engine)
    assert opened == []
    callers = [threading.Thread(target=analyzer.engine) for _ in range(8)]
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

    analyzer = Analyzer(Settings(), open_engine)
    with pytest.raises(ModelUnavailableError):
        analyzer.score(image_file())

    assert analyzer.score(image_file()).assessment.score == 0.1234


def test_the_runtime_gets_what_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN a runtime that says what it was opened with
    opened: list[tuple[object, ...]] = []

    def opening(*arguments: object) -> FakeEngine:
        opened.append(arguments)
        return FakeEngine(0.4, make_manifest(golden_artifact(tmp_path, score=0.4)))

    monkeypatch.setattr("thyroid.core.litert_engine.LiteRTEngine", opening)
    # WHEN
    load_engine(Settings(model_dir=tmp_path, threads=3, parallel=5))
    # THEN
    assert opened == [(tmp_path, 3, 5)]


def test_a_runtime_that_breaks_is_told_by_its_kind_and_not_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> FakeEngine:
        raise RuntimeError("/home/someone/model")

    monkeypatch.setattr("thyroid.core.litert_engine.LiteRTEngine", refuse)

    with pytest.raises(ModelUnavailableError) as refused:
        load_engine(Settings())

    assert refused.value.detail == "The model does not run here (RuntimeError); run `make model` again."


# --- health ----------------------------------------------------------------------------------------------------------


def test_health_opens_what_predictions_do_not_wait_for() -> None:
    class Watched(FakeEngine):
        checked = 0

        def check(self) -> None:
            self.checked += 1

    engine = Watched()
    analyzer = analyzer_with(engine)
    analyzer.warm_up()
    analyzer.score(image_file())
    assert engine.checked == 0

    analyzer.works()

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

    analyzer = Analyzer(Settings(), opening)
    analyzer.warm_up()
    assert "It is not there yet." in caplog.text
    analyzer.warm_up()
    analyzer.score(image_file())

    assert len(opened) == 2


def test_a_model_that_is_not_there_is_unhealthy(tmp_path: Path) -> None:
    assert Analyzer(Settings(model_dir=tmp_path)).works() is False


def test_the_model_is_loaded_and_proved_once_in_a_process() -> None:
    opened: list[FakeEngine] = []

    def opening(_settings: Settings) -> FakeEngine:
        opened.append(FakeEngine())
        return opened[-1]

    analyzer = Analyzer(Settings(), opening)

    assert all(analyzer.works() for _ in range(3))
    assert analyzer.score(image_file()).assessment.score == 0.1234
    assert len(opened) == 1


def test_who_was_unhealthy_recovers_once_the_model_was_repaired() -> None:
    broken = True

    def opening(_settings: Settings) -> FakeEngine:
        if broken:
            raise ModelUnavailableError("The golden image got another score.")
        return FakeEngine()

    analyzer = Analyzer(Settings(), opening)

    assert not analyzer.works()
    with pytest.raises(ModelUnavailableError):
        analyzer.score(image_file())
    broken = False
    assert analyzer.works()
    assert analyzer.score(image_file()).assessment.score == 0.1234


# --- what is measured and hashed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["predict", "gradcam"])
def test_the_duration_is_from_the_bytes_to_the_score_in_milliseconds(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a clock that is looked at twice
    clock = iter([100.0, 100.0123456])
    monkeypatch.setattr("thyroid.core.analyzer.time", SimpleNamespace(perf_counter=lambda: next(clock)))

    analysis = WAYS[way](analyzer_with(FakeEngine()), image_file())

    assert analysis.duration_ms == 12.346


def test_a_hash_that_is_known_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = analyzer_with(FakeEngine())
    data = image_file()
    known = analyzer.score(data).image.sha256

    monkeypatch.setattr("thyroid.core.analyzer.hashlib", None)

    assert analyzer.score(data, sha256=known).image.sha256 == known
    assert analyzer.explain(data, sha256=known).image.sha256 == known


def test_the_time_of_an_analysis_is_utc() -> None:
    assert analyzer_with(FakeEngine()).score(image_file()).time.tzinfo is UTC


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
    analysis = analyzer_with(engine).explain(image_file())
    # THEN
    assert analysis.field_of_view == Box(8, 4, 88, 60)
    assert looked == [(64, 96)]


# --- the input check -------------------------------------------------------------------------------------------------


def ultrasound() -> bytes:
    return saved(Image.fromarray(phantom.make_frame(5, suspicious=True)))


def test_every_answer_with_a_score_says_whether_the_image_looks_like_ultrasound() -> None:
    analyzer = analyzer_with(FakeEngine())

    for ask in (analyzer.score, analyzer.explain):
        assert ask(ultrasound()).input_check.looks_like_ultrasound
        seen = ask(noise_file(200, 300)).input_check
        assert not seen.looks_like_ultrasound
        assert "not_ultrasound" in seen.reasons


def test_refused_are_those_that_do_not_look_like_ultrasound_and_no_others() -> None:
    engine = FakeEngine()
    analyzer = Analyzer(Settings(refuse_unsuitable=True), lambda _settings: engine)

    for ask in (analyzer.score, analyzer.explain):
        with pytest.raises(UnsuitableImageError, match="texture"):
            ask(noise_file(200, 300))
    assert engine.calls == 0

    assert analyzer.score(ultrasound()).input_check.looks_like_ultrasound
