"""The golden picture: what a model has to score as it did when it was compiled, before it scores anyone else's."""

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from thyroid import imaging
from thyroid.errors import ModelUnavailableError
from thyroid.manifest import Manifest
from thyroid.preprocessing import prepare

# The picture is our own: the limit that is set for strangers' pictures is no matter to it.
MAX_PIXELS = 10_000_000


class Engine(Protocol):
    """What is asked of :class:`thyroid.engine.Engine` here."""

    @property
    def manifest(self) -> Manifest:
        """What is known of the model."""

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        """Return the malignancy score of one prepared picture."""

    def check(self) -> None:
        """Open what is not open yet."""


def prove(engine: Engine, folder: Path) -> None:
    """Open all of a model and score its golden picture.

    Parameters
    ----------
    engine : Engine
        The model.
    folder : pathlib.Path
        Its artifact, where the picture lies.

    Raises
    ------
    ModelUnavailableError
        If a part of the model does not open, its golden picture is not the one that it was compiled with, or that
        picture gets another score.
    """
    engine.check()
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
