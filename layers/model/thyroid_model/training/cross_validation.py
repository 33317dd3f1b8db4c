"""Nested cross-validation: scores of frames whose cases a network did not see, with all choices in the training folds.

For each seed the cases are split into folds anew. A network trained on all folds but one scores that fold. The
calibration and the thresholds of its scores must not depend on the fold either. Therefore, for each pair of folds, a
further network is trained on the other folds and scores both. The pairs of an outer fold yield unseen scores of all
other folds; the number of epochs, the calibration and the thresholds are chosen on these.

The result of each training is saved when it is done, so an interrupted run resumes.
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

Selection = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float64]
Pair = tuple[int, int]
# Takes the selected frames, a seed, a title, the path to save the network at or None, and numbers of epochs. Trains on
# the selected frames, and returns the logits of all frames after each of the numbers of epochs: shape (stops, frames).
Train = Callable[[Selection, int, str, Path | None, Sequence[int]], Logits]
# Fits a second score on the selected frames, and returns its logits, which are added to the network's, of all frames.
AddedLogits = Callable[[Selection], Logits]


@dataclass(frozen=True)
class OutOfFold:
    """Scores of frames by networks that did not see their cases; each array has shape (frames,).

    Attributes
    ----------
    folds : numpy.ndarray
        int64, the fold of each frame, from 0.
    logits : numpy.ndarray
        Uncalibrated, with the added logits.
    scores : numpy.ndarray
        Calibrated, in [0, 1].
    thresholds : dict of float to numpy.ndarray
        For each of `SPECIFICITIES`, the calibrated score above which the frame is suspicious; NaN if none was chosen.
    calibrations : tuple of Platt
        Of each fold.
    added : numpy.ndarray
        The logits that were added to those of the network.
    epochs : tuple of int
        Number of epochs of each fold's network.
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
    """One round of cross-validation: each fold is scored by a network that did not see it.

    Attributes
    ----------
    labels, folds : numpy.ndarray
        int64, of each frame, shape (frames,).
    seed : int
        Of this round; the seed of each training is derived from it.
    work : pathlib.Path
        Folder of the results of trainings.
    stops : tuple of int
        Numbers of epochs to choose from, increasing.
    added_logits : callable
        Fits, on the same frames as each network, the score that is added to the network's.
    """

    labels: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]
    seed: int
    work: Path
    stops: tuple[int, ...]
    added_logits: AddedLogits = lambda selected: np.zeros(len(selected))

    @property
    def fold_numbers(self) -> list[int]:
        """The folds, from 0."""
        return [int(fold) for fold in np.unique(self.folds)]

    def train_pair(self, pair: Pair, train: Train) -> None:
        """Train without two folds; the choices of both folds are made on these logits."""
        load_or_compute(
            pair_file(self.work, self.seed, pair),
            lambda: train(
                ~np.isin(self.folds, pair),
                1000 * self.seed + 10 * pair[0] + pair[1] + 100,
                f"seed {self.seed}, without {pair}",
                None,
                self.stops,
            ),
        )

    def train_fold(self, fold: int, train: Train) -> None:
        """Train without one fold, for the number of epochs that its pairs choose.

        Raises
        ------
        FileNotFoundError
            If a pair of the fold has not been trained yet.
        """
        file = network_file(self.work, self.seed, fold)
        load_or_compute(
            logits_file(self.work, self.seed, fold),
            lambda: train(
                self.folds != fold,
                1000 * self.seed + fold,
                f"seed {self.seed}, without fold {fold}",
                file,
                (self._choose_epochs(fold)[0],),
            ),
        )

    def fit_calibration(self, fold: int) -> calibration.Platt:
        """Fit a fold's calibration on scores of the other folds, by networks that saw neither of the two folds."""
        return self._fit_calibration(fold, self._choose_epochs(fold)[1])

    def result(self) -> OutOfFold:
        """Combine the results of all trainings of the round.

        Raises
        ------
        FileNotFoundError
            If a training has not been done yet.
        """
        logits, scores, added = (np.full(len(self.labels), np.nan) for _ in range(3))
        thresholds = {specificity: np.full(len(self.labels), np.nan) for specificity in SPECIFICITIES}
        platts, epochs = [], []
        for fold in self.fold_numbers:
            out = self.folds == fold
            chosen_epochs, inner = self._choose_epochs(fold)
            epochs.append(chosen_epochs)
            added[out] = self.added_logits(~out)[out]
            logits[out] = load_logits(logits_file(self.work, self.seed, fold))[0, out] + added[out]
            platt = self._fit_calibration(fold, inner)
            platts.append(platt)
            scores[out] = platt(logits[out])
            for specificity, threshold in thresholds.items():
                threshold[out] = threshold_for(specificity, self.labels[~out], platt(inner[~out]))
        return OutOfFold(self.folds, logits, scores, thresholds, tuple(platts), added, tuple(epochs))

    def _fit_calibration(self, fold: int, inner: Logits) -> calibration.Platt:
        others = self.folds != fold
        return calibration.fit(inner[others], self.labels[others])

    def _choose_epochs(self, fold: int) -> tuple[int, Logits]:
        """Return the number of epochs with the best AUC on the other folds, and their logits then."""
        others = self.folds != fold
        at_stops = np.full((len(self.stops), len(self.labels)), np.nan)
        for other in self.fold_numbers:
            if other != fold:
                pair, scored = (min(fold, other), max(fold, other)), self.folds == other
                saved = load_logits(pair_file(self.work, self.seed, pair))
                logits = saved + self.added_logits(~np.isin(self.folds, pair))
                at_stops[:, scored] = logits[:, scored]
        best = int(np.argmax([auc(self.labels[others], inner[others]) for inner in at_stops]))
        return self.stops[best], at_stops[best]


