"""Checks whether an image looks like the training images: B-mode ultrasound, in grey, of sufficient size.

A network scores any image, even a page of text. This module examines simple properties of the field of view, and 21
features of its texture that each have a plain meaning: the size and the elongation of its grain, the weight of its
edges, how its contrast depends on its brightness. Ultrasound is speckle, wider than tall, brighter at the top.
Photographs have long sharp edges, pages are flat, noise has no grain.

The rule is logistic in each feature and its square, since for most features both high and low values are a sign. Its
coefficients and its measured performance are in ``input_check.json``, written by
``python -m thyroid_model.training.input_check --choose``. It knows textures, not anatomy: an ultrasound image of
another organ passes, and a passed check does not mean that the score is right.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid.core.field_of_view import Box

Reason = Literal["too_small", "blank", "colour_overlay", "not_ultrasound"]

RULE_FILE = Path(__file__).with_suffix(".json")

MIN_SIDE = 96  # pixels of the field of view; in fewer, speckle cannot be recognised
BLANK_DEVIATION = 4.0  # grey levels; the flattest image of the public sets has 15
COLOURED = 48  # levels between the strongest and the weakest channel; JPEG of grey stays below
COLOUR_SHARE = 0.01  # of the pixels; coloured rulers and marks of the public sets take up to 0.0012
WORKING_SIDE = 256  # pixels, the longer side at which texture is measured
_SAMPLES = 512  # per side, at which colour is measured
_SUBSAMPLED_SIDE = 1024  # pixels that the longer side keeps at least when a large image is subsampled
_WINDOW = 7  # pixels a side, of the window of local contrast
_MAX_DISTANCE = 6.0  # deviations; a larger distance is no stronger sign

_Reals = npt.NDArray[np.floating[Any]]

_REASONS_IN_WORDS: dict[Reason, str] = {
    "too_small": f"its field of view is under {MIN_SIDE} pixels a side",
    "blank": "nearly all of it has one grey level",
    "colour_overlay": "part of it is in colour, as in a Doppler image",
    "not_ultrasound": "its texture is not that of B-mode ultrasound",
}


@dataclass(frozen=True)
class InputCheck:
    """The result of the check of an image.

    Attributes
    ----------
    reasons : tuple of str
        Why the image does not look like the training images; empty if it does.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def looks_like_ultrasound(self) -> bool:
        """True if there is no reason against it."""
        return not self.reasons

    @property
    def detail(self) -> str:
        """The result as one sentence."""
        if self.looks_like_ultrasound:
            return "The image looks like B-mode ultrasound."
        faults = "; ".join(_REASONS_IN_WORDS[reason] for reason in self.reasons)
        return f"The image does not look like what the model was trained on: {faults}."


