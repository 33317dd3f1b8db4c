"""Fit the input check's texture rule, and measure it: ``python -m thyroid_model.training.input_check``.

The rule is fitted on the even cases of DDTI and BUS-BRA, phantoms, and `other_images.FITTED_KINDS`. It is measured on
the odd cases, BrEaST, other phantoms, `other_images.HELD_OUT_KINDS`, and photographs of installed packages.

With ``--choose`` a new rule is fitted and written to ``input_check.json`` of the service. Without it, the existing rule
is measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from thyroid.core import field_of_view, input_check
from thyroid.core.input_check import RULE_FILE, Rule
from thyroid_model.data import photographs
from thyroid_model.data.findings import DataError
from thyroid_model.data.input_check_images import Datasets, Grouped, generated, phantoms, read_sets, ultrasound
from thyroid_model.data.other_images import FITTED_KINDS, HELD_OUT_KINDS, Pixels
from thyroid_model.training.input_check_rule import Plane, as_table, fit_rule

IMAGES_PER_KIND = 60

Shares = dict[str, dict[str, float]]


def measure(sets: Datasets, *, rule: Rule | None = None, count: int = IMAGES_PER_KIND) -> dict[str, Any]:
    """Measure the shares of images that a rule flags.

    Parameters
    ----------
    sets : mapping
        As `thyroid_model.data.input_check_images.read_sets` returns them.
    rule : Rule, optional
        By default, the rule of the service.
    count : int
        Number of generated images of each kind.

    Returns
    -------
    dict
        Number of images and share of flagged ones, in [0, 1], by dataset, by kind and by photograph.
        ``photographs_of`` is the number of photographs that each package of `photographs.PACKAGES` has.
    """
    found = photographs.find()

    def shares(images: Grouped, title: str) -> Shares:
        flagged: dict[str, list[bool]] = {}
        for group, pixels in tqdm(images, title, unit="image"):
            flagged.setdefault(group, []).append(_flagged(pixels, rule))
        return {
            group: {"images": len(flags), "flagged": round(float(np.mean(flags)), 4)}
            for group, flags in flagged.items()
        }

    held_out = shares(generated(tuple(HELD_OUT_KINDS), count), "held-out kinds")
    photos = shares(photographs.crops(found), "photographs")
    return {
        "ultrasound": shares(ultrasound(sets, for_fitting=False), "ultrasound"),
        "phantoms": shares(phantoms(for_fitting=False), "phantoms"),
        "kinds_kept_out": held_out,
        "kinds_kept_out_flagged": _overall(held_out),
        "photographs": photos,
        "photographs_flagged": _overall(photos),
        "photographs_of": {package: len(paths) for package, paths in found.items()},
        "kinds_chosen_with": shares(generated(tuple(FITTED_KINDS), count), "fitted kinds"),
    }


def _flagged(pixels: Pixels, rule: Rule | None) -> bool:
    """Return whether the check, with another rule if one is given, flags an image for any reason."""
    box = field_of_view.find(pixels)
    reasons = set(input_check.check(pixels, box).reasons)
    if rule is None:
        return bool(reasons)
    unlike_ultrasound = bool(rule.strangeness(input_check.features(pixels, box)) > 0)
    return unlike_ultrasound or bool(reasons - {"not_ultrasound"})


def _overall(groups: Shares) -> float | None:
    """Return the share of flagged images over all groups, or None without images."""
    images = sum(group["images"] for group in groups.values())
    return round(sum(g["images"] * g["flagged"] for g in groups.values()) / images, 4) if images else None


def choose_rule(sets: Datasets, count: int = IMAGES_PER_KIND) -> Rule:
    """Fit a rule on the even cases, the even phantoms and `other_images.FITTED_KINDS`.

    The parameters are those of `measure`.
    """

    def measured(images: Grouped, title: str) -> list[tuple[str, Plane]]:
        return [
            (group, input_check.features(pixels, field_of_view.find(pixels)))
            for group, pixels in tqdm(images, title, unit="image")
        ]

    frames = measured(ultrasound(sets, for_fitting=True), "ultrasound")
    phantom_features = measured(phantoms(for_fitting=True), "phantoms")
    other = measured(generated(tuple(FITTED_KINDS), count), "other images")
    ultrasound_features = np.array([features for _, features in frames + phantom_features])
    original = np.array([features for group, features in frames if "resized" not in group])
    return fit_rule(ultrasound_features, np.array([features for _, features in other]), original)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.training.input_check",
        description="Fit the rule of the input check, and measure it.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument(
        "--choose", action="store_true", help="fit and write a new rule; by default, measure the existing one"
    )
    options = parser.parse_args(arguments)
    try:
        sets = read_sets(options.data)
        rule = choose_rule(sets) if options.choose else None
        measured = measure(sets, rule=rule)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    if rule is not None:
        RULE_FILE.write_text(json.dumps(as_table(rule, measured), indent=2) + "\n", encoding="utf-8")
    tqdm.write(json.dumps(measured, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
