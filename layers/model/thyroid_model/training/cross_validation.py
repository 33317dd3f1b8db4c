"""Scores of frames whose cases a network did not see, with every choice made inside the training folds.

For each seed the cases are dealt into folds anew. A network trained on all folds but one scores that one. What those
scores are calibrated with, and the thresholds that they are held against, must not come from the fold either: for each
pair of folds a further network is trained on the others and scores both. Of an outer fold, its pairs give unseen scores
of all other folds; on these, how long to train, calibration and thresholds are chosen.

Each training is kept when it is done, so an interrupted run goes on where it stopped.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thyroid_model.metrics import auc, threshold_for
from thyroid_model.training import calibration

SPECIFICITIES = (0.80, 0.90)

Chosen = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float64]
Pair = tuple[int, int]
# Trains on the chosen frames, keeps the network under the path, and returns the logits of all frames after each of some
# numbers of epochs: shape (stops, frames).
Training = Callable[[Chosen, int, str, Path | None, Sequence[int]], Logits]
# Fits on the chosen frames whatever is added to a network's logits, and returns that of all frames.
Addition = Callable[[Chosen], Logits]


@dataclass(frozen=True)
class OutOfFold:
    """What networks that did not see a frame's case made of it; each of shape (frames,).

    Attributes
    ----------
    folds : numpy.ndarray
        From 0.
    logits : numpy.ndarray
        As the network gives them, with what is added.
    scores : numpy.ndarray
        Calibrated, in [0, 1].
    thresholds : dict of float to numpy.ndarray
        For each of `SPECIFICITIES`, the calibrated score above which the frame counts as suspicious.
    calibrations : tuple of Platt
        Of each fold.
    added : numpy.ndarray
        The part of the logits that was added to the network's.
    epochs : tuple of int
        After how many each fold's network was taken.
    """

    folds: npt.NDArray[np.int64]
    logits: Logits
    scores: Logits
    thresholds: dict[float, Logits]
    calibrations: tuple[calibration.Platt, ...]
    added: Logits
    epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Round:
    """One round: the cases are dealt into folds, and each fold is scored by a network that did not see it.

    Attributes
    ----------
    labels, folds : numpy.ndarray
        Of each frame.
    seed : int
        Of this round; each training gets a seed of its own from it.
    work : pathlib.Path
        Where finished trainings are kept.
    stops : tuple of int
        Numbers of epochs to choose from, rising.
    add : callable
        Fits what is added to the logits, on the same frames as each network.
    """

    labels: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]
    seed: int
    work: Path
    stops: tuple[int, ...]
    add: Addition = lambda chosen: np.zeros(len(chosen))

    @property
    def numbers(self) -> list[int]:
        """The folds, from 0."""
        return [int(fold) for fold in np.unique(self.folds)]

    def train_pair(self, pair: Pair, train: Training) -> None:
        """Train without two folds, to choose by."""
        kept(
            pair_file(self.work, self.seed, pair),
            lambda: train(
                ~np.isin(self.folds, pair),
                1000 * self.seed + 10 * pair[0] + pair[1] + 100,
                f"seed {self.seed}, without {pair}",
                None,
                self.stops,
            ),
        )

    def train_fold(self, fold: int, train: Training) -> None:
        """Train without one fold, for as many epochs as its pairs' trainings say; those come before."""
        file = network_file(self.work, self.seed, fold)
        kept(
            logits_file(self.work, self.seed, fold),
            lambda: train(
                self.folds != fold,
                1000 * self.seed + fold,
                f"seed {self.seed}, without fold {fold}",
                file,
                (self._choice(fold)[0],),
            ),
        )

    def platt(self, fold: int) -> calibration.Platt:
        """Fit a fold's calibration, on the others' scores by networks that saw neither."""
        return self._fitted(fold, self._choice(fold)[1])

    def result(self) -> OutOfFold:
        """Put together what the trainings, which come before, have kept."""
        logits, scores, added = (np.full(len(self.labels), np.nan) for _ in range(3))
        thresholds = {specificity: np.full(len(self.labels), np.nan) for specificity in SPECIFICITIES}
        platts, epochs = [], []
        for fold in self.numbers:
            out = self.folds == fold
            taken_after, inner = self._choice(fold)
            epochs.append(taken_after)
            added[out] = self.add(~out)[out]
            logits[out] = load(logits_file(self.work, self.seed, fold))[0, out] + added[out]
            platt = self._fitted(fold, inner)
            platts.append(platt)
            scores[out] = platt(logits[out])
            for specificity, threshold in thresholds.items():
                threshold[out] = threshold_for(specificity, self.labels[~out], platt(inner[~out]))
        return OutOfFold(self.folds, logits, scores, thresholds, tuple(platts), added, tuple(epochs))

    def _fitted(self, fold: int, inner: Logits) -> calibration.Platt:
        others = self.folds != fold
        return calibration.fit(inner[others], self.labels[others])

    def _choice(self, fold: int) -> tuple[int, Logits]:
        """Return after how many epochs the other folds are told apart best, and their logits then."""
        others = self.folds != fold
        at_stops = np.full((len(self.stops), len(self.labels)), np.nan)
        for other in self.numbers:
            if other != fold:
                pair, scored = (min(fold, other), max(fold, other)), self.folds == other
                logits = load(pair_file(self.work, self.seed, pair)) + self.add(~np.isin(self.folds, pair))
                at_stops[:, scored] = logits[:, scored]
        best = int(np.argmax([auc(self.labels[others], inner[others]) for inner in at_stops]))
        return self.stops[best], at_stops[best]


