"""The golden picture: what a model has to score as it did when it was compiled, before it scores anyone else's."""

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from thyroid.core import imaging
from thyroid.core.manifest import Manifest
from thyroid.core.preprocessing import prepare
from thyroid.errors import ModelUnavailableError

# The picture is our own: the limit that is set for strangers' pictures is no matter to it.
MAX_PIXELS = 10_000_000


class Engine(Protocol):
    """What is asked of :class:`thyroid.core.engine.Engine` here."""

    @property
    def manifest(self) -> Manifest:
        """What is known of the model."""

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        """Return the malignancy score of one prepared picture."""


def prove(engine: Engine, folder: Path) -> None:
    """Score a model's golden picture.

    Parameters
    ----------
    engine : Engine
        The model.
    folder : pathlib.Path
        Its artifact, where the picture lies.

    Raises
    ------
    ModelUnavailableError
        If its golden picture is not the one that it was compiled with, or gets another score.
    """
    golden = engine.manifest.golden
    try:
        data = (folder / golden.file).read_bytes()
    except OSError as error:
        raise ModelUnavailableError("The model's golden picture is missing; run `make model` again.") from error
    if hashlib.sha256(data).hexdigest() != golden.sha256:
        raise ModelUnavailableError("The model's golden picture is damaged; run `make model` again.")
    pixels = imaging.decode(data, max_pixels=MAX_PIXELS).pixels
    _, height, width, _ = engine.manifest.input_shape
    score = engine.score(prepare(pixels, engine.manifest.preprocessing, height, width).tensor)
    if not abs(score - golden.score) <= golden.tolerance:  # so written, NaN fails too
        raise ModelUnavailableError("The model does not reproduce its golden score here; run `make model` again.")
