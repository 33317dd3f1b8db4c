"""Networks small enough that a test can build, compile and reason about them."""

from pathlib import Path

import keras
import numpy as np

from thyroid_model.networks.layers import Avg2MaxPooling, DepthwiseSeparableConv
from thyroid_model.networks.sources import REFERENCE_PREPROCESSING, Source

SIZE = 32


def tiny_network(seed: int = 0) -> keras.Model:
    """One layer of every kind that the family has, nested ones too, with weights that are not symmetric."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="silu", name="stem")(image)
    branch = keras.layers.Resizing(4, 4)(Avg2MaxPooling()(x))
    x = keras.layers.MaxPooling2D(4)(keras.layers.Conv2D(4, 3, padding="same", name="body")(x))
    x = keras.layers.Concatenate()([x, branch])
    x = DepthwiseSeparableConv(16, se_ratio=4)(x)
    x = DepthwiseSeparableConv(16, se_ratio=4, strides=2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(x))
    rng = np.random.default_rng(seed)
    model.set_weights([w + 0.1 * rng.random(w.shape, np.float32) for w in model.get_weights()])
    return model


def smallest_network() -> keras.Model:
    """One convolution, pooled, and a head: quick to compile where a test needs any model at all."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, strides=8, name="only")(image))
    return keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(x))


def source_of(model: keras.Model, folder: Path) -> Source:
    """Save a network and describe it as a file of a user's own is."""
    path = folder / "tiny.keras"
    model.save(path)
    return Source(path, "tiny", "1", "A model for tests.", "made by a test", "0" * 64, REFERENCE_PREPROCESSING)
