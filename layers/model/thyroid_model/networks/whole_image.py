"""The other half of the bundled model: what statistics of the whole picture say, beside what the network sees.

A network that has 347 frames to learn from sees less than histograms and a thumbnail tell a ridge regression
(:class:`thyroid_model.networks.layers.PictureStatistics`). Neither knows what the other does, so the model's logit is
the sum of both. The ridge has a closed form; its line folds into the model's last layer.
"""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from thyroid_model.metrics import prevalence_weights
from thyroid_model.networks.layers import MOST_DEVIATIONS, PictureStatistics, Standardized

_RIDGE = 1.0
# From the ridge's targets, -1 and 1, to the network's logits, which are about as many times farther apart.
_SCALE = 6.0

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A score of the statistics: ``weights · standardized(statistics)``, as a logit.

    Attributes
    ----------
    mean, deviation, weights : numpy.ndarray
        Of each number, shape (statistics,).
    """

    mean: Values
    deviation: Values
    weights: Values

    def __call__(self, numbers: Values) -> Values:
        """Return the logits of statistics, of shape (pictures, statistics)."""
        return _standardized(numbers, self.mean, self.deviation) @ self.weights


def statistics(tensors: npt.NDArray[np.float32]) -> Values:
    """Return the statistics of pictures as the network gets them: shape (pictures, statistics)."""
    measure = PictureStatistics()
    parts = [keras.ops.convert_to_numpy(measure(tensors[start : start + 32])) for start in range(0, len(tensors), 32)]
    return np.concatenate(parts).astype(np.float64)


def fit(numbers: Values, labels: npt.NDArray[np.int64]) -> Line:
    """Fit a ridge regression in which both classes weigh the same, without an intercept.

    The numbers are standardized over all pictures, so the line leans towards the class that most are of; the
    calibration of the sum with the network's logit takes that away.

    Parameters
    ----------
    numbers : numpy.ndarray
        Statistics, shape (pictures, statistics).
    labels : numpy.ndarray
        0 or 1, shape (pictures,).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    weights = prevalence_weights(labels, 0.5)
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    columns = _standardized(numbers, mean, deviation)
    targets = 2.0 * labels - 1.0
    # There are more numbers than pictures: the dual form is the smaller one.
    alike = columns @ columns.T / columns.shape[1]
    dual = np.linalg.solve(alike + _RIDGE * np.diag(1.0 / weights), targets)
    return Line(mean, deviation, _SCALE * columns.T @ dual / columns.shape[1])


def added_to(network: keras.Model, line: Line) -> keras.Model:
    """Return the network with the line's logit added to its own.

    Parameters
    ----------
    network : keras.Model
        It ends in a dense layer of one unit with a sigmoid activation.
    line : Line
        Of the statistics of its input.
    """
    head, picture = network.layers[-1], network.inputs[0]
    numbers = Standardized(name="whole_picture")(PictureStatistics(name="statistics")(picture))
    everything = layers.Concatenate(name="all")([head.input, numbers])
    score = layers.Dense(1, activation="sigmoid", name="score")(everything)
    model = keras.Model(picture, score, name=network.name)
    kernel, bias = head.get_weights()
    model.get_layer("whole_picture").set_weights([line.mean, line.deviation])
    model.layers[-1].set_weights([np.concatenate([kernel, line.weights[:, np.newaxis].astype(np.float32)]), bias])
    return model


def _standardized(numbers: Values, mean: Values, deviation: Values) -> Values:
    return np.asarray(np.clip((numbers - mean) / deviation, -MOST_DEVIATIONS, MOST_DEVIATIONS))
