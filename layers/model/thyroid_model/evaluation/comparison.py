"""Other ways to score the same frames, which the table compares with the bundled network."""

from collections.abc import Iterable, Sequence

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from thyroid.core.manifest import Preprocessing
from thyroid.core.preprocessing import prepare
from thyroid_model.data.ddti import Frame
from thyroid_model.data.examples import View
from thyroid_model.evaluation import texture
from thyroid_model.networks.sources import REFERENCE_PREPROCESSING

TEXTURE = "texture baseline, field of view"
PUBLISHED = "published weights"

Scores = npt.NDArray[np.float64]


def texture_scores(seen: Sequence[View], labels: npt.NDArray[np.int64], folds: npt.NDArray[np.int64]) -> Scores:
    """Score every frame by texture, fitted on the other folds.

    Parameters
    ----------
    folds : numpy.ndarray
        Of each frame, in each round: shape (seeds, frames), which the scores have too.
    """
    described = np.stack([texture.features(np.ascontiguousarray(view.tensor.mean(axis=2))) for view in seen])
    scores = np.full(folds.shape, np.nan)
    for row, fold_of in zip(scores, folds, strict=True):
        for fold in np.unique(fold_of):
            out = fold_of == fold
            row[out] = texture.scores(described[~out], labels[~out], described[out])
    return scores


def published_scores(model: keras.Model, frames: Sequence[Frame]) -> dict[str, Scores]:
    """Score every frame by the published network: whole, as its own preprocessing has it, and its field of view.

    Returns
    -------
    dict of str to numpy.ndarray
        Each of shape (1, frames).
    """
    _, height, width, _ = model.input_shape
    on_the_view = REFERENCE_PREPROCESSING.model_copy(update={"field_of_view": True})

    def batches(steps: Preprocessing, title: str) -> Iterable[npt.NDArray[np.float32]]:
        for frame in tqdm(frames, f"published network, {title}", unit="frame"):
            yield prepare(frame.pixels(), steps, height, width).tensor

    return {
        title: model.predict(np.concatenate(list(batches(steps, title))), batch_size=16, verbose=0).astype(np.float64).T
        for title, steps in (("whole frame", REFERENCE_PREPROCESSING), ("field of view", on_the_view))
    }
