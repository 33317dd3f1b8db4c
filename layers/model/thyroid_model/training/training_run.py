"""What trainings and measurements run on: one network, whose steps TensorFlow traces once for all of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from thyroid_model.networks import whole_image as whole_picture
from thyroid_model.networks.lesion_network import LesionNetwork, build_lesion_network
from thyroid_model.record import MODEL_FILE
from thyroid_model.training import calibration
from thyroid_model.training.cross_validation import (
    Chosen,
    Logits,
    OutOfFold,
    Pair,
    Round,
    beside,
    keep,
    kept,
    load,
    network_file,
)
from thyroid_model.training.fit import Trainer
from thyroid_model.training.map_check import MapCheck
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.sets import Sets

CALIBRATION_FILE = "calibration.json"

Build = Callable[[int], LesionNetwork]


class Bench:
    """Does one training or measurement after another; each result is kept in a file of the work folder."""

    def __init__(self, sets: Sets, recipe: Recipe, work: Path, build: Build = build_lesion_network) -> None:
        self.sets, self.recipe, self.work, self._build = sets, recipe, work, build
        self.network = build(recipe.input_size)
        self.rounds = sets.rounds(recipe, work)
        self._trainer = Trainer(self.network, recipe.training())
        self._scratch = Trainer(self.network, recipe.from_scratch())

    def pretrain(self, seed: int) -> None:
        """Train on the breast sets."""
        self.network.training.set_weights(self._fresh(seed).training.get_weights())
        first = Trainer(self.network, self.recipe.pretraining())
        first.fit(self.sets.first, seed, f"seed {seed}, breast lesions")
        keep(pretrained_file(self.work, seed), self.network.training.save_weights)

    def pair(self, seed: int, pair: Pair) -> None:
        """Train without two folds, to choose by."""
        self.rounds[seed].train_pair(pair, partial(self.train, pretrained_file(self.work, seed)))

    def fold(self, seed: int, fold: int) -> None:
        """Train without one fold, to score it."""
        self.rounds[seed].train_fold(fold, partial(self.train, pretrained_file(self.work, seed)))

    def scratch(self, seed: int, fold: int) -> None:
        """Train without one fold, from random weights."""
        kept(
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

    def maps(self, seed: int, fold: int) -> None:
        """Hold the maps of a fold's network against the outlines of the frames that it did not see."""
        one = self.rounds[seed]
        network = self.network.score
        trained = keras.models.load_model(network_file(self.work, seed, fold), compile=False)
        network.set_weights(trained.get_weights())
        self._untrained.set_weights(self._fresh(seed).score.get_weights())
        served = whole_picture.added_to(network, self.sets.line(one.folds != fold))
        calibration.compile_into(served, one.platt(fold))
        rows = self._map_check.measure(self.sets.seen, self.sets.names, one.folds, seed, fold, served)
        told = json.dumps([asdict(row) for row in rows])
        keep(maps_file(self.work, seed, fold), lambda half: half.write_text(told))

    def final(self) -> None:
        """Train the network that is bundled, on all frames, and calibrate it by the rounds' scores."""
        done = [one.result() for one in self.rounds]
        everyone = np.ones(len(self.sets.labels), np.bool_)
        epochs = most_often([taken for each in done for taken in each.epochs])
        seed = self.recipe.seeds * 1000
        self.train(pretrained_file(self.work, 0), everyone, seed, "final, all frames", None, (epochs,))
        model = whole_picture.added_to(self.network.score, self.sets.line(everyone))
        pooled = np.concatenate([each.logits for each in done])
        platt = calibration.fit(pooled, np.tile(self.sets.labels, self.recipe.seeds))
        calibration.compile_into(model, platt)
        keep(self.work / CALIBRATION_FILE, lambda half: half.write_text(json.dumps(asdict(platt))))
        keep(self.work / MODEL_FILE, model.save)

    def train(
        self, start: Path | None, chosen: Chosen, seed: int, title: str, file: Path | None, stops: Sequence[int]
    ) -> Logits:
        """Train on the chosen frames, from kept weights or, without any, from the first ones of the seed.

        The network is kept under ``file``, if one is given. Returns its logits of all frames after each of the
        ``stops``: shape (stops, frames).
        """
        if start is None:
            self.network.training.set_weights(self._fresh(seed).training.get_weights())
        else:
            self.network.training.load_weights(start)
        trainer = self._scratch if start is None else self._trainer
        logits = np.stack(trainer.fit(self.sets.examples.where(chosen), seed, title, stops, self._logits))
        if file is not None:
            keep(file, self.network.score.save)
        return logits

    def _fresh(self, seed: int) -> LesionNetwork:
        """Build a network with the first weights of a seed."""
        keras.utils.set_random_seed(seed)
        return self._build(self.recipe.input_size)

    def _logits(self) -> Logits:
        """Return the network's logits of all frames."""
        scores = self.network.score.predict(self.sets.tensors, batch_size=32, verbose=0)[:, 0]
        return calibration.logit(scores.astype(np.float64))

    @cached_property
    def _untrained(self) -> keras.Model:
        return self._build(self.recipe.input_size).score

    @cached_property
    def _map_check(self) -> MapCheck:
        return MapCheck(self.network.score, self._untrained)


def from_scratch(one: Round, work: Path) -> OutOfFold:
    """Put together what the trainings from random weights, which come before, have kept of a round."""
    logits = np.full(len(one.labels), np.nan)
    for fold in one.numbers:
        out = one.folds == fold
        logits[out] = load(scratch_file(work, one.seed, fold))[0, out]
    return beside(one.labels, one.folds, logits)


def most_often(epochs: Sequence[int]) -> int:
    """Return the number of epochs that was chosen most often; of equals, the lowest."""
    return max(sorted(set(epochs)), key=epochs.count)


def pretrained_file(work: Path, seed: int) -> Path:
    """Return where the weights after the breast sets are kept."""
    return work / f"seed-{seed}-pretrained.weights.h5"


def scratch_file(work: Path, seed: int, fold: int) -> Path:
    """Return where the logits of the network from random weights are kept."""
    return work / f"seed-{seed}-scratch-{fold}.npy"


def maps_file(work: Path, seed: int, fold: int) -> Path:
    """Return where the rows of a fold's maps are kept."""
    return work / f"seed-{seed}-maps-{fold}.json"


def set_up(sets: Sets, recipe: Recipe, work: Path, build: Build, threads: int) -> Bench:
    """Set up a process's bench, with so many of TensorFlow's threads; 0 leaves that to TensorFlow."""
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    return Bench(sets, recipe, work, build)
