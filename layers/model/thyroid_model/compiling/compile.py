"""Compiles a model into the artifact that the serving world reads.

``python -m thyroid_model.compiling.compile --model bundled|published|PATH --out FOLDER``
"""

import argparse
import hashlib
import io
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import absl.logging
import keras
from PIL import Image

from thyroid import phantom
from thyroid.core import imaging
from thyroid.core.litert_engine import LiteRTEngine
from thyroid.core.manifest import (
    MANIFEST_FILE,
    Golden,
    GraphFile,
    Manifest,
    Parity,
    Weights,
)
from thyroid.core.preprocessing import prepare
from thyroid_model.compiling import parity, suitability
from thyroid_model.compiling.graphs import describe_conv_layers, maps_graphs, score_graph
from thyroid_model.compiling.meaning import CLASSES, RISK_BANDS
from thyroid_model.errors import ModelSourceError
from thyroid_model.networks.sources import Source, resolve
from thyroid_model.networks.weights import load_model

PARITY_IMAGES = 24
GOLDEN_SEED = 0
# Processors round differently; a wrong resize filter or field of view is off by a thousand times as much.
GOLDEN_TOLERANCE = 1e-5

_UNMEASURED = Parity.model_validate(dict.fromkeys(Parity.model_fields, 0))


class ArtifactError(Exception):
    """The artifact cannot be written where it was to be."""


def compile_model(source: Source, out: Path, parity_images: int = PARITY_IMAGES) -> Manifest:
    """Compile a source into the folder ``out``, replacing an artifact that is there.

    Nothing is left at ``out`` that was not shown to give TensorFlow's score and maps; until then what was there stays.

    Raises
    ------
    ModelSourceError
        If the source's file cannot be loaded.
    ArtifactError
        If ``out`` cannot be written, or holds something that is no artifact.
    ParityError
        If the compiled graphs differ from TensorFlow's by more than :mod:`thyroid_model.compiling.parity` allows.
    """
    out = out.absolute()
    draft = _draft(out)
    try:
        model = load_model(source.path)
        suitability.require(model)
        manifest = _write(model, source, draft)
        _, height, width, _ = manifest.input_shape
        tensors = list(parity.images(parity_images, height, width, manifest.preprocessing))
        measured = parity.measure(model, LiteRTEngine(draft), tensors)
        parity.require(measured)
        manifest = manifest.model_copy(update={"parity": measured, "golden": _golden(draft, manifest)})
        _save(manifest, draft)
        _replace(out, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _draft(out: Path) -> Path:
    """Make the folder that an artifact is written to before it is moved to ``out``."""
    draft = out.with_name(f".{out.name}.draft")
    try:
        if out.exists() and not (out / MANIFEST_FILE).is_file() and (not out.is_dir() or any(out.iterdir())):
            raise ArtifactError(f"{out} is there and is no compiled model; name another folder, or remove it yourself.")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
    except OSError as error:
        raise ArtifactError(f"{out.parent} cannot be written to ({error.strerror}); name another folder.") from error
    return draft


def _replace(out: Path, draft: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    draft.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _write(model: keras.Model, source: Source, folder: Path) -> Manifest:
    """Write the graphs and a manifest that lacks only what the engine itself must measure."""
    layers = describe_conv_layers(model)
    default = source.default_layer or layers[-1].name
    manifest = Manifest(
        name=source.name,
        version=source.version,
        description=source.description,
        weights=Weights(source=source.origin, sha256=source.sha256),
        input_shape=model.input_shape,
        output_shape=model.output_shape,
        total_parameters=model.count_params(),
        preprocessing=source.preprocessing,
        classes=CLASSES,
        risk_bands=RISK_BANDS,
        conv_layers=layers,
        default_layer=default,
        calibration=source.calibration,
        evaluation=source.evaluation,
        score_graph=_file(folder, "score.tflite", score_graph(model, default)),
        maps_graphs={
            size: _file(folder, f"maps_{size}.tflite", graph) for size, graph in maps_graphs(model, layers).items()
        },
        golden=Golden(file="", sha256="", score=0, tolerance=GOLDEN_TOLERANCE),
        parity=_UNMEASURED,
    )
    _save(manifest, folder)
    return manifest


def _golden(folder: Path, manifest: Manifest) -> Golden:
    """Write the golden image, a phantom, and score it the way a request is."""
    encoded = io.BytesIO()
    Image.fromarray(phantom.make(GOLDEN_SEED, suspicious=True)).convert("L").save(encoded, "PNG")  # it has no colour
    written = _file(folder, "golden.png", encoded.getvalue())
    decoded = imaging.decode(encoded.getvalue(), max_pixels=10**9)
    _, height, width, _ = manifest.input_shape
    score = LiteRTEngine(folder).score(prepare(decoded.pixels, manifest.preprocessing, height, width).tensor)
    return Golden(file=written.file, sha256=written.sha256, score=score, tolerance=GOLDEN_TOLERANCE)


def _file(folder: Path, name: str, content: bytes) -> GraphFile:
    (folder / name).write_bytes(content)
    return GraphFile(file=name, sha256=hashlib.sha256(content).hexdigest())


def _save(manifest: Manifest, folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.compiling.compile", description="Compile a model for serving."
    )
    parser.add_argument("--model", default="bundled", help="bundled, published, or the path of a .h5 or .keras file")
    parser.add_argument("--out", type=Path, default=Path("build/model"), help="folder of the artifact")
    options = parser.parse_args(arguments)
    # TensorFlow warns that frozen functions have no gradients; they need none, they compute them.
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        manifest = compile_model(resolve(options.model), options.out)
    except (ModelSourceError, ArtifactError, parity.ParityError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(  # noqa: T201
        f"{options.out}: {manifest.name} {manifest.version}, {manifest.total_parameters:,} parameters, "
        f"{len(manifest.conv_layers)} conv layers\n"
        f"from TensorFlow on {manifest.parity.images} images: score {manifest.parity.score_worst:.1e}, "
        f"maps {manifest.parity.map_median:.1e} in the median, {manifest.parity.map_worst:.1e} at worst "
        f"(TensorFlow's own float32: {manifest.parity.tensorflow_map_worst:.1e})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
