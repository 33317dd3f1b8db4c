"""Cross-validation folds by case: frames of one patient's case are always in the same fold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def folds_by_case(cases: Sequence[int], labels: Sequence[int], folds: int = 5, seed: int = 0) -> npt.NDArray[np.int64]:
    """Split the cases into folds, stratified by class.

    A case is positive if any of its frames is.

    Parameters
    ----------
    cases, labels : sequence of int
        Case and label, 0 or 1, of each frame.
    folds : int
        Number of folds.
    seed : int
        Seed of the split: the same seed gives the same folds.

    Returns
    -------
    numpy.ndarray
        int64, the fold of each frame, from 0; shape (frames,).

    Raises
    ------
    ValueError
        If a class has fewer cases than there are folds.
    """
    label_of: dict[int, int] = {}
    for case, label in zip(cases, labels, strict=True):
        label_of[case] = max(label, label_of.get(case, 0))

    rng = np.random.default_rng(seed)
    fold_of: dict[int, int] = {}
    for label in sorted(set(label_of.values())):
        members = rng.permutation(sorted(case for case, other in label_of.items() if other == label))
        if len(members) < folds:
            raise ValueError(f"Class {label} has {len(members)} cases, fewer than the {folds} folds.")
        fold_of.update((int(case), index % folds) for index, case in enumerate(members))
    return np.array([fold_of[case] for case in cases], dtype=np.int64)
