"""The sets' pictures, ready to be shown to the network, and how they are dealt into folds."""

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
from thyroid_model.networks import whole_image as whole_picture
from thyroid_model.training.cross_validation import Chosen, Logits, Round
from thyroid_model.training.recipe import Recipe

FEWEST_OUTLINED_FOLDS = 2  # one is measured, and its prior comes from the others


@dataclass(frozen=True)
class Sets:
    """The pictures of a training.

    Attributes
    ----------
    names : tuple of str
        Of DDTI's frames.
    labels : numpy.ndarray
        Their labels, 0 or 1, shape (frames,).
    seen : sequence of View
        Their fields of view.
    dealt : tuple of numpy.ndarray
        For each round, the fold of each frame.
    first : Examples
        Breast lesions, which a network starts on.
    """

    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    seen: Sequence[View]
    dealt: tuple[npt.NDArray[np.int64], ...]
    first: Examples

    @cached_property
    def tensors(self) -> npt.NDArray[np.float32]:
        """The frames as the network gets them: shape (frames, size, size, 3)."""
        return np.stack([view.tensor for view in self.seen])

    @cached_property
    def examples(self) -> Examples:
        """The frames to train on."""
        return thyroid_examples(self.seen, self.labels.astype(np.float32))

    def line(self, chosen: Chosen) -> whole_picture.Line:
        """Fit what statistics of the whole picture say, on the chosen frames."""
        return whole_picture.fit(self._statistics[chosen], self.labels[chosen])

    def added(self, chosen: Chosen) -> Logits:
        """Return what they say of all frames."""
        return self.line(chosen)(self._statistics)

    def rounds(self, recipe: Recipe, work: Path) -> list[Round]:
        """Return the rounds of cross-validation, each with folds of its own."""
        return [
            Round(self.labels, folds, seed, work, recipe.stops(), self.added) for seed, folds in enumerate(self.dealt)
        ]

    @cached_property
    def _statistics(self) -> npt.NDArray[np.float64]:
        return whole_picture.statistics(self.tensors)


def prepare(frames: Sequence[Frame], others: Sequence[Lesion], recipe: Recipe) -> Sets:
    """Deal the frames into folds, and make of the pictures what the network is shown.

    Raises
    ------
    DataError
        If there will be nothing to hold maps against: better said now than after hours of training.
    """
    cases, labels = [frame.case for frame in frames], [frame.label for frame in frames]
    dealt = tuple(folds_by_case(cases, labels, recipe.folds, seed) for seed in range(recipe.seeds))
    _require_outlines(frames, dealt)
    return Sets(
        names=tuple(frame.path.name for frame in frames),
        labels=np.array(labels),
        seen=views(frames, recipe.input_size),
        dealt=dealt,
        first=lesion_examples(others, recipe.input_size),
    )


def _require_outlines(frames: Sequence[Frame], dealt: Iterable[npt.NDArray[np.int64]]) -> None:
    outlined = np.array([bool(frame.outlines) for frame in frames])
    if any(len(set(folds[outlined].tolist())) < FEWEST_OUTLINED_FOLDS for folds in dealt):
        raise DataError(
            f"{SET}: {outlined.sum()} of its frames have an outline that can be read, too few to hold maps "
            f"against in {FEWEST_OUTLINED_FOLDS} folds. Is it the whole set?"
        )
