"""Which models can be compiled, and what is said of the others."""

from collections.abc import Callable
from typing import Any

import keras
import pytest

from tests.tiny import SIZE, smallest_network, tiny_network
from thyroid_model.compiling import suitability
from thyroid_model.errors import ModelFileError
from thyroid_model.networks.published_network import build_network

L = keras.layers


def convolved(shape: tuple[int | None, int | None, int], head: Callable[[Any], Any]) -> keras.Model:
    image = keras.Input(shape)
    return keras.Model(image, head(L.GlobalAveragePooling2D()(L.Conv2D(2, 3, name="conv")(image))))


def sigmoid(x: Any) -> Any:
    return L.Dense(1, activation="sigmoid")(x)


def shared_convolution() -> keras.Model:
    image, conv = keras.Input((SIZE, SIZE, 3)), L.Conv2D(3, 3, padding="same", name="twice")
    return keras.Model(image, sigmoid(L.GlobalAveragePooling2D()(conv(conv(image)))))


def no_convolution() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, sigmoid(L.GlobalAveragePooling2D()(image)))


def separate_sigmoid(x: Any) -> Any:
    return L.Activation("sigmoid", name="squash")(L.Dense(1)(x))


def two_scores(x: Any) -> Any:
    return [sigmoid(x), sigmoid(x)]


@pytest.mark.parametrize(
    "model", [smallest_network, tiny_network, build_network, lambda: convolved((32, 48, 3), sigmoid)]
)
def test_a_suitable_model_passes(model: Callable[[], keras.Model]) -> None:
    suitability.require(model())


@pytest.mark.parametrize(
    ("model", "named"),
    [
        pytest.param(lambda: convolved((SIZE, SIZE, 1), sigmoid), "input", id="one channel"),
        pytest.param(lambda: convolved((None, None, 3), sigmoid), "input", id="open size"),
        pytest.param(lambda: convolved((SIZE, SIZE, 3), L.Dense(2, activation="softmax")), "output", id="softmax"),
        pytest.param(
            lambda: convolved((SIZE, SIZE, 3), lambda x: [sigmoid(x), sigmoid(x)]), "output", id="two outputs"
        ),
        pytest.param(lambda: convolved((SIZE, SIZE, 3), L.Dense(1)), "sigmoid", id="linear head"),
        pytest.param(lambda: convolved((SIZE, SIZE, 3), separate_sigmoid), "squash", id="separate sigmoid"),
        pytest.param(no_convolution, "no convolution", id="no convolution"),
        pytest.param(shared_convolution, "twice", id="shared convolution"),
    ],
)
def test_another_is_refused_by_what_it_lacks(model: Callable[[], keras.Model], named: str) -> None:
    with pytest.raises(ModelFileError, match=named) as error:
        suitability.require(model())
    assert "Give a model" in error.value.next_step
