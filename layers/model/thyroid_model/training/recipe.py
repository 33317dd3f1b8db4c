"""All that decides how the bundled network is trained, besides the pictures."""

import math
from dataclasses import dataclass

from thyroid_model.training.augment import Range
from thyroid_model.training.fit import Schedule

FEWEST_FOLDS = 3  # one is scored, one chooses, and one at least is left to train on


@dataclass(frozen=True)
class Recipe:
    """All that decides a training, besides the pictures.

    Attributes
    ----------
    input_size : int
        Height and width of the network's input, in pixels.
    folds : int
        Folds by case.
    seeds : int
        Rounds of cross-validation, each with folds and first weights of its own.
    batch : int
        Pictures a step.
    pretraining_epochs, pretraining_rate
        On the breast sets: epochs, and the learning rate at its highest.
    epochs, learning_rate
        On DDTI, after that. The network is taken after a half, three quarters or all of them.
    scratch_epochs, scratch_rate
        On DDTI, of the networks that start from random weights, to compare with: longer, as they have farther to go.

    Raises
    ------
    ValueError
        If there are fewer than three folds, less than one of anything else that is counted, a rate is not over 0, or
        the network can't have that input size.
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
        """Refuse what can't be trained."""
        if self.folds < FEWEST_FOLDS:
            raise ValueError(f"folds must be {FEWEST_FOLDS} or more, not {self.folds}: the choices are nested")
        if self.input_size < 32 or self.input_size % 32:
            raise ValueError(f"input_size must be a positive multiple of 32, not {self.input_size}")
        for name in ("seeds", "batch", "pretraining_epochs", "epochs", "scratch_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("pretraining_rate", "learning_rate", "scratch_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number over 0, not {getattr(self, name):g}")

    def stops(self) -> tuple[int, ...]:
        """Return the numbers of epochs on DDTI that are chosen from."""
        return tuple(sorted({max(1, self.epochs * quarters // 4) for quarters in (2, 3, 4)}))

    def pretraining(self) -> Schedule:
        """Windows about the lesions, always: the whole picture of a breast is another scale."""
        return Schedule(
            self.pretraining_epochs, self.pretraining_rate, batch=self.batch, limits=Range(lesion_share=1.0)
        )

    def training(self) -> Schedule:
        """Whole fields of view, which is what a request shows."""
        return Schedule(self.epochs, self.learning_rate, batch=self.batch, limits=Range(lesion_share=0.0))

    def from_scratch(self) -> Schedule:
        """Take longer, at a higher rate: random weights have farther to go."""
        return Schedule(self.scratch_epochs, self.scratch_rate, batch=self.batch, limits=Range(lesion_share=0.0))
