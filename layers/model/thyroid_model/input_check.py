"""Choose the input check's texture rule, and measure it: ``python -m thyroid_model.input_check --data FOLDER``.

The rule is chosen with the even cases of DDTI and BUS-BRA, phantoms, and the kinds of `other_pictures.CHOSEN_WITH`.
What is reported is of the odd cases, of BrEaST, of other phantoms, of whole kinds that were kept out, and of
photographs that come with scikit-image, scikit-learn and Matplotlib, where these are installed. They need not be, and
nothing of them runs.

With ``--choose`` the rule is written anew, into the serving module's ``input_check.json``. Without, what is there is
measured.
"""

import argparse
import importlib.util
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from thyroid import field_of_view, input_check, phantom
from thyroid.input_check import FEATURES, RULE_FILE, Rule, read_rule
from thyroid_model import other_pictures
from thyroid_model.other_pictures import Pixels

PICTURES_OF_A_KIND = 60
MOST_FLAGGED = 0.01  # of the ultrasound pictures that the rule is chosen with; twice that is what is promised
STRENGTH = 0.003  # of the data against the pull of all coefficients to 0
CROPS = 12  # of each photograph
SMALLEST_PHOTOGRAPH = 128  # pixels a side

# Where packages keep photographs: no module of theirs is imported.
PHOTOGRAPHS = {
    "skimage": "data",
    "sklearn": "datasets/images",
    "matplotlib": "mpl-data/sample_data",
}
_DIGITS = re.compile(r"\d+")

Plane = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A picture that was measured.

    Attributes
    ----------
    group : str
        What it is reported under.
    features : numpy.ndarray
        As :data:`thyroid.input_check.FEATURES`.
    flagged : bool
        Whether the check, with the rule that it has now, flags it for whatever reason.
    other_reason : bool
        Whether it does so for another reason than texture.
    """

    group: str
    features: Plane
    flagged: bool
    other_reason: bool


def sample(group: str, pixels: Pixels) -> Sample:
    """Measure a picture."""
    box = field_of_view.find(pixels)
    reasons = input_check.check(pixels, box).reasons
    return Sample(group, input_check.features(pixels, box), bool(reasons), bool(set(reasons) - {"not_ultrasound"}))


# --- pictures --------------------------------------------------------------------------------------------------------


def ultrasound(data: Path, *, chosen_with: bool) -> Iterator[tuple[str, Pixels]]:
    """Yield the frames of the even cases, or of the odd ones; each third frame also at another size and in JPEG.

    Raises
    ------
    FileNotFoundError
        If there is no DDTI in the folder. The other sets are left out where they are not.
    """
    if not (data / "ddti/images").is_dir():
        raise FileNotFoundError(f"No DDTI set in {data / 'ddti'}: a folder with images/N_k.jpg is needed.")
    rng = np.random.default_rng(0)
    for name in ("ddti", "bus-bra"):
        of_half = [path for path in _pictures(data / name / "images") if (_case(path) % 2 == 0) == chosen_with]
        for number, path in enumerate(of_half):
            pixels = _read(path)
            yield name, pixels
            if number % 3 == 0:
                yield f"{name}, resized", _resized(rng, pixels)
    if not chosen_with:
        for path in _pictures(data / "breast/images"):
            yield "breast", _read(path)


def phantoms(*, chosen_with: bool) -> Iterator[tuple[str, Pixels]]:
    """Yield the project's own phantoms, of even seeds or of odd ones, in many sizes."""
    rng = np.random.default_rng(1)
    for seed in range(0 if chosen_with else 1, 20, 2):
        for suspicious in (False, True):
            height = int(rng.integers(240, 700))
            width = height * 3 // 2
            yield "phantom", phantom.make(seed, suspicious=suspicious, height=height, width=width)
            yield "phantom in a frame", phantom.make_frame(seed, suspicious=suspicious, height=height, width=width)


def others(kinds: Sequence[str], count: int) -> Iterator[tuple[str, Pixels]]:
    """Yield pictures of each kind."""
    for kind in kinds:
        for seed in range(count):
            yield kind, other_pictures.make(kind, seed)


