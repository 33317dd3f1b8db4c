"""The golden image: a model has to reproduce its score from compile time before it scores other images."""

import hashlib
from pathlib import Path

from thyroid.core import imaging
from thyroid.core.engine import Engine
from thyroid.core.preprocessing import prepare
from thyroid.errors import ModelUnavailableError

# The golden image is trusted, so the configured limit for images of users does not apply to it.
MAX_PIXELS = 10_000_000


def prove(engine: Engine, folder: Path) -> None:
    """Score a model's golden image.

    Parameters
    ----------
    engine : Engine
        The model.
    folder : pathlib.Path
        Its artifact, which holds the golden image.

    Raises
    ------
    ModelUnavailableError
        If the golden image is missing, is not the one that the model was compiled with, or gets another score.
    """
    golden = engine.manifest.golden
    try:
        data = (folder / golden.file).read_bytes()
    except OSError as error:
        raise ModelUnavailableError("The model's golden image is missing; run `make model` again.") from error
    if hashlib.sha256(data).hexdigest() != golden.sha256:
        raise ModelUnavailableError("The model's golden image is damaged; run `make model` again.")
    pixels = imaging.decode(data, max_pixels=MAX_PIXELS).pixels
    _, height, width, _ = engine.manifest.input_shape
    score = engine.score(prepare(pixels, engine.manifest.preprocessing, height, width).tensor)
    if not abs(score - golden.score) <= golden.tolerance:  # written like this, NaN fails too
        raise ModelUnavailableError("The model does not reproduce its golden score here; run `make model` again.")
