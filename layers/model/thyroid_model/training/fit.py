"""One training: a network, pictures with labels and outlines, and a schedule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from thyroid_model import progress
from thyroid_model.data.examples import Examples
from thyroid_model.data.findings import DataError
from thyroid_model.networks.lesion_network import LesionNetwork
from thyroid_model.training.augment import Range, augment, lesion_boxes, usable_panes

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Schedule:
    """How a training goes.

    Attributes
    ----------
    epochs : int
        Of the whole way, along which the learning rate falls. A training may end on it.
    learning_rate : float
        AdamW's, at the highest: it rises over the first twentieth and falls to 0 along a cosine.
    batch : int
        Pictures a step; what is left of an epoch is dropped, another part each time.
    weight_decay : float
        Of kernels; not of biases and normalisation.
    averaging : float
        Of the moving average of weights, which is what is kept.
    mixing : float
        Largest share that another picture is mixed in with, its label and outline too (mixup, arXiv:1710.09412).
    lesion_loss : float
        Weight of the outlines' loss beside the label's.
    limits : Range
        How far the augmentation goes.
    """

    epochs: int
    learning_rate: float
    batch: int = 32
    weight_decay: float = 1e-3
    averaging: float = 0.99
    mixing: float = 0.0
    lesion_loss: float = 1.0
    limits: Range = field(default_factory=Range)


class Trainer:
    """Trains a network time and again, each time from other weights; its steps are traced by TensorFlow only once.

    Parameters
    ----------
    network : LesionNetwork
        Its weights are changed in place.
    schedule : Schedule
        How each training goes.
    """

    def __init__(self, network: LesionNetwork, schedule: Schedule) -> None:
        self._network, self._schedule = network.training, schedule
        self._size = int(network.training.input_shape[1])
        self._optimizer = keras.optimizers.AdamW(
            schedule.learning_rate, weight_decay=schedule.weight_decay, global_clipnorm=1.0
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self._optimizer.build(network.training.trainable_variables)
        self._fresh = [variable.numpy() for variable in self._optimizer.variables]
        self._weights = network.training.weights
        self._averages = [tf.Variable(weight.value) for weight in self._weights]
        # Keras does not count the states of dropout among the weights.
        self._chances = [state for state in network.training.variables if state.path.endswith("seed_generator_state")]
        # Neither XLA, which compiles for minutes and is slower on a processor, nor one trace for each batch.
        self._step = tf.function(self._make_step)

    def fit(
        self,
        examples: Examples,
        seed: int,
        title: str,
        stops: Sequence[int] = (),
        look: Callable[[], Any] = lambda: None,
    ) -> list[Any]:
        """Train from the weights that the network has now, and leave it with the averaged ones.

        Parameters
        ----------
        examples : Examples
            Of which each epoch shows as many as fill batches.
        seed : int
            Of order, augmentation and dropout.
        title : str
            Of the progress bar.
        stops : sequence of int
            Epochs after which to look, rising; the training ends after the last. Without any, all epochs.
        look : callable
            Called at each stop, when the network has the averaged weights.

        Returns
        -------
        list
            What ``look`` returned at each stop.

        Raises
        ------
        DataError
            If there are fewer examples than a batch takes, or a class is missing.
        ValueError
            If the stops do not rise from 1 or more to all epochs or fewer.
        """
        schedule, count = self._schedule, len(examples)
        stops = tuple(stops) or (schedule.epochs,)
        if list(stops) != sorted(set(stops)) or not 1 <= stops[0] <= stops[-1] <= schedule.epochs:
            raise ValueError(f"stops must rise from 1 to {schedule.epochs}, not be {stops}")
        if count < schedule.batch:
            raise DataError(
                f"{title}: a training needs at least {schedule.batch} pictures, not {count}; "
                "give more, or a smaller batch."
            )
        rng = np.random.default_rng(seed)
        for number, state in enumerate(self._chances):
            state.assign([seed, number])
        for variable, value in zip(self._optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign(weight.value)

        boxes, panes = lesion_boxes(examples.masks), usable_panes(examples.masks, examples.two_panes)
        try:
            weights = class_weights(examples.labels)
        except ValueError as error:
            raise DataError(f"{title}: {error}") from error
        steps = count // schedule.batch
        total, done, seen = schedule.epochs * steps, 0, []
        with progress.bar(total=stops[-1] * steps, title=title, unit="step", smoothing=0.05) as bar:
            for epoch in range(stops[-1]):
                order = rng.permutation(count)[: steps * schedule.batch]
                for chosen in order.reshape(steps, schedule.batch):
                    done += 1
                    self._optimizer.learning_rate.assign(self._rate(done, total))
                    loss = self._step(
                        _unit(examples.pictures[chosen]),
                        _unit(examples.masks[chosen]),
                        tf.constant(boxes[chosen]),
                        tf.constant(panes[chosen]),
                        tf.constant(examples.labels[chosen]),
                        tf.constant(weights[chosen]),
                        tf.constant((seed % 10_000) * 100_000 + done, tf.int32),
                        # A long average of few steps would still be the first weights.
                        tf.constant(min(schedule.averaging, done / (done + 10)), tf.float32),
                    )
                    bar.update()
                bar.set_postfix(epoch=epoch + 1, loss=f"{float(loss):.3f}", refresh=False)
                if epoch + 1 in stops:
                    on_the_way = [weight.numpy() for weight in self._weights]
                    for average, weight in zip(self._averages, self._weights, strict=True):
                        weight.assign(average)
                    seen.append(look())
                    if epoch + 1 < stops[-1]:
                        for value, weight in zip(on_the_way, self._weights, strict=True):
                            weight.assign(value)
        return seen

    def _rate(self, step: int, total: int) -> float:
        warm_up = max(20, total // 20)
        return self._schedule.learning_rate * min(1.0, step / warm_up) * 0.5 * (1 + float(np.cos(np.pi * step / total)))

    def _make_step(
        self, pictures: Any, masks: Any, boxes: Any, panes: Any, labels: Any, weights: Any, seed: Any, averaging: Any
    ) -> Any:
        schedule = self._schedule
        pictures, masks = augment(pictures, masks, boxes, panes, self._size, seed, schedule.limits)
        outlined = tf.cast(boxes[:, 2] > 0, tf.float32)
        if schedule.mixing:
            share = tf.random.stateless_uniform([], [seed, 0], 0.0, schedule.mixing)
            pictures, masks, labels, weights, outlined = (
                (1 - share) * values + share * tf.reverse(values, [0])
                for values in (pictures, masks, labels, weights, outlined)
            )
        with tf.GradientTape() as tape:
            score, lesion = self._network(tf.repeat(pictures, 3, axis=-1), training=True)
            loss = tf.reduce_mean(weights * keras.losses.binary_crossentropy(labels[:, tf.newaxis], score))
            loss += schedule.lesion_loss * lesion_loss(masks, lesion, outlined)
        trained = self._network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign_add((1.0 - averaging) * (weight.value - average))
        return loss


def class_weights(labels: Floats) -> Floats:
    """Return a weight for each picture, so that both classes weigh the same and the mean weight is 1.

    Raises
    ------
    ValueError
        If a class is missing.
    """
    positive = float(labels.mean())
    if not 0 < positive < 1:
        raise ValueError("A training needs pictures of both classes.")
    return np.asarray(np.where(labels > 0, 0.5 / positive, 0.5 / (1 - positive)), dtype=np.float32)


def lesion_loss(masks: Any, logits: Any, outlined: Any) -> Any:
    """Cross-entropy and half of the Dice loss (Milletari et al., 3DV 2016) of the lesion's places.

    Parameters
    ----------
    masks : tensor of shape (batch, size, size, 1)
        In [0, 1].
    logits : tensor of shape (batch, rows, columns, 1)
        The network's.
    outlined : tensor of shape (batch,)
        1 for pictures whose outlines are known; others do not count.
    """
    places = tf.image.resize(masks, logits.shape[1:3], "area")
    crossed = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(places, logits), (1, 2, 3))
    found = tf.sigmoid(logits)
    both, either = tf.reduce_sum(found * places, (1, 2, 3)), tf.reduce_sum(found + places, (1, 2, 3))
    return tf.reduce_mean(outlined * (crossed + 0.5 * (1 - (2 * both + 1) / (either + 1))))


def _unit(values: Bytes) -> Any:
    return tf.constant(values.astype(np.float32) / np.float32(255))
