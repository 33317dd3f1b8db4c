"""The graph of the published model, for any input size.

Filters grow like Fibonacci numbers (× 0.8: 16, 28, 44, 72, 115, 188, 288); two branches of Avg-2Max pooling skip
stages and join later blocks; the last blocks are depthwise separable. Based on Fibonacci-Net (arXiv:2503.13928).
"""

from typing import Any

import keras
from keras import layers

from thyroid_model.networks.layers import Avg2MaxPooling, DepthwiseSeparableConv

PUBLISHED_PARAMETERS = 278_039
PUBLISHED_LAYERS = 50

_L2 = 0.001
_BRANCH_FILTERS = 24


def build_network(input_size: int = 224) -> keras.Model:
    """Build the published graph: 50 layers and 278,039 parameters, whatever the input size.

    Layers have the names of the published file, so a layer name refers to the same layer in every model of the family.

    Parameters
    ----------
    input_size : int
        Height and width of the input, a multiple of 32.

    Returns
    -------
    keras.Model
        From ``(batch, input_size, input_size, 3)`` in [0, 1] to ``(batch, 1)``, the probability of malignancy.

    Raises
    ------
    ValueError
        If the size is not a positive multiple of 32, which five downsamplings by 2 require.
    """
    if input_size < 32 or input_size % 32:
        raise ValueError(f"input_size must be a positive multiple of 32, not {input_size}")
    inputs = keras.Input((input_size, input_size, 3), name="input_layer_1")

    x = _conv(inputs, 16, "14")
    x = _silu(_norm(x, "14"), "8")
    x = _conv(x, 16, "15", strides=2)
    x = _silu(_norm(x, "15"), "9")
    half = _norm(_conv(x, 28, "16"), "16")
    quarter = _norm(_conv(_downsample(half, "8"), 44, "17"), "17")
    x = _conv(_downsample(quarter, "9"), 72, "20")
    x = _silu(_norm(x, "20"), "12")
    x = _join(_downsample(x, "12"), _branch(_silu(half, "10"), ("18", "19"), ("4", "5")), 72, "2", conv="21")
    x = _silu(_norm(x, "21"), "13")
    x = layers.Dropout(0.2, name="dropout_4")(x)
    x = _conv(x, 115, "24")
    x = _silu(_norm(x, "24"), "14")
    x = _join(_downsample(x, "15"), _branch(_silu(quarter, "11"), ("22", "23"), ("6", "7")), 115, "3", conv="25")
    x = _silu(_norm(x, "25"), "15")
    x = layers.Dropout(0.3, name="dropout_5")(x)
    x = DepthwiseSeparableConv(188, name="depthwise_separable_conv_2")(x)
    x = DepthwiseSeparableConv(288, name="depthwise_separable_conv_3")(x)
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d_5")(x)
    x = layers.Dropout(0.5, name="dropout_6")(x)
    x = layers.Dense(32, activation="silu", kernel_regularizer=keras.regularizers.L2(_L2), name="dense_10")(x)
    x = layers.Dropout(0.3, name="dropout_7")(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="dense_11")(x), name="functional_1")


def _conv(x: Any, filters: int, number: str, strides: int = 1) -> Any:
    regularizer = keras.regularizers.L2(_L2)
    name = f"conv2d_{number}"
    return layers.Conv2D(filters, 3, strides=strides, padding="same", kernel_regularizer=regularizer, name=name)(x)


def _norm(x: Any, number: str) -> Any:
    return layers.BatchNormalization(name=f"batch_normalization_{number}")(x)


def _silu(x: Any, number: str) -> Any:
    return layers.Activation("silu", name=f"activation_{number}")(x)


def _downsample(x: Any, number: str) -> Any:
    return layers.MaxPooling2D(2, name=f"max_pooling2d_{number}")(x)


def _branch(x: Any, convs: tuple[str, str], pools: tuple[str, str]) -> Any:
    for conv, pool in zip(convs, pools, strict=True):
        x = layers.Conv2D(_BRANCH_FILTERS, 3, padding="same", name=f"conv2d_{conv}")(x)
        x = Avg2MaxPooling(name=f"avg2_max_pooling_{pool}")(x)
    return x


def _join(x: Any, branch: Any, filters: int, number: str, conv: str) -> Any:
    branch = layers.Resizing(x.shape[1], x.shape[2], name=f"resizing_{number}")(branch)
    x = layers.Concatenate(name=f"concatenate_{number}")([x, branch])
    return layers.Conv2D(filters, 1, padding="same", name=f"conv2d_{conv}")(x)