def pairs(folds: Iterable[int]) -> list[Pair]:
    """Return all pairs of folds, the lower first."""
    return list(combinations(folds, 2))


def network_file(work: Path, seed: int, fold: int) -> Path:
    """Return where the network that did not see a fold is kept."""
    return work / f"seed-{seed}-fold-{fold}.keras"


def logits_file(work: Path, seed: int, fold: int) -> Path:
    """Return where its logits of all frames are kept; when they are there, it is."""
    return work / f"seed-{seed}-fold-{fold}.npy"


def pair_file(work: Path, seed: int, pair: Pair) -> Path:
    """Return where the logits of the network without two folds are kept."""
    return work / f"seed-{seed}-without-{pair[0]}-{pair[1]}.npy"


def beside(labels: npt.NDArray[np.int64], folds: npt.NDArray[np.int64], logits: Logits) -> OutOfFold:
    """Calibrate out-of-fold logits of something that only stands beside the model, for each fold by the others.

    It is not nested: what scored the other folds has seen this one. That may flatter the scores a little, and no
    thresholds are chosen from them.
    """
    platts = [calibration.fit(logits[folds != fold], labels[folds != fold]) for fold in np.unique(folds).tolist()]
    scores = np.full(len(labels), np.nan)
    for fold, platt in zip(np.unique(folds).tolist(), platts, strict=True):
        scores[folds == fold] = platt(logits[folds == fold])
    none = {specificity: np.full(len(labels), np.nan) for specificity in SPECIFICITIES}
    return OutOfFold(folds, logits, scores, none, tuple(platts), np.zeros(len(labels)))


def kept(path: Path, make: Callable[[], Logits]) -> Logits:
    """Return what is kept under a path; make and keep it first where nothing is."""
    if not path.exists():
        logits = make()
        keep(path, lambda half: np.save(half, logits))
    return load(path)


def load(path: Path) -> Logits:
    """Return logits that are kept."""
    return np.asarray(np.load(path))


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Write under another name first: a half-written file must not look like a finished training.

    The name is this process's own, so that several may share the work.
    """
    half = path.with_name(f"half-{os.getpid()}-{path.name}")
    write(half)
    half.replace(path)
