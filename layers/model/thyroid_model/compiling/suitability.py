"""Whether a model can be compiled and served, checked before any of the work."""

import keras

from thyroid_model.errors import ModelFileError
from thyroid_model.networks.cam import conv_layers

_WANTED = (
    "Give a model from one image of fixed size with three channels to one score, with at least one 2D convolution, "
    "that ends in a dense layer of one unit with a sigmoid activation."
)


def require(model: keras.Model) -> None:
    """Let a suitable model through.

    Raises
    ------
    ModelFileError
        If its input, its output, its head or its conv layers are not what the artifact can carry.
    """
    fault = _fault(model)
    if fault:
        raise ModelFileError(fault, _WANTED)


def _fault(model: keras.Model) -> str | None:
    inputs, outputs = [tuple(t.shape) for t in model.inputs], [tuple(t.shape) for t in model.outputs]
    if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][3] != 3 or None in inputs[0][1:]:
        return f"The model's input is {inputs}, not one image of fixed size with three channels."
    if len(outputs) != 1 or len(outputs[0]) != 2 or outputs[0][1] != 1:
        return f"The model's output is {outputs}, not one score."
    head = model.layers[-1]
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.sigmoid:
        return f"The model's last layer, {head.name}, is not a dense layer with a sigmoid activation."
    layers = conv_layers(model)
    if not layers:
        return "The model has no convolution, so there is nothing that a map could show."
    shared = [name for name, layer in layers.items() if len(layer._inbound_nodes) > 1 and "/" not in name]
    if shared:
        return f"The model runs {', '.join(shared)} more than once, so a map of it would be ambiguous."
    return None
