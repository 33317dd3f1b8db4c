"""The second part of the bundled model: a ridge regression on statistics of the whole image.

Trained on 347 frames, a network discriminates less well than a ridge regression on histograms and a thumbnail
(:class:`thyroid_model.networks.layers.PictureStatistics`). The two are complementary, so the model's logit is their
sum. The ridge regression has a closed form; its coefficients are merged into the model's last layer.
"""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from thyroid_model.metrics import prevalence_weights
from thyroid_model.networks.layers import MAX_DEVIATIONS, PictureStatistics, Standardized

_RIDGE = 1.0
# The network's logits are about this many times as far apart as the ridge regression's targets, -1 and 1.
_SCALE = 6.0

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LinearScore:
    """A logit that is linear in the statistics: ``weights · standardised(statistics)``.

    Attributes
    ----------
    mean, deviation, weights : numpy.ndarray
        Of each statistic, float64, shape (statistics,).
    """

    mean: Values
    deviation: Values
    weights: Values

    def __call__(self, features: Values) -> Values:
        """Return the logits, shape (images,), of statistics of shape (images, statistics)."""
        return _standardised(features, self.mean, self.deviation) @ self.weights


def statistics(tensors: npt.NDArray[np.float32]) -> Values:
    """Return the statistics of network inputs.

    Parameters
    ----------
    tensors : numpy.ndarray
        float32 in [0, 1], shape (images, height, width, 3).

    Returns
    -------
    numpy.ndarray
        float64, shape (images, statistics).
    """
    layer = PictureStatistics()
    parts = [keras.ops.convert_to_numpy(layer(tensors[start : start + 32])) for start in range(0, len(tensors), 32)]
    return np.concatenate(parts).astype(np.float64)


def fit(features: Values, labels: npt.NDArray[np.int64]) -> LinearScore:
    """Fit a ridge regression without an intercept, with equal total weights of both classes.

    The statistics are standardised over all images, so the score is biased towards the majority class. The calibration
    of the sum with the network's logit removes the bias.

    Parameters
    ----------
    features : numpy.ndarray
        Statistics, shape (images, statistics).
    labels : numpy.ndarray
        0 or 1, shape (images,).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    weights = prevalence_weights(labels, 0.5)
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    standardised = _standardised(features, mean, deviation)
    targets = 2.0 * labels - 1.0
    # There are more statistics than images, so the dual problem is the smaller one.
    gram = standardised @ standardised.T / standardised.shape[1]
    dual = np.linalg.solve(gram + _RIDGE * np.diag(1.0 / weights), targets)
    return LinearScore(mean, deviation, _SCALE * standardised.T @ dual / standardised.shape[1])


def add_statistics(network: keras.Model, score: LinearScore) -> keras.Model:
    """Return a new model whose logit is the network's logit plus the score of the statistics of its input.

    The layers of the network are shared; its last layer is replaced.

    Parameters
    ----------
    network : keras.Model
        Its last layer is a dense layer of one unit with a sigmoid activation.
    score : LinearScore
        As `fit` returns it.
    """
    head, inputs = network.layers[-1], network.inputs[0]
    statistics = Standardized(name="whole_picture")(PictureStatistics(name="statistics")(inputs))
    features = layers.Concatenate(name="all")([head.input, statistics])
    outputs = layers.Dense(1, activation="sigmoid", name="score")(features)
    model = keras.Model(inputs, outputs, name=network.name)
    kernel, bias = head.get_weights()
    model.get_layer("whole_picture").set_weights([score.mean, score.deviation])
    model.layers[-1].set_weights([np.concatenate([kernel, score.weights[:, np.newaxis].astype(np.float32)]), bias])
    return model


def _standardised(features: Values, mean: Values, deviation: Values) -> Values:
    return np.asarray(np.clip((features - mean) / deviation, -MAX_DEVIATIONS, MAX_DEVIATIONS))
