"""A model proves itself by its golden image before it scores anyone else's."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import FakeEngine, golden_artifact, make_manifest
from tests.images import image_file
from thyroid.core.analyzer import Analyzer
from thyroid.core.golden import prove
from thyroid.core.manifest import Manifest
from thyroid.core.options import ExplainOptions
from thyroid.errors import ModelUnavailableError
from thyroid.settings import Settings


def engine_for(folder: Path, score: float = 0.4) -> FakeEngine:
    """An engine that gives this score, where .4 is the golden one."""
    return FakeEngine(score, make_manifest(golden_artifact(folder, score=0.4)))


@pytest.mark.parametrize("score", [0.4, 0.4 + 9e-6, 0.4 - 9e-6])
def test_the_golden_score_proves_a_model(tmp_path: Path, score: float) -> None:
    engine = engine_for(tmp_path, score)

    prove(engine, tmp_path)

    assert engine.calls == 1


@pytest.mark.parametrize("score", [0.4 + 2e-5, 0.4 - 2e-5, float("nan")])
def test_another_score_than_the_golden_one_is_no_proof(tmp_path: Path, score: float) -> None:
    with pytest.raises(ModelUnavailableError, match="golden score"):
        prove(engine_for(tmp_path, score), tmp_path)


def test_without_its_golden_image_there_is_no_proof(tmp_path: Path) -> None:
    engine = engine_for(tmp_path)
    (tmp_path / "golden.png").unlink()

    with pytest.raises(ModelUnavailableError, match="missing"):
        prove(engine, tmp_path)


def test_another_image_than_the_golden_one_is_no_proof(tmp_path: Path) -> None:
    engine = engine_for(tmp_path)
    (tmp_path / "golden.png").write_bytes(image_file("PNG", "L"))

    with pytest.raises(ModelUnavailableError, match="damaged"):
        prove(engine, tmp_path)


# --- the real engine -------------------------------------------------------------------------------------------------


def damage(file: str) -> Callable[[Path], None]:
    def overwrite(folder: Path) -> None:
        data = bytearray((folder / file).read_bytes())
        data[len(data) // 2] ^= 0xFF
        (folder / file).write_bytes(data)

    return overwrite


def another_golden_score(folder: Path) -> None:
    text = (folder / "model.json").read_text("utf-8")
    before, _, after = text.partition('"golden"')
    (folder / "model.json").write_text(before + '"golden"' + after.replace('"score": 0.', '"score": 0.9', 1), "utf-8")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "the score's graph": damage("score.tflite"),
    "the golden image": damage("golden.png"),
    "no golden image": lambda folder: (folder / "golden.png").unlink(),
    "another golden score": another_golden_score,
    "no manifest": lambda folder: (folder / "model.json").unlink(),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_no_image_is_scored_by_a_model_that_did_not_prove_itself(copied_artifact: Path, kind: str) -> None:
    # GIVEN an artifact that is damaged
    DAMAGES[kind](copied_artifact)
    analyzer = Analyzer(Settings(model_dir=copied_artifact))
    # WHEN it is asked, before and after health was
    for _ in range(2):
        with pytest.raises(ModelUnavailableError):
            analyzer.score(image_file())
        assert not analyzer.works()


def test_damaged_maps_are_no_healthy_model_though_those_that_do_not_need_them_are_answered(
    copied_artifact: Path,
) -> None:
    manifest = Manifest.load(copied_artifact)
    layer = manifest.conv_layers[0]
    assert layer.size != manifest.layer(None).size
    damage(manifest.maps_graphs[layer.size].file)(copied_artifact)
    analyzer = Analyzer(Settings(model_dir=copied_artifact))

    assert analyzer.explain(image_file())
    with pytest.raises(ModelUnavailableError, match=layer.size):
        analyzer.explain(image_file(), ExplainOptions(layer_name=layer.name))
    assert not analyzer.works()


def test_a_runtime_that_breaks_is_a_model_that_does_not_work(
    copied_artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> float:
        raise RuntimeError("no memory for tensors")

    monkeypatch.setattr("thyroid.core.litert_engine.LiteRTEngine.score", refuse)
    analyzer = Analyzer(Settings(model_dir=copied_artifact))

    assert not analyzer.works()
    with pytest.raises(ModelUnavailableError, match="RuntimeError"):
        analyzer.score(image_file())


def test_a_runtime_that_cannot_be_loaded_is_a_model_that_does_not_work(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "thyroid.core.litert_engine", None)  # so that its import fails
    analyzer = Analyzer(Settings(model_dir=artifact))

    assert not analyzer.works()
    with pytest.raises(ModelUnavailableError, match="does not run here"):
        analyzer.score(image_file())


def test_a_golden_image_that_is_none_is_the_models_fault_not_the_callers(copied_artifact: Path) -> None:
    # GIVEN a golden image that is no image, though it is the one that the manifest names
    (copied_artifact / "golden.png").write_bytes(b"no image")
    manifest = copied_artifact / "model.json"
    text = json.loads(manifest.read_text("utf-8"))
    text["golden"]["sha256"] = hashlib.sha256(b"no image").hexdigest()
    manifest.write_text(json.dumps(text), "utf-8")
    # THEN
    with pytest.raises(ModelUnavailableError):
        Analyzer(Settings(model_dir=copied_artifact)).score(image_file())


def test_a_whole_artifact_proves_itself(copied_artifact: Path) -> None:
    analyzer = Analyzer(Settings(model_dir=copied_artifact))

    assert analyzer.works()
    assert analyzer.score(image_file())
