"""Custom Keras 3 layers: those of the published network, and those that the bundled network adds.

Model files contain the names of these classes, so they cannot be renamed. The constructor defaults of the published
layers are part of the file format too, since the published file stores almost empty configurations. So is the order in
which sub-layers are created, since a legacy H5 file matches weights by position.

The published layers are based on Fibonacci-Net (arXiv:2503.13928) and squeeze-and-excitation (arXiv:1709.01507).
"""

from typing import Any

import keras
import numpy as np
from keras import layers

Shape = tuple[int | None, ...]

MAX_DEVIATIONS = 4.0


@keras.saving.register_keras_serializable(package="thyroid")
class SEBlock(layers.Layer):  # type: ignore[misc]
    """Squeeze-and-excitation: scale each channel by a weight in (0, 1), computed from the means of all channels.

    Parameters
    ----------
    ratio : int
        Reduction: the number of input channels divided by the number of hidden units.
    """

    def __init__(self, ratio: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: Shape) -> None:
        """Create the sub-layers for an input of shape ``(batch, height, width, channels)``."""
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
        """Return the scaled input, of the same shape."""
        return inputs * self.reshape(self.fc2(self.fc1(self.pool(inputs))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable(package="thyroid")
class Avg2MaxPooling(layers.Layer):  # type: ignore[misc]
    """Avg-2Max pooling: batch-normalised ``average − 2 · maximum`` of each window.

    Parameters
    ----------
    pool_size, strides : int
        Size and stride of the window, in pixels.
    padding : str
        ``same`` or ``valid``.
    momentum : float
        Of the moving averages of the batch normalisation.
    """

    def __init__(
        self, pool_size: int = 3, strides: int = 2, padding: str = "same", momentum: float = 0.99, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size, self.strides, self.padding, self.momentum = pool_size, strides, padding, momentum
        window: dict[str, Any] = {"pool_size": pool_size, "strides": strides, "padding": padding}
        self.average = layers.AveragePooling2D(**window, dtype=self.dtype_policy, name="average")
        self.maximum = layers.MaxPooling2D(**window, dtype=self.dtype_policy, name="maximum")
        self.norm = layers.BatchNormalization(momentum=momentum, dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: Shape) -> None:
        """Create the normalisation's weights for an input of shape ``(batch, height, width, channels)``."""
        self.norm.build(self.compute_output_shape(input_shape))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the pooled map, ``(batch, pooled height, pooled width, channels)``."""
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
            "momentum": self.momentum,
        }


@keras.saving.register_keras_serializable(package="thyroid")
class DepthwiseSeparableConv(layers.Layer):  # type: ignore[misc]
    """Depthwise and pointwise convolution, normalisation, swish and squeeze-and-excitation.

    The input is added to the output where their shapes are equal; where ``strides`` is not 1, it is projected first.

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides : int
        Of the depthwise convolution, in pixels.
    se_ratio : int
        Reduction of the squeeze-and-excitation.
    reg : float
        L2 penalty of the kernels.
    momentum : float
        Of the moving averages of the batch normalisation.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        se_ratio: int = 16,
        reg: float = 0.001,
        momentum: float = 0.99,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.se_ratio, self.reg, self.momentum = se_ratio, reg, momentum
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
        self.norm = layers.BatchNormalization(momentum=momentum, dtype=dtype, name="norm")
        self.swish = layers.Activation("swish", dtype=dtype, name="swish")
        self.se = SEBlock(se_ratio, dtype=dtype, name="se")
        self.proj = layers.Conv2D(filters, 1, strides=strides, dtype=dtype, name="proj") if strides != 1 else None

    def build(self, input_shape: Shape) -> None:
        """Create the weights for an input of shape ``(batch, height, width, channels)``."""
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
        """Return the block's output, ``(batch, height / strides, width / strides, filters)``."""
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
            "momentum": self.momentum,
        }


@keras.saving.register_keras_serializable(package="thyroid")
class LesionEvidence(layers.Layer):  # type: ignore[misc]
    """Suspicion of each cell, from -1 to 1, weighted by the probability that the cell is lesion.

    Takes ``[features, lesion logits]``, of the same height and width. The suspicion is a pointwise convolution of the
    features with a tanh. The weight is the sigmoid of the logits, divided by its mean. A global average of the output
    is therefore the weighted mean of the suspicion, whatever the size of the lesion. The suspicion is bounded, so a
    cell with a low weight contributes little.

    Parameters
    ----------
    floor : float
        Added to the probability, so that all cells of an image without a lesion count equally.
    """

    def __init__(self, floor: float = 0.05, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.floor = floor
        self.pw = layers.Conv2D(1, 1, dtype=self.dtype_policy, name="pw")

    def build(self, input_shape: list[Shape]) -> None:
        """Create the weights for features and logits of shape ``(batch, height, width, channels)``."""
        self.pw.build(input_shape[0])
        super().build(input_shape)

    def call(self, inputs: list[Any]) -> Any:
        """Return the evidence, ``(batch, height, width, 1)``."""
        features, logits = inputs
        lesion = keras.ops.sigmoid(logits) + self.floor
        weight = lesion / keras.ops.mean(lesion, axis=(1, 2), keepdims=True)
        # tanh, expressed by the sigmoid: LiteRT supports the operations of its gradient.
        return weight * (2.0 * keras.ops.sigmoid(2.0 * self.pw(features)) - 1.0)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the features' height and width, with one channel."""
        return (*input_shape[0][:-1], 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable(package="thyroid")
class PictureStatistics(layers.Layer):  # type: ignore[misc]
    """Statistics of the whole image: histograms of its grey levels and of its detail, and a thumbnail.

    The layer has no weights. There is a histogram of the grey levels and one of each of these absolute differences:
    between neighbours across, between neighbours down, of each pixel from the mean of 3 × 3 and of 7 × 7 pixels around
    it, and of the mean of 3 × 3 from that of 15 × 15. Each value is shared between the two nearest bins. The square
    roots of the histograms are returned, whose Euclidean distance is the Hellinger distance.
    """

    levels, details, side = 32, 12, 16

    def call(self, images: Any) -> Any:
        """Return statistics, ``(batch, statistics)``, of images in [0, 1], ``(batch, height, width, 3)``."""
        grey = keras.ops.mean(images, axis=-1)
        transposed = keras.ops.transpose(grey, (0, 2, 1))
        fine, middle, coarse = (self._transposed_mean(grey, window) for window in (3, 7, 15))
        across, down = grey[:, :, 1:] - grey[:, :, :-1], grey[:, 1:] - grey[:, :-1]
        parts = [self._histogram(grey, self.levels, 1.0)]
        for difference, maximum in ((across, 0.3), (down, 0.3), (transposed - fine, 0.15), (transposed - middle, 0.3)):
            parts.append(self._histogram(keras.ops.abs(difference), self.details, maximum))
        parts.append(self._histogram(keras.ops.abs(fine - coarse), self.details, 0.3))
        window = grey.shape[1] // self.side, grey.shape[2] // self.side
        thumbnail = keras.ops.average_pool(grey[..., None], window, window)
        parts.append(keras.ops.reshape(thumbnail, (-1, self.side * self.side)))
        return keras.ops.concatenate(parts, axis=-1)

    def _transposed_mean(self, grey: Any, window: int) -> Any:
        """Return the mean of the window around each pixel, transposed; the window is clipped at the border."""
        # Two products with band matrices take a third of the time of pooling one channel.
        height, width = grey.shape[1:]
        across = keras.ops.matmul(grey, _band(width, window, grey.dtype))
        return keras.ops.matmul(keras.ops.transpose(across, (0, 2, 1)), _band(height, window, grey.dtype))

    def _histogram(self, values: Any, bins: int, maximum: float) -> Any:
        width = maximum / (bins - 1)
        centres = keras.ops.arange(bins, dtype=values.dtype) * width
        shares = 1.0 - keras.ops.abs(keras.ops.minimum(values, maximum)[..., None] - centres) / width
        # One axis after the other: LiteRT adds sequentially, and a sum of thousands of float32 loses digits.
        return keras.ops.sqrt(keras.ops.mean(keras.ops.mean(keras.ops.relu(shares), axis=1), axis=1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape ``(batch, statistics)``."""
        return (input_shape[0], self.levels + 5 * self.details + self.side * self.side)


def _band(size: int, window: int, dtype: str) -> Any:
    """Return the matrix, of shape (size, size), whose product with a row gives the moving mean of the row."""
    index = np.arange(size)
    inside = np.abs(index[:, np.newaxis] - index) <= window // 2
    return keras.ops.convert_to_tensor(inside / inside.sum(axis=0), dtype)


@keras.saving.register_keras_serializable(package="thyroid")
class Standardized(layers.Layer):  # type: ignore[misc]
    """Features standardised by mean and standard deviation over the training images, and clipped to [-4, 4]."""

    def build(self, input_shape: Shape) -> None:
        """Create mean and standard deviation for an input of shape ``(batch, features)``."""
        shape = (int(input_shape[-1] or 0),)
        self.mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=shape, initializer="ones", trainable=False, name="deviation")

    def call(self, features: Any) -> Any:
        """Return the standardised features, of the input's shape."""
        return keras.ops.clip((features - self.mean) / self.deviation, -MAX_DEVIATIONS, MAX_DEVIATIONS)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape


# A legacy H5 file stores the bare class name, which Keras does not find among registered names.
CUSTOM_OBJECTS: dict[str, type[layers.Layer]] = {
    layer.__name__: layer
    for layer in (SEBlock, Avg2MaxPooling, DepthwiseSeparableConv, LesionEvidence, PictureStatistics, Standardized)
}