@dataclass(frozen=True)
class Rule:
    """A logistic rule on the features and their squares, in standard deviations from the mean of ultrasound.

    Attributes
    ----------
    mean, deviation : numpy.ndarray
        Of each feature over the ultrasound images that the rule was chosen with, shape (features,).
    linear, square : numpy.ndarray
        Coefficients, shape (features,).
    intercept : float
        Added to their sum.
    """

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    linear: npt.NDArray[np.float64]
    square: npt.NDArray[np.float64]
    intercept: float

    def distance(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return features, of shape (…, features), in deviations from the mean of ultrasound, within ± 6."""
        return np.clip((features - self.mean) / self.deviation, -_MAX_DISTANCE, _MAX_DISTANCE)

    def strangeness(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the rule's logit for features of shape (…, features): above 0 they are not like ultrasound."""
        far = self.distance(features)
        return np.asarray(far @ self.linear + (far * far) @ self.square + self.intercept)


def check(pixels: npt.NDArray[np.uint8], box: Box) -> InputCheck:
    """Check whether an image looks like B-mode ultrasound.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8, RGB of shape (height, width, 3) or grey levels of shape (height, width).
    box : Box
        Its field of view, as :func:`thyroid.core.field_of_view.find` finds it.

    Returns
    -------
    InputCheck
        All reasons that apply. An image that is too small or blank has that reason only: it has no texture.
    """
    if min(box.width, box.height) < MIN_SIDE:
        return InputCheck(("too_small",))
    view = box.crop(pixels)
    plane = _working_plane(view)
    levels = _Levels.of(plane)
    if levels.deviation < BLANK_DEVIATION:
        return InputCheck(("blank",))
    reasons: list[Reason] = []
    if _coloured_share(view) > COLOUR_SHARE:
        reasons.append("colour_overlay")
    if rule().strangeness(_features(plane, levels)) > 0:
        reasons.append("not_ultrasound")
    return InputCheck(tuple(reasons))


def features(pixels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.float64]:
    """Measure the texture of a field of view: the numbers that `FEATURES` names, in that order."""
    plane = _working_plane(box.crop(pixels))
    return _features(plane, _Levels.of(plane))


# In the order of `_features`.
FEATURES = (
    "dark_share",  # of the pixels, below level 40
    "bright_share",  # above 200
    "deviation",  # of the levels, 1 is 255
    "skewness",  # of the levels
    "bottom_to_top",  # logarithm of the brightness of the lowest third to the uppermost
    "contrast_lowest_tenth",  # of the local deviations, logarithm
    "contrast_median",
    "contrast_highest_tenth",
    "contrast_with_brightness",  # correlation of local deviation and local mean
    "wide_to_tall",  # logarithm of the steps between columns to those between rows
    "edge_weight",  # logarithm of the detail's fourth moment, its variance being 1
    "grain_weight",  # the same of the detail over its local deviation
    "grain_skewness",  # third moment of the detail over its local deviation
    *(f"likeness_{pixels}_{way}" for pixels in (1, 2, 3, 5) for way in ("across", "down")),  # of detail, a step away
)


def _features(plane: Image.Image, levels: "_Levels") -> npt.NDArray[np.float64]:
    # Sums of levels are exact, in integers; sums of what is derived from them are in float32.
    whole = np.asarray(plane).astype(np.int32)
    area = _WINDOW**2
    total = _window_sums(whole)
    mean = total.astype(np.float32) / np.float32(area)
    contrast = np.sqrt((area * _window_sums(whole * whole) - total * total).astype(np.float32)) / np.float32(area)
    grey = whole.astype(np.float32)
    margin = _WINDOW // 2
    detail = grey[margin:-margin, margin:-margin] - mean
    grain = detail / (contrast + np.float32(2))
    detail /= detail.std() + np.float32(1)
    top, _, bottom = np.array_split(grey.mean(axis=1), 3)
    across, down = np.abs(grey[:, 1:] - grey[:, :-1]).mean(), np.abs(grey[1:] - grey[:-1]).mean()
    mean, contrast = mean[::4, ::4], contrast[::4, ::4]
    square, grain_square = detail * detail, grain * grain
    return np.array(
        [
            levels.share(0, 40),
            levels.share(201, 256),
            levels.deviation / 255,
            levels.skewness,
            np.log((bottom.mean() + 5) / (top.mean() + 5)),
            *np.log(np.quantile(contrast, (0.1, 0.5, 0.9)) + 1),
            _correlation(mean, contrast),
            np.log((across + 0.1) / (down + 0.1)),
            np.log(_mean_product(square, square) + 0.1),
            np.log(_mean_product(grain_square, grain_square) / (float(grain_square.mean()) ** 2 + 1e-6) + 0.1),
            _mean_product(grain_square, grain),
            *_likeness(detail, float(square.mean()) + 1e-6),
        ],
        dtype=np.float64,
    )


@dataclass(frozen=True)
class _Levels:
    """The histogram of an image's grey levels, shape (256,), and its statistics."""

    counts: npt.NDArray[np.float64]
    mean: float
    deviation: float

    @classmethod
    def of(cls, plane: Image.Image) -> "_Levels":
        counts = np.array(plane.histogram(), dtype=np.float64)
        mean = float(counts @ _LEVEL / counts.sum())
        return cls(counts, mean, float(np.sqrt(counts @ (_LEVEL - mean) ** 2 / counts.sum())))

    def share(self, first: int, end: int) -> float:
        return float(self.counts[first:end].sum() / self.counts.sum())

    @property
    def skewness(self) -> float:
        return float(self.counts @ ((_LEVEL - self.mean) / (self.deviation + 1)) ** 3 / self.counts.sum())


_LEVEL = np.arange(256.0)


def _working_plane(view: npt.NDArray[np.uint8]) -> Image.Image:
    """Return the grey levels, resized so that the longer side has `WORKING_SIDE` pixels.

    A field of view of twice `_SUBSAMPLED_SIDE` pixels or more is subsampled first: converting all of it to grey would
    take longer than the rest of the check.
    """
    height, width = view.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = max(3 * _WINDOW, round(width * scale)), max(3 * _WINDOW, round(height * scale))
    step = max(1, min(max(height, width) // _SUBSAMPLED_SIDE, min(height, width) // (4 * min(size))))
    grey = Image.fromarray(np.ascontiguousarray(view[::step, ::step])).convert("L")  # no change for grey levels
    resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return grey.resize(size, resampling)


def _coloured_share(view: npt.NDArray[np.uint8]) -> float:
    if view.ndim == 2:
        return 0.0
    step = -(-max(view.shape[:2]) // _SAMPLES)
    red, green, blue = (view[::step, ::step, channel] for channel in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(np.mean(spread > COLOURED))


def _window_sums(plane: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the sum of each whole window, of shape (height - window + 1, width - window + 1)."""
    return _sums_of_seven(_sums_of_seven(plane).T).T


def _sums_of_seven(plane: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the sum of each row and the six below it."""
    two = plane[:-1] + plane[1:]
    four = two[:-2] + two[2:]
    return np.asarray(four[:-3] + two[4:-1] + plane[6:])


def _correlation(one: _Reals, other: _Reals) -> float:
    """Return the correlation of two planes; 0 if either is flat."""
    together = one.std() * other.std()
    return float(np.mean((one - one.mean()) * (other - other.mean())) / together) if together > 1e-6 else 0.0


def _mean_product(one: _Reals, other: _Reals) -> float:
    return float(np.einsum("ij,ij->", one, other)) / one.size


def _likeness(detail: _Reals, power: float) -> list[float]:
    found = []
    for step in (1, 2, 3, 5):
        found.append(_mean_product(detail[:, step:], detail[:, :-step]) / power)
        found.append(_mean_product(detail[step:], detail[:-step]) / power)
    return found


def read_rule(path: Path) -> Rule:
    """Read a rule.

    Raises
    ------
    ValueError
        If the rule's features are not `FEATURES`.
    """
    table = json.loads(path.read_text("utf-8"))
    rows = table["features"]
    if tuple(rows) != FEATURES:
        raise ValueError(
            f"{path.name} is a rule of other features; run `python -m thyroid_model.training.input_check --choose`."
        )

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([row[name] for row in rows.values()], dtype=np.float64)

    return Rule(column("mean"), column("deviation"), column("linear"), column("square"), float(table["intercept"]))


@cache  # not read at import: the command that writes the file imports this module
def rule() -> Rule:
    """Return the rule of the service; raises what `read_rule` raises."""
    return read_rule(RULE_FILE)


RULE_SHA256 = hashlib.sha256(RULE_FILE.read_bytes()).hexdigest()
