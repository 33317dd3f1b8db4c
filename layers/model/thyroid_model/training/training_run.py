"""The trainings and measurements of one process: they share a network, whose graph TensorFlow traces only once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from thyroid_model.networks import whole_image
from thyroid_model.networks.lesion_network import LesionNetwork, build_lesion_network
from thyroid_model.record import MODEL_FILE
from thyroid_model.training import calibration
from thyroid_model.training.cross_validation import (
    Logits,
    OutOfFold,
    Pair,
    Round,
    Selection,
    calibrate_across_folds,
    load_logits,
    load_or_compute,
    network_file,
    save_atomically,
)
from thyroid_model.training.fit import Trainer
from thyroid_model.training.map_check import MapCheck
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.training_data import TrainingData

CALIBRATION_FILE = "calibration.json"

Build = Callable[[int], LesionNetwork]


class TrainingRun:
    """Does trainings and measurements one after another, and saves the result of each in the work folder.

    Parameters
    ----------
    data : TrainingData
        Frames and breast lesions.
    recipe : Recipe
        How they are trained on.
    work : pathlib.Path
        Folder of the results.
    build : callable
        Builds the network for an input size, in pixels.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, work: Path, build: Build = build_lesion_network) -> None:
        self.data, self.recipe, self.work, self._build = data, recipe, work, build
        self.network = build(recipe.input_size)
        self.rounds = data.rounds(recipe, work)
        self._trainer = Trainer(self.network, recipe.training())
        self._scratch_trainer = Trainer(self.network, recipe.from_scratch())

    def pretrain(self, seed: int) -> None:
        """Train on the breast sets."""
        self.network.training.set_weights(self._initial_network(seed).training.get_weights())
        trainer = Trainer(self.network, self.recipe.pretraining())
        trainer.fit(self.data.pretraining, seed, f"seed {seed}, breast lesions")
        save_atomically(pretrained_file(self.work, seed), self.network.training.save_weights)

    def train_pair(self, seed: int, pair: Pair) -> None:
        """Train without two folds, for the choices of both folds."""
        self.rounds[seed].train_pair(pair, partial(self.train, pretrained_file(self.work, seed)))

    def train_fold(self, seed: int, fold: int) -> None:
        """Train without one fold, to score it."""
        self.rounds[seed].train_fold(fold, partial(self.train, pretrained_file(self.work, seed)))

    def train_from_scratch(self, seed: int, fold: int) -> None:
        """Train without one fold, from random weights."""
        load_or_compute(
            scratch_file(self.work, seed, fold),
            lambda: self.train(
                None,
                self.rounds[seed].folds != fold,
                1000 * seed + 500 + fold,
                f"seed {seed}, scratch, without fold {fold}",
                None,
                (self.recipe.scratch_epochs,),
            ),
        )

    def measure_maps(self, seed: int, fold: int) -> None:
        """Compare the maps of a fold's network with the outlines of the frames that it did not see."""
        cv_round = self.rounds[seed]
        network = self.network.score
        trained = keras.models.load_model(network_file(self.work, seed, fold), compile=False)
        network.set_weights(trained.get_weights())
        self._untrained.set_weights(self._initial_network(seed).score.get_weights())
        served = whole_image.add_statistics(network, self.data.fit_statistics(cv_round.folds != fold))
        calibration.merge_into(served, cv_round.fit_calibration(fold))
        rows = self._map_check.measure(self.data.views, self.data.names, cv_round.folds, seed, fold, served)
        text = json.dumps([asdict(row) for row in rows])
        save_atomically(maps_file(self.work, seed, fold), lambda temporary: temporary.write_text(text))

    def train_final(self) -> None:
        """Train the bundled network on all frames, and calibrate it on the scores of the rounds."""
        results = [cv_round.result() for cv_round in self.rounds]
        everyone = np.ones(len(self.data.labels), np.bool_)
        epochs = most_frequent([number for result in results for number in result.epochs])
        seed = self.recipe.seeds * 1000
        self.train(pretrained_file(self.work, 0), everyone, seed, "final, all frames", None, (epochs,))
        model = whole_image.add_statistics(self.network.score, self.data.fit_statistics(everyone))
        pooled = np.concatenate([result.logits for result in results])
        platt = calibration.fit(pooled, np.tile(self.data.labels, self.recipe.seeds))
        calibration.merge_into(model, platt)
        save_atomically(self.work / CALIBRATION_FILE, lambda temporary: temporary.write_text(json.dumps(asdict(platt))))
        save_atomically(self.work / MODEL_FILE, model.save)

    def train(
        self,
        initial_weights: Path | None,
        selected: Selection,
        seed: int,
        title: str,
        file: Path | None,
        stops: Sequence[int],
    ) -> Logits:
        """Train on the selected frames.

        Parameters
        ----------
        initial_weights : pathlib.Path or None
            Saved weights to start from; None for the random ones of the seed.
        selected : numpy.ndarray
            bool, shape (frames,).
        seed : int
            Of order, augmentation and dropout.
        title : str
            Of the progress bar.
        file : pathlib.Path or None
            Where the network is saved, if anywhere.
        stops : sequence of int
            Numbers of epochs, increasing.

        Returns
        -------
        numpy.ndarray
            Logits of all frames after each of the ``stops``: shape (stops, frames).
        """
        if initial_weights is None:
            self.network.training.set_weights(self._initial_network(seed).training.get_weights())
        else:
            self.network.training.load_weights(initial_weights)
        trainer = self._scratch_trainer if initial_weights is None else self._trainer
        logits = np.stack(trainer.fit(self.data.examples.where(selected), seed, title, stops, self._logits))
        if file is not None:
            save_atomically(file, self.network.score.save)
        return logits

    def _initial_network(self, seed: int) -> LesionNetwork:
        """Build a network with the random weights of a seed."""
        keras.utils.set_random_seed(seed)
        return self._build(self.recipe.input_size)

    def _logits(self) -> Logits:
        """Return the network's logits of all frames, shape (frames,)."""
        scores = self.network.score.predict(self.data.tensors, batch_size=32, verbose=0)[:, 0]
        return calibration.logit(scores.astype(np.float64))

    @cached_property
    def _untrained(self) -> keras.Model:
        return self._build(self.recipe.input_size).score

    @cached_property
    def _map_check(self) -> MapCheck:
        return MapCheck(self.network.score, self._untrained)


