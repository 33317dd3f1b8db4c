"""The custom layers of the networks, as Keras 3 layers: the published one's, and what the bundled one adds.

The published ones' constructor defaults are part of the published file format: the file stores almost empty
configurations for them. So is the order in which the sub-layers are made: a legacy H5 file matches weights by position.

The ideas are those of Fibonacci-Net (arXiv:2503.13928) and squeeze-and-excitation (arXiv:1709.01507).
"""

from typing import Any

import keras
import numpy as np
from keras import layers

Shape = tuple[int | None, ...]

MOST_DEVIATIONS = 4.0


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
            "momentum": self.momentum,
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
            "momentum": self.momentum,
        }


@keras.saving.register_keras_serializable(package="thyroid")
class LesionEvidence(layers.Layer):  # type: ignore[misc]
    """How suspicious each place looks, from -1 to 1, weighted with how much it looks like a lesion.

    Takes ``[features, lesion logits]``, of the same height and width. A pointwise convolution of the features says the
    first; the logits' sigmoid, divided by its mean, is the weight. A global average of the output is then the weighted
    mean of what the places say, however large the lesion. Since no place can say more than 1, where nothing looks like
    a lesion there is little to see.

    Parameters
    ----------
    floor : float
        Added to the weight, so that a picture without a lesion is judged by all of its places alike.
    """

    def __init__(self, floor: float = 0.05, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.floor = floor
        self.pw = layers.Conv2D(1, 1, dtype=self.dtype_policy, name="pw")

    def build(self, input_shape: list[Shape]) -> None:
        """Make the weights for features and logits of ``(batch, height, width, channels)``."""
        self.pw.build(input_shape[0])
        super().build(input_shape)

    def call(self, inputs: list[Any]) -> Any:
        """Return the evidence, ``(batch, height, width, 1)``."""
        features, logits = inputs
        lesion = keras.ops.sigmoid(logits) + self.floor
        weight = lesion / keras.ops.mean(lesion, axis=(1, 2), keepdims=True)
        # tanh, by way of the sigmoid: LiteRT knows the gradient's ops of that one.
        return weight * (2.0 * keras.ops.sigmoid(2.0 * self.pw(features)) - 1.0)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the features' height and width, with one channel."""
        return (*input_shape[0][:-1], 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable(package="thyroid")
class PictureStatistics(layers.Layer):  # type: ignore[misc]
    """What a picture is like as a whole: histograms of its levels and of its detail, and a thumbnail.

    Nothing of it is learnt. Histograms are of the grey levels, of the steps across and down, of how far each pixel is
    from the mean of 3 × 3 and of 7 × 7 around it, and how far the mean of 3 × 3 is from that of 15 × 15; each value
    counts for the two bins that it lies between. They are given as square roots, which makes their distances
    comparable (Hellinger).
    """

    levels, details, side = 32, 12, 16

    def call(self, pictures: Any) -> Any:
        """Return ``(batch, statistics)`` of pictures in [0, 1], ``(batch, height, width, 3)``."""
        grey = keras.ops.mean(pictures, axis=-1)
        turned = keras.ops.transpose(grey, (0, 2, 1))
        fine, middle, coarse = (self._turned_mean(grey, window) for window in (3, 7, 15))
        across, down = grey[:, :, 1:] - grey[:, :, :-1], grey[:, 1:] - grey[:, :-1]
        parts = [self._histogram(grey, self.levels, 1.0)]
        for difference, most in ((across, 0.3), (down, 0.3), (turned - fine, 0.15), (turned - middle, 0.3)):
            parts.append(self._histogram(keras.ops.abs(difference), self.details, most))
        parts.append(self._histogram(keras.ops.abs(fine - coarse), self.details, 0.3))
        window = grey.shape[1] // self.side, grey.shape[2] // self.side
        thumbnail = keras.ops.average_pool(grey[..., None], window, window)
        parts.append(keras.ops.reshape(thumbnail, (-1, self.side * self.side)))
        return keras.ops.concatenate(parts, axis=-1)

    def _turned_mean(self, grey: Any, window: int) -> Any:
        """Return the mean around each pixel, of those that are in the picture; rows and columns are exchanged."""
        # Down and across are products with a band matrix: a third of the time of pooling one channel.
        height, width = grey.shape[1:]
        across = keras.ops.matmul(grey, _band(width, window, grey.dtype))
        return keras.ops.matmul(keras.ops.transpose(across, (0, 2, 1)), _band(height, window, grey.dtype))

    def _histogram(self, values: Any, bins: int, most: float) -> Any:
        width = most / (bins - 1)
        centres = keras.ops.arange(bins, dtype=values.dtype) * width
        shares = 1.0 - keras.ops.abs(keras.ops.minimum(values, most)[..., None] - centres) / width
        # One axis after the other: LiteRT adds up in a row, and thousands of numbers in one row lose digits.
        return keras.ops.sqrt(keras.ops.mean(keras.ops.mean(keras.ops.relu(shares), axis=1), axis=1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape ``(batch, statistics)``."""
        return (input_shape[0], self.levels + 5 * self.details + self.side * self.side)


def _band(size: int, window: int, dtype: str) -> Any:
    """Return the matrix, of shape (size, size), whose product with a row is the mean of each window of the row."""
    place = np.arange(size)
    inside = np.abs(place[:, np.newaxis] - place) <= window // 2
    return keras.ops.convert_to_tensor(inside / inside.sum(axis=0), dtype)


@keras.saving.register_keras_serializable(package="thyroid")
class Standardized(layers.Layer):  # type: ignore[misc]
    """Numbers in deviations from their mean over the training pictures; beyond 4, none is a stronger sign."""

    def build(self, input_shape: Shape) -> None:
        """Make the two kept rows for ``(batch, numbers)``."""
        shape = (int(input_shape[-1] or 0),)
        self.mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=shape, initializer="ones", trainable=False, name="deviation")

    def call(self, numbers: Any) -> Any:
        """Return the standardized numbers, of the input's shape."""
        return keras.ops.clip((numbers - self.mean) / self.deviation, -MOST_DEVIATIONS, MOST_DEVIATIONS)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape


# A legacy H5 file stores these by bare class name, which registration alone does not answer to.
CUSTOM_OBJECTS: dict[str, type[layers.Layer]] = {
    layer.__name__: layer
    for layer in (SEBlock, Avg2MaxPooling, DepthwiseSeparableConv, LesionEvidence, PictureStatistics, Standardized)
}
