"""The custom layers of the published network, as Keras 3 layers.

Their constructor defaults are part of the published file format: the file stores almost empty configurations for them.
So is the order in which the sub-layers are made: a legacy H5 file matches weights by position.

The ideas are those of Fibonacci-Net (arXiv:2503.13928) and squeeze-and-excitation (arXiv:1709.01507).
"""

from typing import Any

import keras
from keras import layers

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="thyroid")
class SEBlock(layers.Layer):  # type: ignore[misc]
    """Squeeze-and-excitation: scale each channel by a weight in (0, 1) that all channels' means decide.

    Parameters
    ----------
    ratio : int
        How many times narrower the hidden layer is than the input's channels.
    """

    def __init__(self, ratio: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: Shape) -> None:
        """Make the sub-layers for ``(batch, height, width, channels)``."""
        channels = int(input_shape[-1] or 0)
        dtype = self.dtype_policy
        self.pool = layers.GlobalAveragePooling2D(dtype=dtype, name="pool")
        self.fc1 = layers.Dense(channels // self.ratio, activation="swish", dtype=dtype, name="fc1")
        self.fc2 = layers.Dense(channels, activation="sigmoid", dtype=dtype, name="fc2")
        self.reshape = layers.Reshape((1, 1, channels), dtype=dtype, name="reshape")
        self.fc1.build((input_shape[0], channels))
        self.fc2.build((input_shape[0], channels // self.ratio))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Return the scaled input, of the input's shape."""
        return inputs * self.reshape(self.fc2(self.fc1(self.pool(inputs))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable(package="thyroid")
class Avg2MaxPooling(layers.Layer):  # type: ignore[misc]
    """Avg-2Max pooling: batch-normalised ``average − 2 · maximum`` of each window."""

    def __init__(self, pool_size: int = 3, strides: int = 2, padding: str = "same", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size, self.strides, self.padding = pool_size, strides, padding
        window: dict[str, Any] = {"pool_size": pool_size, "strides": strides, "padding": padding}
        self.average = layers.AveragePooling2D(**window, dtype=self.dtype_policy, name="average")
        self.maximum = layers.MaxPooling2D(**window, dtype=self.dtype_policy, name="maximum")
        self.norm = layers.BatchNormalization(dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: Shape) -> None:
        """Make the normalisation's weights for ``(batch, height, width, channels)``."""
        self.norm.build(self.compute_output_shape(input_shape))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the pooled map."""
        return self.norm(self.average(inputs) - 2.0 * self.maximum(inputs), training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        shape: Shape = self.maximum.compute_output_shape(input_shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable(package="thyroid")
class DepthwiseSeparableConv(layers.Layer):  # type: ignore[misc]
    """Depthwise and pointwise convolution, normalisation, swish and squeeze-and-excitation.

    The input is added to the output where their shapes are equal, projected first where ``strides`` is not 1.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        se_ratio: int = 16,
        reg: float = 0.001,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.se_ratio, self.reg = se_ratio, reg
        dtype = self.dtype_policy
        self.dw = layers.DepthwiseConv2D(
            kernel_size,
            strides=strides,
            padding="same",
            depthwise_regularizer=keras.regularizers.L2(reg),
            dtype=dtype,
            name="dw",
        )
        self.pw = layers.Conv2D(filters, 1, kernel_regularizer=keras.regularizers.L2(reg), dtype=dtype, name="pw")
        self.norm = layers.BatchNormalization(dtype=dtype, name="norm")
        self.swish = layers.Activation("swish", dtype=dtype, name="swish")
        self.se = SEBlock(se_ratio, dtype=dtype, name="se")
        self.proj = layers.Conv2D(filters, 1, strides=strides, dtype=dtype, name="proj") if strides != 1 else None

    def build(self, input_shape: Shape) -> None:
        """Make the weights for ``(batch, height, width, channels)``."""
        inner = self.dw.compute_output_shape(input_shape)
        output = self.compute_output_shape(input_shape)
        self.dw.build(input_shape)
        self.pw.build(inner)
        self.norm.build(output)
        self.se.build(output)
        if self.proj is not None:
            self.proj.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the block's output."""
        outputs = self.se(self.swish(self.norm(self.pw(self.dw(inputs)), training=training)))
        shortcut = inputs if self.proj is None else self.proj(inputs)
        return outputs + shortcut if shortcut.shape == outputs.shape else outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after the block."""
        return (*self.dw.compute_output_shape(input_shape)[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "se_ratio": self.se_ratio,
            "reg": self.reg,
        }


# A legacy H5 file stores these by bare class name, which registration alone does not answer to.
CUSTOM_OBJECTS: dict[str, type[layers.Layer]] = {
    layer.__name__: layer for layer in (SEBlock, Avg2MaxPooling, DepthwiseSeparableConv)
}
