"""The bundled network in Keras on TensorFlow, as people run such models.

Preprocessing, network, weights and images are those of the service, so all return the same result and differ only in
how they compute it. ``model.predict`` and an eager ``GradientTape`` are what the reference service uses. Compiled by
``tf.function``, both are the fastest way to run the model in TensorFlow.
"""

import base64
import io
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import thyroid_model
from thyroid.core.explain import class_activation, render
from thyroid.core.manifest import Preprocessing
from thyroid.core.preprocessing import prepare
from thyroid_model.compiling.meaning import CLASSES, RISK_BANDS
from thyroid_model.networks.weights import load_model

# `thyroid_model.networks.sources` has these, but it imports the hub's client, which is slow.
MODEL_FILE = Path(thyroid_model.__file__).with_name("bundled") / "model.keras"
PREPROCESSING = Preprocessing(field_of_view=True, resize="lanczos", scale=1 / 255)
DEFAULT_LAYER = "lesion_evidence"


class KerasModel:
    """The network, loaded once.

    Parameters
    ----------
    compiled : bool
        Whether ``tf.function`` compiles the score and the gradient.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        self._model = load_model(MODEL_FILE)
        _, self._height, self._width, _ = self._model.input_shape
        self._compiled = compiled
        self._call = tf.function(lambda image: self._model(image, training=False))
        self._explain_layer = cache(self._explain_function)

    def warm_up(self) -> None:
        """Predict once: Keras traces the graph then."""
        self._score(np.zeros((1, self._height, self._width, 3), np.float32))

    def predict(self, image: str) -> dict[str, Any]:
        """Score an image file, given in base64."""
        tensor = prepare(_decode(image), PREPROCESSING, self._height, self._width).tensor
        return _score_fields(self._score(tensor))

    def explain(self, image: str, layer: str | None = None) -> dict[str, Any]:
        """Score an image file, given in base64, and draw its class activation map."""
        pixels, name = _decode(image), layer or DEFAULT_LAYER
        prepared = prepare(pixels, PREPROCESSING, self._height, self._width)
        score, evidence = self._explain_layer(name)(tf.constant(prepared.tensor))
        activation, _ = class_activation(evidence.numpy(), "malignant")
        drawn = render(pixels, activation, prepared.box)
        files = {"original": drawn.original, "heatmap": drawn.heatmap, "overlay": drawn.overlay}
        images = {kind: base64.b64encode(file).decode() for kind, file in files.items()}
        return {**_score_fields(float(score)), "layer_used": name, "images": images}

    def _score(self, tensor: np.ndarray[Any, Any]) -> float:
        if self._compiled:
            return float(self._call(tf.constant(tensor))[0, 0])
        return float(self._model.predict(tensor, verbose=0)[0, 0])

    def _explain_function(self, name: str) -> Any:
        both = keras.Model(self._model.inputs, [self._model.get_layer(name).output, self._model.output])

        def explain(image: Any) -> Any:
            with tf.GradientTape() as tape:
                activations, score = both(image, training=False)
                wanted = score[:, 0]
            weights = tf.reduce_mean(tape.gradient(wanted, activations), (1, 2), keepdims=True)
            return score[0, 0], tf.reduce_sum(activations * weights, -1)[0]

        return tf.function(explain) if self._compiled else explain


def _decode(image: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image))).convert("RGB"))


def _score_fields(score: float) -> dict[str, Any]:
    class_id = int(score >= 0.5)
    band = next(band for band in RISK_BANDS if score >= band.minimum)
    return {
        "success": True,
        "prediction": {"class": class_id, "label": CLASSES[str(class_id)], "confidence_score": score},
        "risk_assessment": band.label,
        "recommendation": band.recommendation,
    }