def pairs(folds: Iterable[int]) -> list[Pair]:
    """Return all pairs of folds, the lower first."""
    return list(combinations(folds, 2))


def network_file(work: Path, seed: int, fold: int) -> Path:
    """Return the path of the network that did not see a fold."""
    return work / f"seed-{seed}-fold-{fold}.keras"


def logits_file(work: Path, seed: int, fold: int) -> Path:
    """Return the path of that network's logits of all frames; where it exists, so does the network."""
    return work / f"seed-{seed}-fold-{fold}.npy"


def pair_file(work: Path, seed: int, pair: Pair) -> Path:
    """Return the path of the logits of the network without two folds."""
    return work / f"seed-{seed}-without-{pair[0]}-{pair[1]}.npy"


def calibrate_across_folds(labels: npt.NDArray[np.int64], folds: npt.NDArray[np.int64], logits: Logits) -> OutOfFold:
    """Calibrate out-of-fold logits of a model to compare with, each fold on the others.

    It is not nested: the models that scored the other folds have seen this fold. The scores may be slightly optimistic,
    and no thresholds are chosen.

    Parameters
    ----------
    labels, folds, logits : numpy.ndarray
        Of each frame, shape (frames,).
    """
    numbers = np.unique(folds).tolist()
    platts = [calibration.fit(logits[folds != fold], labels[folds != fold]) for fold in numbers]
    scores = np.full(len(labels), np.nan)
    for fold, platt in zip(numbers, platts, strict=True):
        scores[folds == fold] = platt(logits[folds == fold])
    thresholds = {specificity: np.full(len(labels), np.nan) for specificity in SPECIFICITIES}
    return OutOfFold(folds, logits, scores, thresholds, tuple(platts), np.zeros(len(labels)))


def load_or_compute(path: Path, compute: Callable[[], Logits]) -> Logits:
    """Return the logits that are saved at a path; compute and save them first if there are none."""
    if not path.exists():
        logits = compute()
        save_atomically(path, lambda temporary: np.save(temporary, logits))
    return load_logits(path)


def load_logits(path: Path) -> Logits:
    """Return saved logits, shape (stops, frames).

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    return np.asarray(np.load(path))


def save_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, then rename it: an incomplete file must not look like a finished training.

    The temporary name contains the process id, so that several processes can share the folder.

    Parameters
    ----------
    path : pathlib.Path
        The final path.
    write : callable
        Writes the file to the path that it is given.
    """
    temporary = path.with_name(f"temporary-{os.getpid()}-{path.name}")
    write(temporary)
    temporary.replace(path)
