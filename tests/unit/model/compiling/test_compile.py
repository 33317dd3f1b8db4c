"""Compiling: what lies in an artifact, and what is refused."""

import hashlib
from pathlib import Path

import pytest

from tests.tiny import SIZE, smallest_network, source_of
from thyroid.core import imaging
from thyroid.core.litert_engine import LiteRTEngine
from thyroid.core.manifest import Manifest
from thyroid.core.preprocessing import prepare
from thyroid_model.compiling import compile as compiler, parity
from thyroid_model.compiling.parity import ParityError

# To the letter, as in the reference service, whose clients may look for them.
REFERENCE_TEXTS = [
    ("High Risk", "Immediate specialist consultation and biopsy recommended"),
    ("Moderate Risk", "Further diagnostic tests and specialist review advised"),
    ("Borderline", "Follow-up imaging in 6-12 months advised"),
    ("Low Risk", "Routine monitoring recommended"),
]


@pytest.fixture
def compiled(tiny_artifact: Path) -> tuple[Path, Manifest]:
    return tiny_artifact, Manifest.load(tiny_artifact)


def test_the_artifact_holds_the_manifest_the_graphs_and_the_golden_image_and_nothing_else(
    compiled: tuple[Path, Manifest],
) -> None:
    folder, manifest = compiled
    maps = {f"maps_{layer.height}x{layer.width}.tflite" for layer in manifest.conv_layers}
    assert {file.name for file in folder.iterdir()} == {"model.json", "score.tflite", "golden.png"} | maps
    graphs = [(graph.file, graph.sha256) for graph in (manifest.score_graph, *manifest.maps_graphs.values())]
    for file, digest in [*graphs, (manifest.golden.file, manifest.golden.sha256)]:
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
    assert Manifest.load(folder) == manifest
    assert manifest.sha256 == manifest.score_graph.sha256


def test_the_manifest_describes_the_model(compiled: tuple[Path, Manifest]) -> None:
    _, manifest = compiled
    assert manifest.input_shape == (None, SIZE, SIZE, 3)
    assert manifest.output_shape == (None, 1)
    assert manifest.weights.source == "made by a test"
    assert manifest.classes == {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"}
    assert [(band.id, band.minimum) for band in manifest.risk_bands] == [
        ("high", 0.75),
        ("moderate", 0.5),
        ("borderline", 0.25),
        ("low", 0.0),
    ]
    assert [(band.label, band.recommendation) for band in manifest.risk_bands] == REFERENCE_TEXTS


def test_the_manifest_holds_the_parity_that_was_measured(compiled: tuple[Path, Manifest]) -> None:
    _, manifest = compiled
    assert manifest.parity.images == 4
    parity.require(manifest.parity)
    assert manifest.parity.tensorflow_map_worst > 0.0


def test_the_golden_image_gets_its_score_the_way_a_request_does(compiled: tuple[Path, Manifest]) -> None:
    folder, manifest = compiled
    golden = imaging.decode((folder / manifest.golden.file).read_bytes(), max_pixels=10**6)
    tensor = prepare(golden.pixels, manifest.preprocessing, SIZE, SIZE).tensor
    assert LiteRTEngine(folder).score(tensor) == manifest.golden.score


def test_without_parity_no_artifact_is_written_and_one_that_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an artifact that is there, and a bound that no model can meet
    source, out = source_of(smallest_network(), tmp_path), tmp_path / "model"
    out.mkdir()
    (out / "model.json").write_text("the old one")
    monkeypatch.setattr(parity, "MAP_MEDIAN_BOUND", 0.0)
    monkeypatch.setattr(parity, "RATIO_BOUND", 0.0)
    # WHEN a model is compiled, THEN it is refused by name of the figure
    with pytest.raises(ParityError, match="median map"):
        compiler.compile_model(source, out, parity_images=1)
    # AND nothing else was left behind
    assert {file.name for file in tmp_path.rglob("*")} == {"tiny.keras", "model", "model.json"}
    assert (out / "model.json").read_text() == "the old one"


def test_a_folder_that_is_no_artifact_is_never_written_over(tmp_path: Path) -> None:
    source, out = source_of(smallest_network(), tmp_path), tmp_path / "precious"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    with pytest.raises(compiler.ArtifactError, match="no compiled model"):
        compiler.compile_model(source, out)
    assert (out / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("out", ["tiny.keras", "tiny.keras/model"])
def test_a_place_that_cannot_be_written_to_is_named_before_the_work(tmp_path: Path, out: str) -> None:
    with pytest.raises(compiler.ArtifactError, match=r"tiny\.keras"):
        compiler.compile_model(source_of(smallest_network(), tmp_path), tmp_path / out)


def test_an_artifact_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    source, out = source_of(smallest_network(), tmp_path), tmp_path / "model"
    out.mkdir()
    for name in ("model.json", "of-the-old-one"):
        (out / name).write_text("old")
    manifest = compiler.compile_model(source, out, parity_images=1)
    assert Manifest.load(out) == manifest
    assert {file.name for file in tmp_path.iterdir()} == {"tiny.keras", "model"}
    assert not (out / "of-the-old-one").exists()


class TestCommand:
    def test_compiles_what_it_is_told_to_and_says_what_it_measured(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compiler, "PARITY_IMAGES", 2)
        path, out = source_of(smallest_network(), tmp_path).path, tmp_path / "artifact"
        assert compiler.main(["--model", str(path), "--out", str(out)]) == 0
        manifest = Manifest.load(out)
        assert (manifest.name, manifest.weights.source) == ("tiny", "file: tiny.keras")
        assert "TensorFlow" in capsys.readouterr().out

    def test_says_in_one_line_what_is_wrong_and_what_to_do(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert compiler.main(["--model", str(tmp_path / "none.h5"), "--out", str(tmp_path / "model")]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: There is no model file")
        assert "bundled" in error
        assert error.count("\n") == 1
        assert not (tmp_path / "model").exists()
