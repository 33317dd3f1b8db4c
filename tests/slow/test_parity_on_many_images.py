"""Compiled models against TensorFlow in double precision: every conv layer, on at least 200 images."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thyroid.core.litert_engine import LiteRTEngine
from thyroid.core.manifest import Preprocessing
from thyroid.core.preprocessing import prepare
from thyroid_model.compiling import parity
from thyroid_model.compiling.compile import compile_model
from thyroid_model.networks.sources import resolve
from thyroid_model.networks.weights import load_model

IMAGES = 200
SHARED = Path(__file__).parents[2].parent / "shared"
PUBLISHED = SHARED / "published-model" / "thyroid_cancer_model.h5"
needs_published = pytest.mark.skipif(
    not PUBLISHED.is_file(), reason="the published weights may not be committed, and are not beside this checkout"
)


def images(size: int, preprocessing: Preprocessing) -> Iterator[parity.Tensor]:
    """Noise and phantoms; half of the images are real frames where a data set lies beside the checkout."""
    frames = sorted((SHARED / "data" / "ddti" / "images").glob("*.jpg"))[:: 480 // (IMAGES // 2)][: IMAGES // 2]
    yield from parity.images(IMAGES - len(frames), size, size, preprocessing)
    for frame in frames:
        yield prepare(np.asarray(Image.open(frame).convert("RGB")), preprocessing, size, size).tensor


@pytest.mark.parametrize("model", ["bundled", pytest.param(str(PUBLISHED), marks=needs_published, id="published")])
def test_score_and_every_map_are_as_near_to_the_truth_as_tensorflows_own_float32(model: str, tmp_path: Path) -> None:
    source = resolve(model)
    manifest = compile_model(source, tmp_path / "model")
    size = manifest.input_shape[1]
    tensors = list(images(size, manifest.preprocessing))
    assert len(tensors) >= IMAGES

    measured = parity.measure(load_model(source.path), LiteRTEngine(tmp_path / "model"), tensors)

    print(f"\n{manifest.name} {manifest.version}: {measured}")
    parity.require(measured)
    # On so many images near-ties fall to either side alike: here the ratio alone decides.
    assert measured.map_worst <= parity.RATIO_BOUND * measured.tensorflow_map_worst
