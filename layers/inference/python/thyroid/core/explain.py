"""A class activation map to images: the original, the heatmap and both laid over each other.

Grad-CAM as in Selvaraju et al. 2017 (arXiv:1610.02391): the map's positive part, divided by its maximum. The network
may have seen only a part of the image; its map goes back to that part, so that the overlay lies on what was sent.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid.core import png
from thyroid.core.field_of_view import Box
from thyroid.core.options import ExplainOptions, Target

REFERENCE_SIZE = 224  # Side of the square images that the reference service returns, in pixels.

# Of a map's largest magnitude, the share that is arithmetic's own error: float32 gradients differ from float64 ones by
# a few thousandths at worst and 1e-5 in the median. Evidence below the median error is none.
NO_EVIDENCE_BELOW = 1e-5


@dataclass(frozen=True)
class Images:
    """The three images of an explanation, each a PNG file."""

    original: bytes
    heatmap: bytes
    overlay: bytes


@dataclass(frozen=True)
class Explanation:
    """Which parts of an image speak for a class.

    Attributes
    ----------
    layer_used : str
        The conv layer whose map is shown.
    target : {"malignant", "benign"}
        The class whose evidence is shown.
    has_evidence : bool
        False where nothing speaks for the target; the map is then all zero.
    images : Images
        The map drawn.
    """

    layer_used: str
    target: Target
    has_evidence: bool
    images: Images


def explain(
    pixels: npt.NDArray[np.uint8], evidence: npt.NDArray[np.float32], box: Box, layer: str, options: ExplainOptions
) -> Explanation:
    """Draw the evidence for a class on the image it was computed from.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (height, width, 3) or (height, width)
        The upright image, in RGB or grey levels.
    evidence : numpy.ndarray of float32, shape (h, w)
        Signed evidence for malignancy at a layer, as the engine returns it.
    box : Box
        The part of the image that the evidence covers, in pixels.
    layer : str
        Name of the layer.
    options : ExplainOptions
        Which class, and how large.
    """
    activation, has_evidence = class_activation(evidence, options.target)
    return Explanation(layer, options.target, has_evidence, render(pixels, activation, box, options.size))


def class_activation(evidence: npt.NDArray[np.float32], target: Target) -> tuple[npt.NDArray[np.float32], bool]:
    """Keep the evidence for one class and scale it to [0, 1].

    Parameters
    ----------
    evidence : numpy.ndarray of float32, shape (h, w)
        Signed evidence for malignancy, as the engine returns it.
    target : {"malignant", "benign"}
        Class to explain; benign evidence is the negative of the malignant.

    Returns
    -------
    map : numpy.ndarray of float32, shape (h, w)
        Values in [0, 1], 1 where the evidence is strongest; all 0 where nothing speaks for the class.
    has_evidence : bool
        False for the map of zeros. Noise is never stretched into a map.
    """
    signed = np.nan_to_num(evidence.astype(np.float64), posinf=0.0, neginf=0.0)
    if target == "benign":
        signed = -signed
    strongest = float(signed.max(initial=0.0))
    if strongest <= NO_EVIDENCE_BELOW * float(np.abs(signed).max(initial=0.0)):
        return np.zeros(evidence.shape, np.float32), False
    return (np.maximum(signed, 0.0) / strongest).astype(np.float32), True


def render(
    pixels: npt.NDArray[np.uint8], activation: npt.NDArray[np.float32], box: Box, size: int | None = None
) -> Images:
    """Draw an activation map on the image it was computed from.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (height, width, 3) or (height, width)
        The image that was sent, in RGB or grey levels.
    activation : numpy.ndarray of float32, shape (h, w)
        Values in [0, 1].
    box : Box
        The part of the image that the map covers, in pixels.
    size : int, optional
        Longest side of the images, 64 to 1024, their shape kept. Without it they are 224 × 224, whatever the image's
        shape, as in the reference service.
    """
    height, width = pixels.shape[:2]
    out_height, out_width = _output_size(height, width, size)
    original = np.asarray(Image.fromarray(pixels).resize((out_width, out_height), Image.Resampling.BILINEAR))

    rows, in_rows = _interpolation(out_height, height, box.top, box.bottom, activation.shape[0])
    columns, in_columns = _interpolation(out_width, width, box.left, box.right, activation.shape[1])
    heat = np.zeros((out_height, out_width), np.uint8)
    heat[in_rows, in_columns] = np.rint(255.0 * (rows @ activation @ columns.T).clip(0.0, 1.0))

    overlay = np.repeat(original[..., np.newaxis], 3, axis=2) if original.ndim == 2 else original.copy()
    overlay[in_rows, in_columns] = _mixed(overlay[in_rows, in_columns], heat[in_rows, in_columns])
    return Images(original=png.encode(original), heatmap=png.encode(heat, JET), overlay=png.encode(overlay))


def _mixed(base: npt.NDArray[np.uint8], heat: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Lay the colours of `heat` over RGB: three fifths of the image, two fifths of the colour, rounded."""
    # In whole numbers, which is exact: fifths are never halfway between two levels.
    return ((np.uint16(3) * base + _TWICE_JET[heat] + np.uint16(2)) // np.uint16(5)).astype(np.uint8)


def _output_size(height: int, width: int, size: int | None) -> tuple[int, int]:
    if size is None:
        return REFERENCE_SIZE, REFERENCE_SIZE
    factor = size / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def _interpolation(
    out_length: int, length: int, start: int, stop: int, cells: int
) -> tuple[npt.NDArray[np.float64], slice]:
    """Weights that resample `cells`, laid over [start, stop) of a side, bilinearly along the resized side.

    Returns
    -------
    weights : numpy.ndarray of float64, shape (inside, cells)
        Of each output pixel inside. Each row sums to 1. Past the centre of the first and last cell the value stays
        constant.
    inside : slice
        The output pixels whose centres lie within [start, stop).
    """
    centres = (np.arange(out_length) + 0.5) * (length / out_length)
    inside = slice(int(np.searchsorted(centres, start)), int(np.searchsorted(centres, stop)))
    position = ((centres[inside] - start) / (stop - start) * cells - 0.5).clip(0.0, cells - 1.0)
    # A cell's weight falls from 1 at its centre to 0 at its neighbours'.
    return np.maximum(1.0 - np.abs(position[:, np.newaxis] - np.arange(cells)), 0.0), inside


def _jet() -> npt.NDArray[np.uint8]:
    """Return the 256 "jet" colours, dark blue to dark red: three trapezoids, a quarter of the scale apart."""
    value = np.linspace(0.0, 1.0, 256)
    channels = [1.5 - np.abs(4.0 * value - peak) for peak in (3.0, 2.0, 1.0)]
    return np.rint(255.0 * np.stack(channels, axis=1).clip(0.0, 1.0)).astype(np.uint8)


JET = _jet()
_TWICE_JET = 2 * JET.astype(np.uint16)
