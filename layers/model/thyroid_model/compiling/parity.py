"""Measures how far a compiled model is from TensorFlow, and whether that is near enough.

A map's error is its largest difference from the float64 map, relative to that map's largest absolute value. Where two
cells of a max-pool window are nearly equal, rounding decides which gets the gradient, so single maps differ more than
most do, in TensorFlow's own float32 as well: its worst error is the measure for ours.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from thyroid import phantom
from thyroid.core.engine import Engine
from thyroid.core.manifest import Parity, Preprocessing
from thyroid.core.options import ExplainOptions
from thyroid.core.preprocessing import prepare
from thyroid_model.networks.cam import tape_score_and_maps

SCORE_BOUND = 1e-6
MAP_MEDIAN_BOUND = 1e-5
RATIO_BOUND = 2.0  # of TensorFlow's own float32 error

# Few images may hold a near-tie that falls to the wrong side in one runtime alone. On 121 images of the published
# network such ties did up to 4e-3 to TensorFlow's own float32; a map that is wrong is wrong by tenths. The long tests
# compare on 200 images, and there the ratio decides alone.
NEAR_TIE = 1e-2

Tensor = NDArray[np.float32]


class ParityError(Exception):
    """A compiled model differs from TensorFlow's by more than the bounds; nothing of it may be served."""


def images(count: int, height: int, width: int, preprocessing: Preprocessing) -> Iterator[Tensor]:
    """Yield prepared images made by code: by turns noise, faint noise, and phantoms of either kind.

    Each has shape ``(1, height, width, 3)`` and values in [0, 1].
    """
    for seed in range(count):
        rng = np.random.default_rng(seed)
        match seed % 4:
            case 0:
                yield rng.random((1, height, width, 3), dtype=np.float32)
            case 1:
                yield (0.5 + 0.1 * rng.normal(size=(1, height, width, 3))).clip(0, 1).astype(np.float32)
            case kind:
                yield prepare(phantom.make(seed, suspicious=kind == 3), preprocessing, height, width).tensor


def measure(model: keras.Model, engine: Engine, tensors: Sequence[Tensor]) -> Parity:
    """Compare score and the maps of all conv layers with ``tf.GradientTape``'s on each image."""
    names = [layer.name for layer in engine.manifest.conv_layers]
    exact, single = tape_score_and_maps(in_float64(model), names), tape_score_and_maps(model, names)
    score_errors, tensorflow_score_errors, compiled_errors, tensorflow_errors = [], [], [], []
    for tensor in tensors:
        true_score, truths = exact(tensor)
        expected, maps = single(tensor)
        score_errors.append(abs(engine.score(tensor) - expected))
        tensorflow_score_errors.append(abs(expected - true_score))
        for name, truth, tensorflows in zip(names, truths, maps, strict=True):
            _, ours = engine.score_and_map(tensor, ExplainOptions(name))
            compiled_errors.append(_error(ours, truth))
            tensorflow_errors.append(_error(tensorflows, truth))
    return Parity(
        images=len(tensors),
        score_worst=max(score_errors),
        tensorflow_score_worst=max(tensorflow_score_errors),
        map_median=float(np.median(compiled_errors)),
        tensorflow_map_median=float(np.median(tensorflow_errors)),
        map_worst=max(compiled_errors),
        tensorflow_map_worst=max(tensorflow_errors),
    )


def require(parity: Parity) -> None:
    """Let a measured parity through that is within the bounds.

    Where TensorFlow's own float32 errors are larger than a fixed bound, they are the measure instead: two float32
    computations cannot agree better than each agrees with the truth.

    Raises
    ------
    ParityError
        If a figure is over its bound; the message names the figure and the bound. NaN is over any bound.
    """
    score_bound = max(SCORE_BOUND, RATIO_BOUND * parity.tensorflow_score_worst)
    median_bound = max(MAP_MEDIAN_BOUND, RATIO_BOUND * parity.tensorflow_map_median)
    worst_bound = max(NEAR_TIE, RATIO_BOUND * parity.tensorflow_map_worst)
    for figure, value, bound in (
        ("score", parity.score_worst, score_bound),
        ("median map", parity.map_median, median_bound),
        ("worst map", parity.map_worst, worst_bound),
    ):
        if not value <= bound:
            raise ParityError(f"The compiled model's {figure} is {value:.3g} from TensorFlow's, over {bound:.3g}.")


def in_float64(model: keras.Model) -> keras.Model:
    """Return the same model with the same weights in double precision."""

    def copy(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float64"})

    inputs = keras.Input(model.input_shape[1:], dtype="float64")
    double = keras.models.clone_model(model, input_tensors=inputs, clone_function=copy)
    double.set_weights(model.get_weights())
    return double


def _error(ours: NDArray[Any], truth: NDArray[np.float64]) -> float:
    largest = np.abs(truth).max()
    difference = np.abs(ours - truth).max()
    return float(difference / largest) if largest > 0 else float(difference)
