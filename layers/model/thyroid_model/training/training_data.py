"""The datasets as network inputs, and their split into folds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thyroid_model.data.ddti import SET, Frame
from thyroid_model.data.examples import Examples, View, lesion_examples, thyroid_examples, views
from thyroid_model.data.findings import DataError
from thyroid_model.data.lesions import Lesion
from thyroid_model.data.split import folds_by_case
from thyroid_model.networks import whole_image
from thyroid_model.training.cross_validation import Logits, Round, Selection
from thyroid_model.training.recipe import Recipe

MIN_OUTLINED_FOLDS = 2  # one is measured, and its prior is computed on the others


@dataclass(frozen=True)
class TrainingData:
    """The images of a training.

    Attributes
    ----------
    names : tuple of str
        File names of DDTI's frames.
    labels : numpy.ndarray
        int64, labels of the frames, 0 or 1, shape (frames,).
    views : sequence of View
        Fields of view of the frames.
    folds_of_rounds : tuple of numpy.ndarray
        For each round, the fold of each frame: int64, shape (frames,).
    pretraining : Examples
        Breast lesions, which a network is trained on first.
    """

    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    views: Sequence[View]
    folds_of_rounds: tuple[npt.NDArray[np.int64], ...]
    pretraining: Examples

    @cached_property
    def tensors(self) -> npt.NDArray[np.float32]:
        """The frames as network inputs, in [0, 1]: shape (frames, size, size, 3)."""
        return np.stack([view.tensor for view in self.views])

    @cached_property
    def examples(self) -> Examples:
        """The frames as training examples."""
        return thyroid_examples(self.views, self.labels.astype(np.float32))

    def fit_statistics(self, selected: Selection) -> whole_image.LinearScore:
        """Fit the score of the whole image's statistics on the selected frames."""
        return whole_image.fit(self._statistics[selected], self.labels[selected])

    def statistics_logits(self, selected: Selection) -> Logits:
        """Fit that score on the selected frames, and return its logits of all frames: shape (frames,)."""
        return self.fit_statistics(selected)(self._statistics)

    def rounds(self, recipe: Recipe, work: Path) -> list[Round]:
        """Return the rounds of cross-validation, each with other folds."""
        return [
            Round(self.labels, folds, seed, work, recipe.stops(), self.statistics_logits)
            for seed, folds in enumerate(self.folds_of_rounds)
        ]

    @cached_property
    def _statistics(self) -> npt.NDArray[np.float64]:
        return whole_image.statistics(self.tensors)


def prepare(frames: Sequence[Frame], others: Sequence[Lesion], recipe: Recipe) -> TrainingData:
    """Split the frames into folds, and prepare the images as network inputs.

    Parameters
    ----------
    frames : sequence of Frame
        DDTI's labelled frames.
    others : sequence of Lesion
        Breast lesions.
    recipe : Recipe
        Input size, folds and seeds.

    Raises
    ------
    DataError
        If too few frames have outlines to measure maps: it is raised now, and not after hours of training.
    """
    cases, labels = [frame.case for frame in frames], [frame.label for frame in frames]
    folds_of_rounds = tuple(folds_by_case(cases, labels, recipe.folds, seed) for seed in range(recipe.seeds))
    _require_outlines(frames, folds_of_rounds)
    return TrainingData(
        names=tuple(frame.path.name for frame in frames),
        labels=np.array(labels),
        views=views(frames, recipe.input_size),
        folds_of_rounds=folds_of_rounds,
        pretraining=lesion_examples(others, recipe.input_size),
    )


def _require_outlines(frames: Sequence[Frame], folds_of_rounds: Iterable[npt.NDArray[np.int64]]) -> None:
    outlined = np.array([bool(frame.outlines) for frame in frames])
    if any(len(set(folds[outlined].tolist())) < MIN_OUTLINED_FOLDS for folds in folds_of_rounds):
        raise DataError(
            f"{SET}: {outlined.sum()} of its frames have an outline that can be read, too few to measure maps in "
            f"{MIN_OUTLINED_FOLDS} folds. Is it the whole set?"
        )
