"""The bundled network: of the published family, with a finer last stage and a lesion decoder.

Filters grow like Fibonacci numbers, two Avg-2Max branches skip ahead, depthwise separable blocks with
squeeze-and-excitation end the trunk, as in :mod:`thyroid_model.networks.published_network`. Two things differ:

- **One downsampling less.** The published trunk ends in 4 × 4 cells at an input of 128; a nodule covers two or three of
  them. Here it ends in 8 × 8.
- **Lesion and suspicion of each cell.** A small decoder predicts for each of 16 × 16 cells whether it is lesion, and is
  trained on outlines. A second output is the bounded suspicion of each cell. The score is the mean of the suspicion,
  weighted by the lesion probability, so the lesion decides, and the class activation map of that layer shows the
  lesion. Unbounded features compensated for a low weight by large values.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from thyroid_model.networks.layers import Avg2MaxPooling, DepthwiseSeparableConv, LesionEvidence

_BRANCH_FILTERS = 24
_DECODER_FILTERS = 48
_FEATURES = 160
# Initial weight of the mean evidence, which is at most 1: large enough for confident scores from the start.
_INITIAL_SLOPE = 4.0
# Of batch normalisation. Trainings are short: with Keras's .99, the statistics would still be the initial ones.
_MOMENTUM = 0.95


@dataclass(frozen=True)
class LesionNetwork:
    """Two models that share all layers and weights.

    Attributes
    ----------
    score : keras.Model
        From ``(batch, size, size, 3)`` in [0, 1] to ``(batch, 1)``, the probability of suspicion. This model is saved.
    training : keras.Model
        From the same input to the score and the lesion logits, ``(batch, size / 8, size / 8, 1)``.
    """

    score: keras.Model
    training: keras.Model


def build_lesion_network(input_size: int = 128) -> LesionNetwork:
    """Build the network with newly initialised weights.

    Parameters
    ----------
    input_size : int
        Height and width of the input, a multiple of 32.

    Raises
    ------
    ValueError
        If the size is not a positive multiple of 32.
    """
    if input_size < 32 or input_size % 32:
        raise ValueError(f"input_size must be a positive multiple of 32, not {input_size}")
    inputs = keras.Input((input_size, input_size, 3), name="picture")

    x = _conv(inputs, 16, "conv_16")
    x = _conv(x, 16, "conv_16_half", strides=2)
    half = _norm(layers.Conv2D(28, 3, padding="same", name="conv_28")(x), "conv_28")
    quarter = _norm(layers.Conv2D(44, 3, padding="same", name="conv_44")(_downsample(half)), "conv_44")
    eighth = _conv(_downsample(quarter), 72, "conv_72")
    x = _join(_downsample(eighth), _branch(half, "early"), 72, "early")
    x = layers.Dropout(0.2)(x)
    middle = _conv(x, 115, "conv_115")
    x = _join(middle, _branch(quarter, "late"), 115, "late")
    x = layers.Dropout(0.3)(x)
    x = DepthwiseSeparableConv(188, momentum=_MOMENTUM)(x)
    deep = DepthwiseSeparableConv(288, momentum=_MOMENTUM)(x)

    decoded = layers.Add()([_project(deep, _DECODER_FILTERS, "deep"), _project(middle, _DECODER_FILTERS, "middle")])
    decoded = layers.Add()([_upsample(_activate(decoded, "decoder")), _project(eighth, _DECODER_FILTERS, "eighth")])
    lesion = layers.Conv2D(1, 3, padding="same", name="lesion")(_activate(decoded, "fine_decoder"))

    features = layers.Concatenate()([_upsample(_project(deep, _FEATURES, "deep_features")), eighth])
    x = _activate(layers.Conv2D(_FEATURES, 1, name="features")(features), "features")
    x = layers.Dropout(0.3)(x)
    x = layers.GlobalAveragePooling2D()(LesionEvidence(name="lesion_evidence")([x, lesion]))
    slope = keras.initializers.Constant(_INITIAL_SLOPE)
    score = layers.Dense(1, activation="sigmoid", kernel_initializer=slope, name="score")(x)
    return LesionNetwork(keras.Model(inputs, score, name="lesion_network"), keras.Model(inputs, [score, lesion]))


def _conv(x: Any, filters: int, name: str, strides: int = 1) -> Any:
    return _activate(layers.Conv2D(filters, 3, strides=strides, padding="same", name=name)(x), name)


def _activate(x: Any, name: str) -> Any:
    return layers.Activation("silu", name=f"{name}_silu")(_norm(x, name))


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(x)


def _downsample(x: Any) -> Any:
    return layers.MaxPooling2D(2)(x)


def _upsample(x: Any) -> Any:
    return layers.UpSampling2D(2, interpolation="bilinear")(x)


def _project(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(filters, 1, name=f"narrow_{name}")(x)


def _branch(x: Any, name: str) -> Any:
    x = layers.Activation("silu", name=f"{name}_branch_silu")(x)
    for number in (1, 2):
        x = layers.Conv2D(_BRANCH_FILTERS, 3, padding="same", name=f"{name}_branch_{number}")(x)
        x = Avg2MaxPooling(momentum=_MOMENTUM, name=f"{name}_branch_pooling_{number}")(x)
    return x


def _join(x: Any, branch: Any, filters: int, name: str) -> Any:
    if branch.shape[1] != x.shape[1]:
        branch = layers.AveragePooling2D(branch.shape[1] // x.shape[1])(branch)
    x = layers.Concatenate()([x, branch])
    return _activate(layers.Conv2D(filters, 1, name=f"{name}_join")(x), f"{name}_join")
