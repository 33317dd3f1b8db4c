"""Compares the class activation maps of every conv layer, and uninformed maps, with DDTI's outlines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from thyroid.core.assessment import MALIGNANT_FROM
from thyroid_model import progress
from thyroid_model.data.examples import View
from thyroid_model.networks.cam import conv_layers, tape_score_and_maps
from thyroid_model.training import faithfulness
from thyroid_model.training.localisation import Plane, centre_prior, localise, outline_prior, random_map

GRAD_CAM, UNTRAINED, PRIOR = "grad-cam", "untrained", "prior"
CENTRE, OUTLINES, RANDOM = "centre", "outlines of the training frames", "random"
_MAP_SIDE = 17  # odd, so that there is a central cell
# Deletion and insertion run the network 18 times for each map, so they are measured in one round only.
_FAITHFULNESS_SEED = 0


@dataclass(frozen=True)
class Row:
    """Measurements of one map of a frame that the network did not see.

    Attributes
    ----------
    seed, fold, frame
        Round, fold, and file name of the frame.
    kind : str
        ``grad-cam``, ``untrained`` (Grad-CAM of a network with random weights) or ``prior``.
    name : str
        The layer, or the prior.
    hit : int
        1 if the maximum is inside an outline, else 0.
    energy : float
        Share of the positive part that is inside, in [0, 1].
    deletion, insertion : float or None
        Areas under the curves, in [0, 1], where they were measured.
    hit_given, energy_given : int and float, or None
        Hit and energy of the evidence for the predicted class, where the map is signed.
    """

    seed: int
    fold: int
    frame: str
    kind: str
    name: str
    hit: int
    energy: float
    deletion: float | None = None
    insertion: float | None = None
    hit_given: int | None = None
    energy_given: float | None = None


class MapCheck:
    """Measures the maps of several networks with the same graph, which TensorFlow traces only once.

    Parameters
    ----------
    network : keras.Model
        Measured with the weights that it has at the time.
    untrained : keras.Model
        The same graph, with random weights.
    """

    def __init__(self, network: keras.Model, untrained: keras.Model) -> None:
        self._network = network
        self._names = list(conv_layers(network))
        # The last stages: maps of earlier layers are seldom used, and none of them was ever the best.
        self._blocks = {name.split("/")[0] for name in self._names if "/" in name}
        # With random weights, the maps of blocks are enough for a comparison.
        self._untrained_names = [name for name in self._names if name in self._blocks]
        self._maps = tape_score_and_maps(network, self._names)
        self._untrained = tape_score_and_maps(untrained, self._untrained_names)

    def measure(
        self,
        views: Sequence[View],
        frames: Sequence[str],
        folds: npt.NDArray[np.int64],
        seed: int,
        fold: int,
        served: keras.Model | None = None,
    ) -> list[Row]:
        """Measure the maps of the frames of one fold, which the network did not see.

        Parameters
        ----------
        views : sequence of View
            Of all frames.
        frames : sequence of str
            Their file names.
        folds : numpy.ndarray
            int64, the fold of each frame, shape (frames,).
        seed, fold : int
            The round, and its fold to measure. Frames without an outline are left out.
        served : keras.Model, optional
            The model whose score determines the predicted class, deletion and insertion; by default, the network.
        """
        scored = self._network if served is None else served
        self._score = tf.function(lambda images: scored(images, training=False)[:, 0])
        masks = np.stack([view.mask > 127 for view in views])
        outlined = masks.any(axis=(1, 2))
        prior = outline_prior(masks[(folds != fold) & outlined])
        measured = np.flatnonzero((folds == fold) & outlined)
        rows, rng = [], np.random.default_rng([seed, fold])
        for index in progress.bar(measured, title=f"seed {seed}, maps of fold {fold}", unit="frame"):
            tensor = views[index].tensor
            sign = 1.0 if float(self._score(tf.constant(tensor[np.newaxis]))[0]) >= MALIGNANT_FROM else -1.0
            for kind, name, evidence in self._all_maps(tensor, prior, rng):
                found = localise(evidence, masks[index])
                given: tuple[int, float] | tuple[None, None] = (None, None)
                if kind != PRIOR:
                    predicted = localise(sign * evidence, masks[index])
                    given = (int(predicted.hit), predicted.energy)
                curves = self._curves(tensor, seed, kind, name, evidence)
                rows.append(Row(seed, fold, frames[index], kind, name, int(found.hit), found.energy, *curves, *given))
        return rows

    def _all_maps(self, tensor: Plane, prior: Plane, rng: np.random.Generator) -> Iterator[tuple[str, str, Plane]]:
        for kind, compute_maps, names in (
            (GRAD_CAM, self._maps, self._names),
            (UNTRAINED, self._untrained, self._untrained_names),
        ):
            _, maps = compute_maps(tensor[np.newaxis])
            yield from ((kind, name, evidence) for name, evidence in zip(names, maps, strict=True))
        yield PRIOR, CENTRE, centre_prior(_MAP_SIDE)
        yield PRIOR, OUTLINES, prior
        yield PRIOR, RANDOM, random_map(_MAP_SIDE, rng)

    def _curves(
        self, tensor: Plane, seed: int, kind: str, name: str, evidence: Plane
    ) -> tuple[float | None, float | None]:
        if seed != _FAITHFULNESS_SEED or not (kind == PRIOR or name in self._blocks):
            return None, None
        curves = faithfulness.measure(tensor.mean(axis=2), evidence, self._scores)
        return curves.deletion, curves.insertion

    def _scores(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        scores: Any = self._score(tf.constant(np.repeat(images[..., np.newaxis], 3, axis=-1)))
        return np.asarray(scores, dtype=np.float64)
