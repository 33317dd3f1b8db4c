"""Writes a Keras model as the two LiteRT files of an artifact.

The first gives the score and the default layer's map, which is then almost free. The second has one signature for each
map size and gives all maps of that size. They are apart because LiteRT computes all outputs of a signature, asked for
or not, and prepares memory for all of a signature's layers when it first runs.
"""

import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from thyroid.engine import signature_name
from thyroid.manifest import ConvLayer
from thyroid_model.cam import conv_layers, score_and_maps
from thyroid_model.gradients import portable_gradients


def describe_conv_layers(model: keras.Model) -> tuple[ConvLayer, ...]:
    """Return the name and map size of every conv layer, in graph order."""
    names = list(conv_layers(model))
    maps = _trace(model, names, lambda _, maps: dict(zip(names, maps, strict=True))).structured_outputs
    sizes = {name: maps[name].shape for name in names}
    return tuple(ConvLayer(name=name, height=int(size[0]), width=int(size[1])) for name, size in sizes.items())


def score_graph(model: keras.Model, default_layer: str) -> bytes:
    """Convert the graph with signature ``score``: ``image`` to ``score`` (1, 1) and ``map`` (height, width)."""
    return _convert({"score": _trace(model, [default_layer], lambda score, maps: {"map": maps[0], "score": score})})


def maps_graph(model: keras.Model, layers: Sequence[ConvLayer]) -> bytes:
    """Convert the graph with a signature for each map size: ``image`` to ``maps`` (layers, height, width)."""

    def size(layer: ConvLayer) -> tuple[int, int]:
        return layer.height, layer.width

    return _convert(
        {
            signature_name(*key): _trace(
                model, [layer.name for layer in group], lambda _, maps: {"maps": tf.stack(maps)}
            )
            for key, group in groupby(sorted(layers, key=size), size)
        }
    )


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


def _convert(traced: dict[str, Any]) -> bytes:
    """Convert traced functions to one LiteRT file with a signature each, by way of a saved model."""
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, {name: _frozen(each) for name, each in traced.items()}, options)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(traced))
        converted: bytes = converter.convert()
        return converted


def _image(model: keras.Model) -> tf.TensorSpec:
    return tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, "image")
