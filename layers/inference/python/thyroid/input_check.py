"""Whether a picture looks like what the models were trained on: B-mode ultrasound, in grey, of some size.

A network answers to any picture whatever, a page of text as well. What is looked at here are plain facts of the field
of view, and of its texture 21 numbers that can each be said in words: how large and how elongated its grain is, how
heavy its edges are, how its contrast goes with its brightness. Ultrasound is speckle, wider than tall, brighter at the
top; photographs have long sharp edges, pages are flat, noise has no grain.

The rule is logistic, on each number and its square, since most of them are telltale when too high and when too low.
Its coefficients, and what they were measured to be worth, are in ``input_check.json``, which
``python -m thyroid_model.input_check --choose`` writes. It knows textures and not anatomy: an ultrasound picture of
something else passes, and that a picture passes says nothing for its score.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from thyroid.field_of_view import Box

Reason = Literal["too_small", "blank", "colour_overlay", "not_ultrasound"]

RULE_FILE = Path(__file__).with_suffix(".json")

SMALLEST_SIDE = 96  # pixels of the field of view; speckle of less cannot be told from anything
BLANK_DEVIATION = 4.0  # grey levels; the flattest picture of the public sets has 15
COLOURED = 48  # between the strongest and the weakest channel; what JPEG does to grey stays below
COLOUR_SHARE = 0.01  # of the pixels; coloured rulers and marks of the public sets take up to 0.0012
WORKING_SIDE = 256  # pixels, the longer side at which texture is measured
_SAMPLES = 512  # a side, at which colour is looked for
_THINNED_SIDE = 1024  # pixels, that the longer side keeps at least when a large picture is thinned out
_WINDOW = 7  # pixels, within which contrast is local
_FARTHEST = 6.0  # deviations; farther out is no stronger a sign

_WORDS: dict[Reason, str] = {
    "too_small": f"its field of view is under {SMALLEST_SIDE} pixels a side",
    "blank": "it is nearly of one level",
    "colour_overlay": "part of it is in colour, as in a Doppler picture",
    "not_ultrasound": "its texture is not that of B-mode ultrasound",
}


@dataclass(frozen=True)
class InputCheck:
    """What was seen of a picture.

    Attributes
    ----------
    reasons : tuple of str
        Why it does not look like what the models were trained on; empty where it does.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def looks_like_ultrasound(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def detail(self) -> str:
        """One plain sentence."""
        if self.looks_like_ultrasound:
            return "The picture looks like B-mode ultrasound."
        faults = "; ".join(_WORDS[reason] for reason in self.reasons)
        return f"The picture does not look like what the model was trained on: {faults}."


@dataclass(frozen=True)
class Rule:
    """A logistic rule on the features and their squares, each taken in deviations from the mean of ultrasound.

    Attributes
    ----------
    mean, deviation : numpy.ndarray
        Of each feature over the ultrasound pictures that the rule was chosen with, shape (features,).
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
        return np.clip((features - self.mean) / self.deviation, -_FARTHEST, _FARTHEST)

    def strangeness(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return how little features, of shape (…, features), are like ultrasound: over 0 they are not."""
        far = self.distance(features)
        return np.asarray(far @ self.linear + (far * far) @ self.square + self.intercept)


def check(pixels: npt.NDArray[np.uint8], box: Box) -> InputCheck:
    """Look whether a picture is like B-mode ultrasound.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3).
    box : Box
        Its field of view, as :func:`thyroid.field_of_view.find` finds it.

    Returns
    -------
    InputCheck
        All reasons that apply. Of what is too small or blank no more is said: it has no texture.
    """
    if min(box.width, box.height) < SMALLEST_SIDE:
        return InputCheck(("too_small",))
    view = box.crop(pixels)
    plane = _working_plane(view)
    if plane.std() < BLANK_DEVIATION:
        return InputCheck(("blank",))
    reasons: list[Reason] = []
    if _coloured_share(view) > COLOUR_SHARE:
        reasons.append("colour_overlay")
    if rule().strangeness(_features(plane)) > 0:
        reasons.append("not_ultrasound")
    return InputCheck(tuple(reasons))


def features(pixels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.float64]:
    """Measure the texture of a field of view: the numbers that `FEATURES` names, in that order."""
    return _features(_working_plane(box.crop(pixels)))


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


def _features(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mean = _local_mean(plane)
    contrast = np.sqrt(np.maximum(_local_mean(plane * plane) - mean * mean, 0))
    margin = _WINDOW // 2
    detail = plane[margin:-margin, margin:-margin] - mean
    grain = detail / (contrast + 2)
    detail /= detail.std() + 1
    standing = (plane - plane.mean()) / (plane.std() + 1)
    top, _, bottom = np.array_split(plane, 3)
    across, down = np.abs(np.diff(plane, axis=1)).mean(), np.abs(np.diff(plane, axis=0)).mean()
    mean, contrast = mean[::4, ::4], contrast[::4, ::4]
    grain_square = grain * grain
    return np.array(
        [
            np.mean(plane < 40),
            np.mean(plane > 200),
            plane.std() / 255,
            np.mean(standing * standing * standing),
            np.log((bottom.mean() + 5) / (top.mean() + 5)),
            *np.log(np.quantile(contrast, (0.1, 0.5, 0.9)) + 1),
            _correlation(mean, contrast),
            np.log((across + 0.1) / (down + 0.1)),
            np.log(np.mean(np.square(detail * detail)) + 0.1),
            np.log(np.mean(grain_square * grain_square) / (grain_square.mean() ** 2 + 1e-6) + 0.1),
            np.mean(grain_square * grain),
            *_likeness(detail),
        ]
    )


def _working_plane(view: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the grey levels, with the longer side as `WORKING_SIDE` pixels.

    A field of view of twice `_THINNED_SIDE` pixels and more is thinned out first: to convert all of it to grey would
    take longer than all the rest.
    """
    height, width = view.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = max(3 * _WINDOW, round(width * scale)), max(3 * _WINDOW, round(height * scale))
    step = max(1, min(max(height, width) // _THINNED_SIDE, min(height, width) // (4 * min(size))))
    grey = Image.fromarray(np.ascontiguousarray(view[::step, ::step])).convert("L")
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return np.asarray(grey.resize(size, way), dtype=np.float64)


def _coloured_share(view: npt.NDArray[np.uint8]) -> float:
    step = -(-max(view.shape[:2]) // _SAMPLES)
    red, green, blue = (view[::step, ::step, channel] for channel in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(np.mean(spread > COLOURED))


def _local_mean(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean of each whole window, of shape (height - window + 1, width - window + 1)."""
    total = np.pad(plane, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    rows = total[_WINDOW:] - total[:-_WINDOW]
    return np.asarray((rows[:, _WINDOW:] - rows[:, :-_WINDOW]) / _WINDOW**2)


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return the correlation of two planes; 0 where either is flat."""
    together = one.std() * other.std()
    return float(np.mean((one - one.mean()) * (other - other.mean())) / together) if together > 1e-6 else 0.0


def _likeness(detail: npt.NDArray[np.float64]) -> list[float]:
    power = np.mean(detail * detail) + 1e-6
    found = []
    for step in (1, 2, 3, 5):
        found.append(float(np.mean(detail[:, step:] * detail[:, :-step]) / power))
        found.append(float(np.mean(detail[step:] * detail[:-step]) / power))
    return found


def read_rule(path: Path) -> Rule:
    """Read a rule.

    Raises
    ------
    ValueError
        If it is of other features than are measured here.
    """
    table = json.loads(path.read_text("utf-8"))
    rows = table["features"]
    if tuple(rows) != FEATURES:
        raise ValueError(
            f"{path.name} is a rule of other features; run `python -m thyroid_model.input_check --choose`."
        )

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([row[name] for row in rows.values()], dtype=np.float64)

    return Rule(column("mean"), column("deviation"), column("linear"), column("square"), float(table["intercept"]))


@cache  # not at import: the command that mends the file imports this module
def rule() -> Rule:
    """Return the rule that the service has; the errors are those of `read_rule`."""
    return read_rule(RULE_FILE)


RULE_SHA256 = hashlib.sha256(RULE_FILE.read_bytes()).hexdigest()
