"""What the core asks of an engine. :class:`thyroid.core.litert_engine.LiteRTEngine` is the one that serves."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from thyroid.core.manifest import Manifest
from thyroid.core.options import DEFAULT_OPTIONS, ExplainOptions


class Engine(Protocol):
    """Runs a compiled model."""

    @property
    def manifest(self) -> Manifest:
        """The artifact's manifest."""

    def check(self) -> None:
        """Open the graphs that are not open yet.

        Raises
        ------
        ModelUnavailableError
            If a file is missing or damaged.
        """

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        """Return the probability of malignancy, in [0, 1], of an input of shape ``(1, height, width, 3)``."""

    def score_and_map(
        self, tensor: npt.NDArray[np.float32], options: ExplainOptions = DEFAULT_OPTIONS
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Return the score and the signed evidence for malignancy that the options ask for, of shape ``(h, w)``.

        Raises
        ------
        UnknownLayerError
            If the model has no such layer.
        """
