"""Folds by case: frames of one patient's case are never on both sides of a split."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def folds_by_case(cases: Sequence[int], labels: Sequence[int], folds: int = 5, seed: int = 0) -> npt.NDArray[np.int64]:
    """Deal the cases out, each class on its own, so that every fold has about the same share of each.

    A case counts as positive if any of its frames is.

    Parameters
    ----------
    cases, labels : sequence of int
        One for each frame.
    folds : int
        How many.
    seed : int
        Decides the deal, alone.

    Returns
    -------
    numpy.ndarray
        The fold of each frame, from 0.

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
        fold_of.update((int(case), place % folds) for place, case in enumerate(members))
    return np.array([fold_of[case] for case in cases], dtype=np.int64)
