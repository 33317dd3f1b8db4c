"""Writes a Keras model as the LiteRT files of an artifact.

The first gives the score and the default layer's map, which is then almost free. Of the others each gives all maps of
one size. They are apart because LiteRT computes all outputs of a signature, asked for or not, and when the first of a
file's signatures runs, it prepares weights and memory for all of them.
"""

import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from thyroid.core.litert_engine import MAPS, SCORE
from thyroid.core.manifest import ConvLayer
from thyroid_model.compiling.gradients import portable_gradients
from thyroid_model.networks.cam import conv_layers, score_and_maps


def describe_conv_layers(model: keras.Model) -> tuple[ConvLayer, ...]:
    """Return the name and map size of every conv layer, in graph order."""
    names = list(conv_layers(model))
    maps = _trace(model, names, lambda _, maps: dict(zip(names, maps, strict=True))).structured_outputs
    sizes = {name: maps[name].shape for name in names}
    return tuple(ConvLayer(name=name, height=int(size[0]), width=int(size[1])) for name, size in sizes.items())


def score_graph(model: keras.Model, default_layer: str) -> bytes:
    """Convert to the graph that gives of ``image``: ``score`` (1, 1) and ``map`` (height, width)."""
    return _convert(SCORE, _trace(model, [default_layer], lambda score, maps: {"map": maps[0], "score": score}))


def maps_graphs(model: keras.Model, layers: Sequence[ConvLayer]) -> dict[str, bytes]:
    """Convert to graphs that give of ``image``: ``maps`` (layers, height, width), one for each size of a layer."""

    def size(layer: ConvLayer) -> tuple[int, int]:
        return layer.height, layer.width

    converted = {}
    for _, group in groupby(sorted(layers, key=size), size):
        alike = list(group)
        traced = _trace(model, [layer.name for layer in alike], lambda _, maps: {"maps": tf.stack(maps)})
        converted[alike[0].size] = _convert(MAPS, traced)
    return converted


def _trace(model: keras.Model, names: Sequence[str], outputs: Callable[[Any, list[Any]], dict[str, Any]]) -> Any:
    """Trace what ``outputs`` makes of one image's score and maps, with gradients that LiteRT can run."""

    @tf.function(input_signature=[_image(model)])  # type: ignore[untyped-decorator]
    def run(image: Any) -> Any:
        with portable_gradients():
            return outputs(*score_and_maps(model, image, names, tf.gradients))

    return run.get_concrete_function()


def _frozen(traced: Any) -> Any:
    """Turn a traced function's variables into constants; converted with variables, a Keras 3 model loses them."""
    frozen, names = convert_variables_to_constants_v2(traced), sorted(traced.structured_outputs)

    @tf.function(input_signature=[traced.structured_input_signature[0][0]])  # type: ignore[untyped-decorator]
    def run(image: Any) -> Any:
        return dict(zip(names, frozen(image), strict=True))

    return run.get_concrete_function()


def _convert(signature: str, traced: Any) -> bytes:
    """Convert a traced function to a LiteRT file with one signature, by way of a saved model."""
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, {signature: _frozen(traced)}, options)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature])
        converted: bytes = converter.convert()
        return converted


def _image(model: keras.Model) -> tf.TensorSpec:
    return tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, "image")
