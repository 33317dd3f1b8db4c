"""Class activation maps of any conv layer of a Keras model, as TensorFlow computations.

The map of a layer with activations A is Σ_k mean(∂logit/∂A_k) · A_k, as in Grad-CAM (arXiv:1610.02391), before its
ReLU. The logit is differentiated, not the probability: the gradient of the probability vanishes where the sigmoid
saturates, and both give the same map after normalisation by the maximum.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)

Gradients = Callable[[Any, list[Any]], list[Any]]


def grad_cam(activation: Any, gradient: Any) -> Any:
    """Return the map of one layer, of shape (height, width), from tensors of shape (1, height, width, channels)."""
    return tf.reduce_sum(activation * tf.reduce_mean(gradient, (1, 2), keepdims=True), -1)[0]


def conv_layers(model: keras.Model) -> dict[str, keras.Layer]:
    """Return every conv layer of a model by its public name, in graph order.

    The public name of a plain layer is its own. A custom block with conv layers is listed as one layer, named after its
    class and numbered in graph order (``depthwise_separable_conv``, ``depthwise_separable_conv_1``), since its own name
    depends on the process that built it. The conv layers inside come before it (``depthwise_separable_conv/dw``).
    """
    found: dict[str, keras.Layer] = {}
    blocks: dict[str, int] = {}
    for layer in model.layers:
        if isinstance(layer, _CONVOLUTIONS):
            found[layer.name] = layer
            continue
        inner = [part for part in layer._flatten_layers(include_self=False) if isinstance(part, _CONVOLUTIONS)]
        if inner:
            kind = _snake_case(type(layer).__name__)
            number = blocks.setdefault(kind, 0)
            blocks[kind] += 1
            name = f"{kind}_{number}" if number else kind
            found.update({f"{name}/{part.name}": part for part in inner})
            found[name] = layer
    return found


def score_and_maps(model: keras.Model, image: Any, names: Sequence[str], gradients: Gradients) -> tuple[Any, list[Any]]:
    """Compute the score and the class activation maps of the named layers.

    Parameters
    ----------
    model : keras.Model
        A model that ends in a dense layer with one sigmoid output.
    image : tensor of shape (1, height, width, 3)
        float32 or float64 in [0, 1], the network's input.
    names : sequence of str
        Public names, as :func:`conv_layers` returns them.
    gradients : callable
        Takes the logit and a list of activations, and returns the list of gradients: ``tf.gradients`` in a graph, or
        ``gradient`` of a tape.

    Returns
    -------
    score : tensor of shape (1, 1)
        The probability of malignancy, in [0, 1].
    maps : list of tensors of shape (map height, map width)
        Signed evidence for malignancy, unbounded, in the order of ``names``.

    Raises
    ------
    ValueError
        If the model's last layer is not a dense layer with one sigmoid output.
    """
    layers = conv_layers(model)
    with _record_outputs([layers[name] for name in names]) as activations, _linear_head(model):
        logit = model(image, training=False)
    outputs = [activations[id(layers[name])] for name in names]
    pairs = zip(outputs, gradients(logit, outputs), strict=True)
    return tf.sigmoid(logit), [grad_cam(activation, gradient) for activation, gradient in pairs]


def tape_score_and_maps(model: keras.Model, names: Sequence[str]) -> Callable[[np.ndarray[Any, Any]], Any]:
    """Return a function that computes score and maps by ``tf.GradientTape``: the reference for a compiled graph.

    It works in the model's own precision: a float64 model returns float64 maps.

    Parameters
    ----------
    model : keras.Model
        A model that ends in a dense layer with one sigmoid output.
    names : sequence of str
        Public names, as :func:`conv_layers` returns them.

    Returns
    -------
    callable
        Takes an image of shape (1, height, width, 3), and returns the score, in [0, 1], and a list of maps of shape
        (map height, map width).
    """

    @tf.function  # type: ignore[untyped-decorator]
    def run(image: Any) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(image)
            # The tape must record the forward pass, and stop before its gradients are computed.
            return score_and_maps(model, image, names, lambda logit, outputs: _gradients(tape, logit, outputs))

    def score_and_numpy_maps(image: np.ndarray[Any, Any]) -> tuple[float, list[np.ndarray[Any, Any]]]:
        score, maps = run(tf.constant(image, model.inputs[0].dtype))
        return float(score[0, 0]), [m.numpy() for m in maps]

    return score_and_numpy_maps


def _gradients(tape: Any, logit: Any, outputs: list[Any]) -> list[Any]:
    with tape.stop_recording():
        gradients: list[Any] = tape.gradient(logit, outputs)
        return gradients


@contextlib.contextmanager
def _record_outputs(layers: Sequence[keras.Layer]) -> Iterator[dict[int, Any]]:
    """Record the outputs of layers, nested ones too, while the model runs inside; by ``id`` of the layer."""
    outputs: dict[int, Any] = {}

    def recording(layer: keras.Layer, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            outputs[id(layer)] = call(*args, **kwargs)
            return outputs[id(layer)]

        return run

    for layer in layers:
        object.__setattr__(layer, "call", recording(layer, layer.call))
    try:
        yield outputs
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


@contextlib.contextmanager
def _linear_head(model: keras.Model) -> Iterator[None]:
    """Let the model return its logit, by a linear activation of its last layer."""
    head = model.layers[-1]
    is_sigmoid = isinstance(head, keras.layers.Dense) and head.activation is keras.activations.sigmoid
    if not is_sigmoid or head.units != 1:
        raise ValueError("the model must end in a dense layer with one sigmoid output")
    head.activation = keras.activations.linear
    try:
        yield
    finally:
        head.activation = keras.activations.sigmoid


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
