"""One training of a network, on images with labels and outlines, by a schedule."""

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
from thyroid_model.training.augment import Limits, augment, lesion_boxes, usable_panes

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Schedule:
    """Hyperparameters of a training.

    Attributes
    ----------
    epochs : int
        Number of epochs over which the learning rate decays; a training may stop earlier.
    learning_rate : float
        Maximal learning rate of AdamW: it rises linearly over the first twentieth, and decays to 0 along a cosine.
    batch : int
        Images per step; the incomplete last batch of an epoch is dropped, other images each time.
    weight_decay : float
        Of kernels; biases and normalisation have none.
    ema_decay : float
        Decay of the exponential moving average of the weights; the averaged weights are the result.
    max_mixup : float
        Maximal share of a second image, with its label and outline (mixup, arXiv:1710.09412).
    lesion_loss_weight : float
        Weight of the loss of the outlines; that of the label has 1.
    limits : Limits
        Limits of the augmentation.
    """

    epochs: int
    learning_rate: float
    batch: int = 32
    weight_decay: float = 1e-3
    ema_decay: float = 0.99
    max_mixup: float = 0.0
    lesion_loss_weight: float = 1.0
    limits: Limits = field(default_factory=Limits)


class Trainer:
    """Trains a network repeatedly, from other weights each time; TensorFlow traces the training step only once.

    Parameters
    ----------
    network : LesionNetwork
        Its weights are changed in place.
    schedule : Schedule
        Hyperparameters of each training.
    """

    def __init__(self, network: LesionNetwork, schedule: Schedule) -> None:
        self._network, self._schedule = network.training, schedule
        self._size = int(network.training.input_shape[1])
        self._optimizer = keras.optimizers.AdamW(
            schedule.learning_rate, weight_decay=schedule.weight_decay, global_clipnorm=1.0
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self._optimizer.build(network.training.trainable_variables)
        self._initial_state = [variable.numpy() for variable in self._optimizer.variables]
        self._weights = network.training.weights
        self._averages = [tf.Variable(weight.value) for weight in self._weights]
        # Keras does not include the random states of dropout in the weights.
        self._dropout_states = [
            state for state in network.training.variables if state.path.endswith("seed_generator_state")
        ]
        # Without XLA, which compiles for minutes and is slower on a CPU, and with one trace for all batches.
        self._step = tf.function(self._run_step)

    def fit(
        self,
        examples: Examples,
        seed: int,
        title: str,
        stops: Sequence[int] = (),
        at_stop: Callable[[], Any] = lambda: None,
    ) -> list[Any]:
        """Train from the current weights of the network; afterwards it has the averaged weights.

        Parameters
        ----------
        examples : Examples
            At least as many as a batch has, of both classes.
        seed : int
            Of order, augmentation and dropout.
        title : str
            Of the progress bar.
        stops : sequence of int
            Epochs after which ``at_stop`` is called, increasing; the training ends after the last one. By default, the
            last epoch of the schedule.
        at_stop : callable
            Called at each stop, while the network has the averaged weights.

        Returns
        -------
        list
            What ``at_stop`` returned at each stop.

        Raises
        ------
        DataError
            If there are fewer examples than a batch takes, or a class is missing.
        ValueError
            If the stops do not increase, or are not between 1 and the number of epochs.
        """
        schedule, count = self._schedule, len(examples)
        stops = tuple(stops) or (schedule.epochs,)
        if list(stops) != sorted(set(stops)) or not 1 <= stops[0] <= stops[-1] <= schedule.epochs:
            raise ValueError(f"stops must increase within 1 to {schedule.epochs}, not be {stops}")
        if count < schedule.batch:
            raise DataError(
                f"{title}: a training needs at least {schedule.batch} images, not {count}; "
                "give more, or a smaller batch."
            )
        rng = np.random.default_rng(seed)
        for number, state in enumerate(self._dropout_states):
            state.assign([seed, number])
        for variable, value in zip(self._optimizer.variables, self._initial_state, strict=True):
            variable.assign(value)
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign(weight.value)

        boxes, panes = lesion_boxes(examples.masks), usable_panes(examples.masks, examples.two_panes)
        try:
            weights = class_weights(examples.labels)
        except ValueError as error:
            raise DataError(f"{title}: {error}") from error
        steps = count // schedule.batch
        total, done, results = schedule.epochs * steps, 0, []
        with progress.bar(total=stops[-1] * steps, title=title, unit="step", smoothing=0.05) as bar:
            for epoch in range(stops[-1]):
                order = rng.permutation(count)[: steps * schedule.batch]
                for batch in order.reshape(steps, schedule.batch):
                    done += 1
                    self._optimizer.learning_rate.assign(self._learning_rate(done, total))
                    loss = self._step(
                        _unit(examples.images[batch]),
                        _unit(examples.masks[batch]),
                        tf.constant(boxes[batch]),
                        tf.constant(panes[batch]),
                        tf.constant(examples.labels[batch]),
                        tf.constant(weights[batch]),
                        tf.constant((seed % 10_000) * 100_000 + done, tf.int32),
                        # After few steps, a slow average would still be the initial weights.
                        tf.constant(min(schedule.ema_decay, done / (done + 10)), tf.float32),
                    )
                    bar.update()
                bar.set_postfix(epoch=epoch + 1, loss=f"{float(loss):.3f}", refresh=False)
                if epoch + 1 in stops:
                    current = [weight.numpy() for weight in self._weights]
                    for average, weight in zip(self._averages, self._weights, strict=True):
                        weight.assign(average)
                    results.append(at_stop())
                    if epoch + 1 < stops[-1]:
                        for value, weight in zip(current, self._weights, strict=True):
                            weight.assign(value)
        return results

    def _learning_rate(self, step: int, total: int) -> float:
        warm_up = max(20, total // 20)
        return self._schedule.learning_rate * min(1.0, step / warm_up) * 0.5 * (1 + float(np.cos(np.pi * step / total)))

    def _run_step(
        self, images: Any, masks: Any, boxes: Any, panes: Any, labels: Any, weights: Any, seed: Any, ema_decay: Any
    ) -> Any:
        schedule = self._schedule
        images, masks = augment(images, masks, boxes, panes, self._size, seed, schedule.limits)
        outlined = tf.cast(boxes[:, 2] > 0, tf.float32)
        if schedule.max_mixup:
            share = tf.random.stateless_uniform([], [seed, 0], 0.0, schedule.max_mixup)
            images, masks, labels, weights, outlined = (
                (1 - share) * values + share * tf.reverse(values, [0])
                for values in (images, masks, labels, weights, outlined)
            )
        with tf.GradientTape() as tape:
            score, lesion = self._network(tf.repeat(images, 3, axis=-1), training=True)
            loss = tf.reduce_mean(weights * keras.losses.binary_crossentropy(labels[:, tf.newaxis], score))
            loss += schedule.lesion_loss_weight * lesion_loss(masks, lesion, outlined)
        trained = self._network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign_add((1.0 - ema_decay) * (weight.value - average))
        return loss


def class_weights(labels: Floats) -> Floats:
    """Return a weight for each image, float32, so that both classes have the same total weight; the mean is 1.

    Parameters
    ----------
    labels : numpy.ndarray
        0 or 1, shape (n,).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    positive = float(labels.mean())
    if not 0 < positive < 1:
        raise ValueError("A training needs images of both classes.")
    return np.asarray(np.where(labels > 0, 0.5 / positive, 0.5 / (1 - positive)), dtype=np.float32)


def lesion_loss(masks: Any, logits: Any, outlined: Any) -> Any:
    """Return the loss of the lesion logits: cross-entropy plus half of the Dice loss (Milletari et al., 3DV 2016).

    Parameters
    ----------
    masks : tensor of shape (batch, size, size, 1)
        In [0, 1].
    logits : tensor of shape (batch, rows, columns, 1)
        The network's lesion logits.
    outlined : tensor of shape (batch,)
        Weight of each image: 1 where its outline is known, 0 where it is not.
    """
    targets = tf.image.resize(masks, logits.shape[1:3], "area")
    cross_entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), (1, 2, 3))
    predicted = tf.sigmoid(logits)
    both, either = tf.reduce_sum(predicted * targets, (1, 2, 3)), tf.reduce_sum(predicted + targets, (1, 2, 3))
    return tf.reduce_mean(outlined * (cross_entropy + 0.5 * (1 - (2 * both + 1) / (either + 1))))


def _unit(values: Bytes) -> Any:
    return tf.constant(values.astype(np.float32) / np.float32(255))
