"""Scores of frames whose cases a network did not see, with every choice made inside the training folds.

For each seed the cases are dealt into folds anew. A network trained on all folds but one scores that one. What those
scores are calibrated with, and the thresholds that they are held against, must not come from the fold either: for each
pair of folds a further network is trained on the others and scores both. Of an outer fold, its pairs give unseen scores
of all other folds; on these, how long to train, calibration and thresholds are chosen.

Each training is kept when it is done, so an interrupted run goes on where it stopped.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thyroid_model import calibration
from thyroid_model.metrics import auc, threshold_for

SPECIFICITIES = (0.80, 0.90)

Chosen = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float64]
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


def network_file(work: Path, seed: int, fold: int) -> Path:
    """Return where the network that did not see a fold is kept."""
    return work / f"seed-{seed}-fold-{fold}.keras"


def cross_validate(
    labels: npt.NDArray[np.int64],
    folds: npt.NDArray[np.int64],
    seed: int,
    train: Training,
    work: Path,
    stops: Sequence[int],
    add: Addition = lambda chosen: np.zeros(len(chosen)),
) -> OutOfFold:
    """Score every frame by a network that saw no frame of its fold, nested as the module says.

    Parameters
    ----------
    labels, folds : numpy.ndarray
        Of each frame.
    seed : int
        Of this round; each training gets a seed of its own from it.
    train : callable
        Trains.
    work : pathlib.Path
        Where finished trainings are kept.
    stops : sequence of int
        Numbers of epochs to choose from, rising.
    add : callable, optional
        Fits what is added to the logits, on the same frames as each network.
    """
    numbers = np.unique(folds)
    paired = {
        pair: kept(
            work / f"seed-{seed}-without-{pair[0]}-{pair[1]}.npy",
            lambda pair=pair: train(  # type: ignore[misc]
                ~np.isin(folds, pair),
                1000 * seed + 10 * pair[0] + pair[1] + 100,
                f"seed {seed}, without {pair}",
                None,
                stops,
            ),
        )
        + add(~np.isin(folds, pair))
        for pair in combinations(numbers.tolist(), 2)
    }
    logits, scores, added = (np.full(len(labels), np.nan) for _ in range(3))
    platts: list[calibration.Platt] = []
    epochs: list[int] = []
    thresholds = {specificity: np.full(len(labels), np.nan) for specificity in SPECIFICITIES}
    for fold in numbers.tolist():
        out = folds == fold
        at_stops = np.full((len(stops), len(labels)), np.nan)
        for other in numbers[numbers != fold].tolist():
            at_stops[:, folds == other] = paired[min(fold, other), max(fold, other)][:, folds == other]
        best = int(np.argmax([auc(labels[~out], inner[~out]) for inner in at_stops]))
        inner = at_stops[best]
        epochs.append(stops[best])
        (of_all,) = kept(
            work / f"seed-{seed}-fold-{fold}.npy",
            lambda out=out, fold=fold, stop=stops[best]: train(  # type: ignore[misc]
                ~out, 1000 * seed + fold, f"seed {seed}, without fold {fold}", network_file(work, seed, fold), (stop,)
            ),
        )
        added[out] = add(~out)[out]
        logits[out] = of_all[out] + added[out]
        platt = calibration.fit(inner[~out], labels[~out])
        platts.append(platt)
        scores[out] = platt(logits[out])
        for specificity, threshold in thresholds.items():
            threshold[out] = threshold_for(specificity, labels[~out], platt(inner[~out]))
    return OutOfFold(folds, logits, scores, thresholds, tuple(platts), added, tuple(epochs))


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
    return np.asarray(np.load(path))


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Write under another name first: a half-written file must not look like a finished training.

    The name is this process's own, so that several may share the work.
    """
    half = path.with_name(f"half-{os.getpid()}-{path.name}")
    write(half)
    half.replace(path)
