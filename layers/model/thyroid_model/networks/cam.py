"""Class activation maps of any conv layer of a Keras model, as TensorFlow computations.

The map of a layer with activations A is Σ_k mean(∂logit/∂A_k) · A_k, as in Grad-CAM (arXiv:1610.02391), before its
ReLU. It is the logit that is differentiated, not the probability: the probability's gradient vanishes where the sigmoid
saturates, and both give the same map once it is divided by its maximum.
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


def conv_layers(model: keras.Model) -> dict[str, keras.Layer]:
    """Return every conv layer of a model by its public name, in graph order.

    Plain layers keep their names. A custom block that convolves counts as one layer, named after its class and numbered
    in graph order (``depthwise_separable_conv``, ``depthwise_separable_conv_1``), since its own name changes with the
    process that made it; the conv layers inside come before it (``depthwise_separable_conv/dw``).
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
        The network's input.
    names : sequence of str
        Public names, as :func:`conv_layers` gives them.
    gradients : callable
        From the logit and a list of activations to the list of gradients: ``tf.gradients`` in a graph, or a tape's.

    Returns
    -------
    score : tensor of shape (1, 1)
        The probability of malignancy, in [0, 1].
    maps : list of tensors of shape (map height, map width)
        Signed evidence for malignancy, in the order of ``names``.

    Raises
    ------
    ValueError
        If the model's last layer is not a dense layer with one sigmoid output.
    """
    layers = conv_layers(model)
    with _recorded([layers[name] for name in names]) as activations, _linear_head(model):
        logit = model(image, training=False)
    outputs = [activations[id(layers[name])] for name in names]
    maps = [
        tf.reduce_sum(activation * tf.reduce_mean(gradient, (1, 2), keepdims=True), -1)[0]
        for activation, gradient in zip(outputs, gradients(logit, outputs), strict=True)
    ]
    return tf.sigmoid(logit), maps


def tape_score_and_maps(model: keras.Model, names: Sequence[str]) -> Callable[[np.ndarray[Any, Any]], Any]:
    """Return a function from an image to score and maps by ``tf.GradientTape``: what a compiled graph is held against.

    It works in the model's own precision: a float64 model gives float64 maps.
    """

    @tf.function  # type: ignore[untyped-decorator]
    def run(image: Any) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(image)
            # The tape must record the forward pass, and stop before it is asked for gradients of it.
            return score_and_maps(model, image, names, lambda logit, outputs: _stopped(tape, logit, outputs))

    def score_and_numpy_maps(image: np.ndarray[Any, Any]) -> tuple[float, list[np.ndarray[Any, Any]]]:
        score, maps = run(tf.constant(image, model.inputs[0].dtype))
        return float(score[0, 0]), [m.numpy() for m in maps]

    return score_and_numpy_maps


def _stopped(tape: Any, logit: Any, outputs: list[Any]) -> list[Any]:
    with tape.stop_recording():
        gradients: list[Any] = tape.gradient(logit, outputs)
        return gradients


@contextlib.contextmanager
def _recorded(layers: Sequence[keras.Layer]) -> Iterator[dict[int, Any]]:
    """Record what the layers return while the model runs inside, by the layers' identity; nested ones too."""
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
    """Make the model return its logit."""
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
