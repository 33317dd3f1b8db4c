"""Hyperparameters of the training of the bundled network."""

import math
from dataclasses import dataclass

from thyroid_model.training.augment import Limits
from thyroid_model.training.fit import Schedule

MIN_FOLDS = 3  # one to score, one to choose on, and at least one to train on


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training.

    Attributes
    ----------
    input_size : int
        Height and width of the network's input, in pixels.
    folds : int
        Number of folds, by case.
    seeds : int
        Number of rounds of cross-validation, each with other folds and initial weights.
    batch : int
        Images per step.
    pretraining_epochs, pretraining_rate
        On the breast sets: number of epochs, and maximal learning rate.
    epochs, learning_rate
        On DDTI, after that. The training stops after a half, three quarters or all of the epochs.
    scratch_epochs, scratch_rate
        On DDTI, of the networks that start from random weights, for comparison: longer, since they start farther off.

    Raises
    ------
    ValueError
        If there are fewer than three folds, another number is less than 1, a rate is not over 0, or the input size is
        not a positive multiple of 32.
    """

    input_size: int = 128
    folds: int = 5
    seeds: int = 3
    batch: int = 32
    pretraining_epochs: int = 18
    pretraining_rate: float = 2e-3
    epochs: int = 20
    learning_rate: float = 3e-4
    scratch_epochs: int = 40
    scratch_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Check the values."""
        if self.folds < MIN_FOLDS:
            raise ValueError(f"folds must be {MIN_FOLDS} or more, not {self.folds}: the choices are nested")
        if self.input_size < 32 or self.input_size % 32:
            raise ValueError(f"input_size must be a positive multiple of 32, not {self.input_size}")
        for name in ("seeds", "batch", "pretraining_epochs", "epochs", "scratch_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("pretraining_rate", "learning_rate", "scratch_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number over 0, not {getattr(self, name):g}")

    def stops(self) -> tuple[int, ...]:
        """Return the numbers of epochs on DDTI to choose from, increasing."""
        return tuple(sorted({max(1, self.epochs * quarters // 4) for quarters in (2, 3, 4)}))

    def pretraining(self) -> Schedule:
        """Return the schedule on the breast sets: windows around lesions, since whole breast images differ in scale."""
        return Schedule(
            self.pretraining_epochs, self.pretraining_rate, batch=self.batch, limits=Limits(lesion_share=1.0)
        )

    def training(self) -> Schedule:
        """Return the schedule on DDTI: whole fields of view, as in requests."""
        return Schedule(self.epochs, self.learning_rate, batch=self.batch, limits=Limits(lesion_share=0.0))

    def from_scratch(self) -> Schedule:
        """Return the schedule from random weights: longer, with a higher learning rate."""
        return Schedule(self.scratch_epochs, self.scratch_rate, batch=self.batch, limits=Limits(lesion_share=0.0))