def photographs() -> Iterator[tuple[str, Pixels]]:
    """Yield crops, at several sizes, half of them grey, of the photographs that installed packages ship."""
    rng = np.random.default_rng(2)
    for package, folder in PHOTOGRAPHS.items():
        found = importlib.util.find_spec(package)
        for root in (found.submodule_search_locations or []) if found else []:
            for path in _pictures(Path(root) / folder):
                pixels = _read(path)
                if min(pixels.shape[:2]) >= SMALLEST_PHOTOGRAPH:
                    for _ in range(CROPS):
                        yield f"{package}: {path.name}", _crop(rng, pixels)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg"))


def _case(path: Path) -> int:
    found = _DIGITS.search(path.stem)
    if found is None:
        raise ValueError(f"{path.name} has no case number in its name.")
    return int(found[0])


def _read(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _resized(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Do what is done to pictures before they are sent: another size, and JPEG."""
    scale = rng.uniform(0.6, 2.0)
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels).resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))


def _crop(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    share = rng.uniform(0.5, 1.0)
    tall, wide = max(SMALLEST_PHOTOGRAPH, int(share * height)), max(SMALLEST_PHOTOGRAPH, int(share * width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    picture = Image.fromarray(pixels[top : top + tall, left : left + wide])
    if min(tall, wide) > 2 * SMALLEST_PHOTOGRAPH and rng.random() < 0.4:
        picture = picture.resize((wide // 2, tall // 2))
    return other_pictures.finished(rng, picture)


# --- choosing --------------------------------------------------------------------------------------------------------


def choose(sound: Plane, strange: Plane, held_to: Plane) -> Rule:
    """Fit the rule.

    Parameters
    ----------
    sound, strange : numpy.ndarray
        Features of ultrasound and of other pictures, shape (pictures, features). Both count the same in all.
    held_to : numpy.ndarray
        Features of the ultrasound pictures of which the rule flags `MOST_FLAGGED`, shape (pictures, features).
    """
    mean, deviation = held_to.mean(axis=0), held_to.std(axis=0) + 1e-9
    count = len(FEATURES)
    none = Rule(mean, deviation, np.zeros(count), np.zeros(count), 0.0)
    x = np.concatenate([_terms(none, sound), _terms(none, strange)])
    y = np.repeat([0.0, 1.0], [len(sound), len(strange)])
    weight = len(y) / 2 / np.repeat([len(sound), len(strange)], [len(sound), len(strange)])
    fitted = _logistic(x, y, weight)
    rule = Rule(mean, deviation, fitted[:count], fitted[count:-1] * _SQUARE_SCALE, 0.0)
    threshold = float(np.quantile(rule.strangeness(held_to), 1 - MOST_FLAGGED))
    return Rule(rule.mean, rule.deviation, rule.linear, rule.square, -threshold)


_SQUARE_SCALE = 1 / 3  # squares vary more: so scaled they are pulled to 0 as the features are


def _terms(rule: Rule, features: Plane) -> Plane:
    far = rule.distance(features)
    return np.hstack([far, far * far * _SQUARE_SCALE])


def _logistic(x: Plane, y: Plane, weight: Plane) -> Plane:
    """Return coefficients and, last, intercept of a logistic regression, by Newton's method."""
    x = np.hstack([x, np.ones((len(x), 1))])
    pull = np.append(np.ones(x.shape[1] - 1), 0.0)
    found = np.zeros(x.shape[1])
    for _ in range(50):
        chance = 0.5 * (1 + np.tanh(0.5 * (x @ found)))
        slope = pull * found + STRENGTH * x.T @ (weight * (chance - y))
        curve = np.diag(pull) + STRENGTH * (x.T * (weight * chance * (1 - chance))) @ x
        step = np.linalg.solve(curve, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return found


def as_table(rule: Rule, measured: dict[str, Any]) -> dict[str, Any]:
    """Return the rule as its file has it."""
    rows = {}
    for place, name in enumerate(FEATURES):
        columns = {"mean": rule.mean, "deviation": rule.deviation, "linear": rule.linear, "square": rule.square}
        rows[name] = {column: round(float(values[place]), 5) for column, values in columns.items()}
    return {"features": rows, "intercept": round(rule.intercept, 5), "measured": measured}


# --- measuring -------------------------------------------------------------------------------------------------------


def measure(data: Path, *, rule: Rule | None = None, count: int = PICTURES_OF_A_KIND) -> dict[str, Any]:
    """Measure a rule on what it was not chosen with.

    Parameters
    ----------
    data : pathlib.Path
        Folder with the sets as ``ddti``, ``bus-bra`` and ``breast``; the last two may be missing.
    rule : Rule, optional
        Instead of the one that the check has.
    count : int
        Pictures of each kind that is made by code.

    Returns
    -------
    dict
        Shares of flagged pictures, from 0 to 1, by set, by kind and by photograph, and how many pictures there were.

    Raises
    ------
    FileNotFoundError
        If there is no DDTI in the folder.
    """

    def shares(pictures: Callable[[], Iterator[tuple[str, Pixels]]], title: str) -> dict[str, dict[str, float]]:
        flagged: dict[str, list[bool]] = {}
        for group, pixels in tqdm(pictures(), title, unit="picture"):
            seen = sample(group, pixels)
            strange = seen.flagged
            if rule is not None:
                strange = seen.other_reason or bool(rule.strangeness(seen.features) > 0)
            flagged.setdefault(group, []).append(strange)
        return {
            group: {"pictures": len(found), "flagged": round(float(np.mean(found)), 4)}
            for group, found in flagged.items()
        }

    kept_out = shares(lambda: others(tuple(other_pictures.KEPT_OUT), count), "kinds kept out")
    photos = shares(photographs, "photographs")
    return {
        "ultrasound": shares(lambda: ultrasound(data, chosen_with=False), "ultrasound"),
        "phantoms": shares(lambda: phantoms(chosen_with=False), "phantoms"),
        "kinds_kept_out": kept_out,
        "kinds_kept_out_flagged": _overall(kept_out),
        "photographs": photos,
        "photographs_flagged": _overall(photos),
        "kinds_chosen_with": shares(lambda: others(tuple(other_pictures.CHOSEN_WITH), count), "kinds chosen with"),
    }


def _overall(groups: dict[str, dict[str, float]]) -> float | None:
    """Return the share of all pictures of some groups, or None where there are none."""
    pictures = sum(group["pictures"] for group in groups.values())
    return round(sum(g["pictures"] * g["flagged"] for g in groups.values()) / pictures, 4) if pictures else None


def chosen(data: Path, count: int = PICTURES_OF_A_KIND) -> Rule:
    """Choose a rule with the even cases, the even phantoms and the kinds to choose with.

    Raises
    ------
    FileNotFoundError
        If there is no DDTI in the folder.
    """

    def measured(pictures: Iterator[tuple[str, Pixels]], title: str) -> list[tuple[str, Plane]]:
        return [
            (group, input_check.features(pixels, field_of_view.find(pixels)))
            for group, pixels in tqdm(pictures, title, unit="picture")
        ]

    frames = measured(ultrasound(data, chosen_with=True), "ultrasound")
    made = measured(phantoms(chosen_with=True), "phantoms")
    strange = measured(others(tuple(other_pictures.CHOSEN_WITH), count), "other pictures")
    sound = np.array([features for _, features in frames + made])
    as_sent = np.array([features for group, features in frames if "resized" not in group])
    return choose(sound, np.array([features for _, features in strange]), as_sent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.input_check", description="Choose the rule of the input check, and measure it."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets as ddti/, bus-bra/, breast/")
    parser.add_argument("--choose", action="store_true", help="write the rule anew; without, what is there is measured")
    options = parser.parse_args(arguments)
    rule = chosen(options.data) if options.choose else read_rule(RULE_FILE)
    measured = measure(options.data, rule=rule)
    if options.choose:
        RULE_FILE.write_text(json.dumps(as_table(rule, measured), indent=2) + "\n", encoding="utf-8")
    tqdm.write(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
