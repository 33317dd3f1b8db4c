"""A baseline without a network: grey levels, coarse layout, and a line between the classes.

It knows the grey levels, edges and texture of an image, and a thumbnail of 16 × 16 pixels. A network has to be better
before it may claim to see more. Its settings were chosen in its favour, on the very frames that it is scored on.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid_model import logistic
from thyroid_model.metrics import prevalence_weights

_LEVELS, _EDGES, _SIDE = 32, 16, 16
_MAX_GRADIENT = 0.3  # of full scale, from one pixel to the next
_COMPONENTS = 40
_RIDGE = 10.0
# The eight neighbours of a pixel, in a circle.
_CIRCLE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))

Values = npt.NDArray[np.float64]


def features(grey: npt.NDArray[np.float32]) -> Values:
    """Describe one image: histograms of levels, edges and local binary patterns, and a thumbnail.

    Parameters
    ----------
    grey : numpy.ndarray
        float32 in [0, 1], shape (height, width).

    Returns
    -------
    numpy.ndarray
        Shape (features,).
    """
    down, across = np.gradient(grey)
    counts = (
        np.histogram(grey, bins=_LEVELS, range=(0.0, 1.0))[0],
        np.histogram(np.hypot(down, across), bins=_EDGES, range=(0.0, _MAX_GRADIENT))[0],
        np.bincount(_patterns(grey).ravel(), minlength=10),
    )
    thumbnail = np.asarray(Image.fromarray(grey).resize((_SIDE, _SIDE), Image.Resampling.BOX))
    # Square roots make the distances of histograms comparable (Hellinger).
    return np.concatenate([*(np.sqrt(count / grey.size) for count in counts), thumbnail.ravel()]).astype(np.float64)


def _patterns(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return uniform, rotation-invariant local binary patterns (Ojala et al., IEEE TPAMI 24, 2002): 0 to 9."""
    centre = grey[1:-1, 1:-1]
    height, width = grey.shape
    brighter = np.stack([grey[1 + y : height - 1 + y, 1 + x : width - 1 + x] >= centre for y, x in _CIRCLE])
    changes = np.sum(brighter != np.roll(brighter, 1, axis=0), axis=0)
    return np.where(changes <= 2, brighter.sum(axis=0), 9)


def scores(train: Values, labels: npt.NDArray[np.int64], test: Values) -> Values:
    """Fit on ``train`` and score ``test``: standardised, principal components, logistic regression of even classes.

    Parameters
    ----------
    train, test : numpy.ndarray
        Features, shape (images, features).
    labels : numpy.ndarray
        0 or 1 for each image of ``train``.

    Returns
    -------
    numpy.ndarray
        In [0, 1], one for each image of ``test``.
    """
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    train, test = (train - mean) / spread, (test - mean) / spread
    _, extents, axes = np.linalg.svd(train, full_matrices=False)
    axes = axes[extents > 1e-6 * extents[0]][:_COMPONENTS]  # of few images, the last axes are rounding alone
    projected = train @ axes.T
    scale = projected.std(axis=0) + 1e-9
    columns = np.column_stack([projected / scale, np.ones(len(train))])
    weights = prevalence_weights(labels, 0.5)
    pull = np.array([_RIDGE] * (columns.shape[1] - 1) + [1e-9])
    line = logistic.fit(columns, labels, weights, pull, np.zeros(len(pull)))
    return logistic.sigmoid(np.column_stack([test @ axes.T / scale, np.ones(len(test))]) @ line)
