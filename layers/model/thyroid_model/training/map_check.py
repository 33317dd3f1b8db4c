"""Holds the class activation maps of every conv layer against DDTI's outlines, beside maps that know nothing."""

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
_MAP_SIDE = 17  # odd, so that the middle is one place
# Deletion and insertion run the network 18 times for each map: one round of frames is enough to compare.
_FAITHFULNESS_SEED = 0


@dataclass(frozen=True)
class Row:
    """One map of one frame that the network did not see.

    Attributes
    ----------
    seed, fold, frame
        Which frame, and in which round.
    kind : str
        ``grad-cam``, ``untrained`` (the same of a network with random weights) or ``prior``.
    name : str
        The layer, or which prior.
    hit : int
        1 if the highest point lies in an outline.
    energy : float
        Share of the positive part that does.
    deletion, insertion : float or None
        Areas under the curves, where they were measured.
    hit_given, energy_given : int and float, or None
        Hit and energy of the evidence for the class that the answer gives, where the map has two sides.
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
    """Measures maps of one network after another, all of one graph, which TensorFlow traces once.

    Parameters
    ----------
    network : keras.Model
        Its weights, at the time of a measurement, are what is measured.
    untrained : keras.Model
        The same graph; so are its weights, which are to be random.
    """

    def __init__(self, network: keras.Model, untrained: keras.Model) -> None:
        self._network = network
        self._names = list(conv_layers(network))
        # The deep end: layers before it are shown by few, and no map of them was ever the best.
        self._blocks = {name.split("/")[0] for name in self._names if "/" in name}
        # Of random weights, one block is enough to hold the others against.
        self._untrained_names = [name for name in self._names if name in self._blocks]
        self._maps = tape_score_and_maps(network, self._names)
        self._untrained = tape_score_and_maps(untrained, self._untrained_names)

    def measure(
        self,
        seen: Sequence[View],
        frames: Sequence[str],
        folds: npt.NDArray[np.int64],
        seed: int,
        fold: int,
        served: keras.Model | None = None,
    ) -> list[Row]:
        """Measure the maps of the frames of one fold of a round, which the network did not see.

        Deletion and insertion follow the score of ``served``, the network with all that is added to it, and so does the
        class given; without it, the network's own.
        """
        scored = self._network if served is None else served
        self._score = tf.function(lambda pictures: scored(pictures, training=False)[:, 0])
        masks = np.stack([view.mask > 127 for view in seen])
        outlined = masks.any(axis=(1, 2))
        elsewhere = outline_prior(masks[(folds != fold) & outlined])
        chosen = np.flatnonzero((folds == fold) & outlined)
        rows, rng = [], np.random.default_rng([seed, fold])
        for place in progress.bar(chosen, title=f"seed {seed}, maps of fold {fold}", unit="frame"):
            tensor = seen[place].tensor
            side = 1.0 if float(self._score(tf.constant(tensor[np.newaxis]))[0]) >= MALIGNANT_FROM else -1.0
            for kind, name, evidence in self._all_maps(tensor, elsewhere, rng):
                found = localise(evidence, masks[place])
                given: tuple[int, float] | tuple[None, None] = (None, None)
                if kind != PRIOR:
                    of_class = localise(side * evidence, masks[place])
                    given = (int(of_class.hit), of_class.energy)
                curves = self._curves(tensor, seed, kind, name, evidence)
                rows.append(Row(seed, fold, frames[place], kind, name, int(found.hit), found.energy, *curves, *given))
        return rows

    def _all_maps(self, tensor: Plane, elsewhere: Plane, rng: np.random.Generator) -> Iterator[tuple[str, str, Plane]]:
        for kind, maps_of, names in (
            (GRAD_CAM, self._maps, self._names),
            (UNTRAINED, self._untrained, self._untrained_names),
        ):
            _, maps = maps_of(tensor[np.newaxis])
            yield from ((kind, name, evidence) for name, evidence in zip(names, maps, strict=True))
        yield PRIOR, CENTRE, centre_prior(_MAP_SIDE)
        yield PRIOR, OUTLINES, elsewhere
        yield PRIOR, RANDOM, random_map(_MAP_SIDE, rng)

    def _curves(
        self, tensor: Plane, seed: int, kind: str, name: str, evidence: Plane
    ) -> tuple[float | None, float | None]:
        if seed != _FAITHFULNESS_SEED or not (kind == PRIOR or name in self._blocks):
            return None, None
        measured = faithfulness.measure(tensor.mean(axis=2), evidence, self._scores)
        return measured.deletion, measured.insertion

    def _scores(self, pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        scores: Any = self._score(tf.constant(np.repeat(pictures[..., np.newaxis], 3, axis=-1)))
        return np.asarray(scores, dtype=np.float64)
