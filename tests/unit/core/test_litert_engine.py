"""The engine: a compiled model's answers, held against Keras, and that nothing changes them."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.tiny import SIZE, tiny_network
from thyroid.core.litert_engine import LiteRTEngine
from thyroid.core.manifest import MANIFEST_FILE
from thyroid.core.options import ExplainOptions
from thyroid.errors import ModelUnavailableError, UnknownLayerError
from thyroid_model.networks.cam import tape_score_and_maps

Array = np.ndarray[Any, Any]


MAPS_OF_THE_STEM = f"maps_{SIZE // 2}x{SIZE // 2}.tflite"


def give(artifact: Path, name: str, content: bytes) -> None:
    """Put other bytes into a file of an artifact, and their hash into its manifest."""
    text = (artifact / MANIFEST_FILE).read_text()
    before = hashlib.sha256((artifact / name).read_bytes()).hexdigest()
    assert before in text
    (artifact / MANIFEST_FILE).write_text(text.replace(before, hashlib.sha256(content).hexdigest()))
    (artifact / name).write_bytes(content)


def image(seed: int) -> Array:
    return np.random.default_rng(seed).random((1, SIZE, SIZE, 3), dtype=np.float32)


@pytest.fixture
def engine(tiny_artifact: Path) -> LiteRTEngine:
    return LiteRTEngine(tiny_artifact)


@pytest.fixture
def damaged(tiny_artifact: Path, tmp_path: Path) -> Path:
    """A copy of the artifact for a test to damage."""
    for file in tiny_artifact.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_score_and_the_map_of_every_layer_are_those_of_tensorflow(engine: LiteRTEngine) -> None:
    names = [layer.name for layer in engine.manifest.conv_layers]
    expected_score, expected_maps = tape_score_and_maps(tiny_network(), names)(image(0))
    for name, expected in zip(names, expected_maps, strict=True):
        score, ours = engine.score_and_map(image(0), ExplainOptions(name))
        assert score == pytest.approx(expected_score, abs=1e-6)
        np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max(), err_msg=name)


def test_a_map_has_the_size_that_the_manifest_names(engine: LiteRTEngine) -> None:
    for layer in engine.manifest.conv_layers:
        assert engine.score_and_map(image(0), ExplainOptions(layer.name))[1].shape == (layer.height, layer.width)


def test_without_a_layer_the_map_is_the_default_layers(engine: LiteRTEngine) -> None:
    assert engine.manifest.default_layer == engine.manifest.conv_layers[-1].name
    named = ExplainOptions(engine.manifest.default_layer)
    np.testing.assert_array_equal(engine.score_and_map(image(1))[1], engine.score_and_map(image(1), named)[1])


def test_the_same_image_gets_the_same_bits_before_and_after_a_thousand_mixed_calls(engine: LiteRTEngine) -> None:
    layers = [layer.name for layer in engine.manifest.conv_layers]
    before = {name: engine.score_and_map(image(0), ExplainOptions(name)) for name in layers}
    for call in range(1000):
        tensor = image(call % 7 + 1)
        if call % 3:
            engine.score_and_map(tensor, ExplainOptions(layers[call % len(layers)]))
        else:
            engine.score(tensor)
    for name, (score, cells) in before.items():
        after_score, after_cells = engine.score_and_map(image(0), ExplainOptions(name))
        assert score == after_score == engine.score(image(0))
        np.testing.assert_array_equal(cells, after_cells)


def test_a_map_that_was_returned_is_not_overwritten_by_the_next_call(engine: LiteRTEngine) -> None:
    _, first = engine.score_and_map(image(0), ExplainOptions("stem"))
    kept = first.copy()
    engine.score_and_map(image(1), ExplainOptions("stem"))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("parallel", [1, 4])
def test_threads_that_share_an_engine_get_the_answers_of_one_that_is_alone(engine: LiteRTEngine, parallel: int) -> None:
    layers = [layer.name for layer in engine.manifest.conv_layers]
    asked = [(seed, layers[seed % len(layers)]) for seed in range(60)]
    alone = [engine.score_and_map(image(seed), ExplainOptions(name)) for seed, name in asked]
    shared = LiteRTEngine(engine._folder, parallel=parallel)  # whose maps are not open yet
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda a: shared.score_and_map(image(a[0]), ExplainOptions(a[1])), asked))
    for (score, cells), (other_score, other_cells) in zip(alone, together, strict=True):
        assert score == other_score
        np.testing.assert_array_equal(cells, other_cells)


def test_as_many_inferences_run_at_a_time_as_was_said_and_no_more(
    tiny_artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    inside: set[int] = set()
    most: list[int] = []

    class Slow:
        """Answers only while another one is asked."""

        def __init__(self, **options: Any) -> None:
            assert options["num_threads"] == 1

        def get_signature_runner(self, _signature: str) -> Any:
            return self

        def __call__(self, image: Array) -> dict[str, Array]:
            inside.add(id(self))
            most.append(len(inside))
            both.wait(timeout=10)
            inside.discard(id(self))
            return {"score": np.zeros((1, 1), np.float32), "map": image[0, :, :, 0]}

    monkeypatch.setattr("thyroid.core.litert_engine.Interpreter", Slow)
    engine = LiteRTEngine(tiny_artifact, threads=1, parallel=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: engine.score(image(seed)), range(8)))

    assert max(most) == 2


def test_a_second_interpreter_is_of_the_bytes_that_were_judged_whatever_became_of_the_file(damaged: Path) -> None:
    engine = LiteRTEngine(damaged, parallel=2)
    expected = engine.score(image(0))
    (damaged / "score.tflite").write_bytes(b"another model")
    engine._score_graph._idle.clear()

    assert engine.score(image(0)) == expected


def test_who_asks_again_and_again_is_answered_by_one_interpreter(
    tiny_artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    def make(**options: Any) -> Any:
        made.append(options)
        return Interpreter(**options)

    monkeypatch.setattr("thyroid.core.litert_engine.Interpreter", make)
    engine = LiteRTEngine(tiny_artifact, parallel=4)
    for seed in range(5):
        engine.score(image(seed))

    assert len(made) == 1


def test_an_unknown_layer_is_refused_with_the_names_that_exist(engine: LiteRTEngine) -> None:
    with pytest.raises(UnknownLayerError, match=r"stem, body, depthwise_separable_conv/dw"):
        engine.score_and_map(image(0), ExplainOptions("conv2d_99"))


class TestArtifactThatCannotBeServed:
    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelUnavailableError, match="make model"):
            LiteRTEngine(tmp_path / "nothing")

    def test_a_manifest_that_is_not_json(self, damaged: Path) -> None:
        (damaged / MANIFEST_FILE).write_text("{")
        with pytest.raises(ModelUnavailableError, match="damaged or of another version"):
            LiteRTEngine(damaged)

    def test_a_manifest_of_another_schema(self, damaged: Path) -> None:
        manifest = json.loads((damaged / MANIFEST_FILE).read_text())
        (damaged / MANIFEST_FILE).write_text(json.dumps({**manifest, "schema_version": 99}))
        with pytest.raises(ModelUnavailableError, match="damaged or of another version"):
            LiteRTEngine(damaged)

    def test_a_missing_graph(self, damaged: Path) -> None:
        (damaged / "score.tflite").unlink()
        with pytest.raises(ModelUnavailableError, match=r"score\.tflite"):
            LiteRTEngine(damaged)

    @pytest.mark.parametrize("file", ["score.tflite", MAPS_OF_THE_STEM])
    def test_a_graph_with_one_bit_changed(self, damaged: Path, file: str) -> None:
        content = bytearray((damaged / file).read_bytes())
        content[len(content) // 2] ^= 1
        (damaged / file).write_bytes(content)
        with pytest.raises(ModelUnavailableError, match=file):
            LiteRTEngine(damaged).score_and_map(image(0), ExplainOptions("stem"))

    @pytest.mark.parametrize("file", ["score.tflite", MAPS_OF_THE_STEM])
    def test_a_graph_that_is_none_though_its_hash_is_right(self, damaged: Path, file: str) -> None:
        give(damaged, file, b"no graph at all " * 10)
        with pytest.raises(ModelUnavailableError, match=file):
            LiteRTEngine(damaged).check()

    def test_a_graph_that_does_something_else_though_its_hash_is_right(self, damaged: Path) -> None:
        give(damaged, MAPS_OF_THE_STEM, (damaged / "score.tflite").read_bytes())
        with pytest.raises(ModelUnavailableError, match=MAPS_OF_THE_STEM):
            LiteRTEngine(damaged).check()

    def test_missing_maps_are_found_by_the_check(self, damaged: Path) -> None:
        (damaged / MAPS_OF_THE_STEM).unlink()
        with pytest.raises(ModelUnavailableError, match=MAPS_OF_THE_STEM):
            LiteRTEngine(damaged).check()

    def test_a_layer_of_a_size_that_no_graph_gives(self, damaged: Path) -> None:
        manifest = json.loads((damaged / MANIFEST_FILE).read_text())
        manifest["conv_layers"][0]["height"] += 1
        (damaged / MANIFEST_FILE).write_text(json.dumps(manifest))
        with pytest.raises(ModelUnavailableError, match="damaged or of another version"):
            LiteRTEngine(damaged).check()


def test_a_sound_model_passes_the_check(engine: LiteRTEngine) -> None:
    engine.check()