def scratch_result(cv_round: Round, work: Path) -> OutOfFold:
    """Combine the results of the trainings of a round that started from random weights.

    Raises
    ------
    FileNotFoundError
        If one of them has not been done yet.
    """
    logits = np.full(len(cv_round.labels), np.nan)
    for fold in cv_round.fold_numbers:
        out = cv_round.folds == fold
        logits[out] = load_logits(scratch_file(work, cv_round.seed, fold))[0, out]
    return calibrate_across_folds(cv_round.labels, cv_round.folds, logits)


def most_frequent(epochs: Sequence[int]) -> int:
    """Return the most frequent number of epochs; the lowest one of several."""
    return max(sorted(set(epochs)), key=epochs.count)


def pretrained_file(work: Path, seed: int) -> Path:
    """Return the path of the weights after the training on the breast sets."""
    return work / f"seed-{seed}-pretrained.weights.h5"


def scratch_file(work: Path, seed: int, fold: int) -> Path:
    """Return the path of the logits of the network that started from random weights."""
    return work / f"seed-{seed}-scratch-{fold}.npy"


def maps_file(work: Path, seed: int, fold: int) -> Path:
    """Return the path of the measurements of a fold's maps."""
    return work / f"seed-{seed}-maps-{fold}.json"


def set_up(data: TrainingData, recipe: Recipe, work: Path, build: Build, threads: int) -> TrainingRun:
    """Return the training run of a process.

    Parameters
    ----------
    data, recipe, work, build
        As `TrainingRun` takes them.
    threads : int
        Number of TensorFlow's threads; 0 for its default.
    """
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    return TrainingRun(data, recipe, work, build)
