"""Choose the input check's texture rule, and measure it: ``python -m thyroid_model.training.input_check``.

The rule is chosen with the even cases of DDTI and BUS-BRA, phantoms, and the kinds of `other_pictures.CHOSEN_WITH`.
What is reported is of the odd cases, of BrEaST, of other phantoms, of whole kinds that were kept out, and of
photographs that come with packages, as far as these are installed.

With ``--choose`` the rule is written anew, into the serving module's ``input_check.json``. Without, what is there is
measured.
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
from thyroid_model.data.input_check_images import Grouped, Sets, others, phantoms, read_sets, ultrasound
from thyroid_model.data.other_images import CHOSEN_WITH, KEPT_OUT, Pixels
from thyroid_model.training.input_check_rule import Plane, as_table, choose

PICTURES_OF_A_KIND = 60

Shares = dict[str, dict[str, float]]


def measure(sets: Sets, *, rule: Rule | None = None, count: int = PICTURES_OF_A_KIND) -> dict[str, Any]:
    """Measure a rule on what it was not chosen with.

    Parameters
    ----------
    sets : mapping
        As `thyroid_model.data.input_check_images.read_sets` returns them.
    rule : Rule, optional
        Instead of the one that the check has.
    count : int
        Pictures of each kind that is made by code.

    Returns
    -------
    dict
        Shares of flagged pictures, from 0 to 1, by set, by kind and by photograph, and how many pictures there were.
        ``photographs_of`` has, for each package that photographs could come with, how many files of it were there.
    """
    found = photographs.find()

    def shares(pictures: Grouped, title: str) -> Shares:
        flagged: dict[str, list[bool]] = {}
        for group, pixels in tqdm(pictures, title, unit="picture"):
            flagged.setdefault(group, []).append(_flagged(pixels, rule))
        return {
            group: {"pictures": len(each), "flagged": round(float(np.mean(each)), 4)} for group, each in flagged.items()
        }

    kept_out = shares(others(tuple(KEPT_OUT), count), "kinds kept out")
    photos = shares(photographs.crops(found), "photographs")
    return {
        "ultrasound": shares(ultrasound(sets, chosen_with=False), "ultrasound"),
        "phantoms": shares(phantoms(chosen_with=False), "phantoms"),
        "kinds_kept_out": kept_out,
        "kinds_kept_out_flagged": _overall(kept_out),
        "photographs": photos,
        "photographs_flagged": _overall(photos),
        "photographs_of": {package: len(paths) for package, paths in found.items()},
        "kinds_chosen_with": shares(others(tuple(CHOSEN_WITH), count), "kinds chosen with"),
    }


def _flagged(pixels: Pixels, rule: Rule | None) -> bool:
    """Return whether the check flags a picture for whatever reason, with another rule if one is given."""
    box = field_of_view.find(pixels)
    reasons = set(input_check.check(pixels, box).reasons)
    if rule is None:
        return bool(reasons)
    strange = bool(rule.strangeness(input_check.features(pixels, box)) > 0)
    return strange or bool(reasons - {"not_ultrasound"})


def _overall(groups: Shares) -> float | None:
    """Return the share of all pictures of some groups, or None where there are none."""
    pictures = sum(group["pictures"] for group in groups.values())
    return round(sum(g["pictures"] * g["flagged"] for g in groups.values()) / pictures, 4) if pictures else None


def chosen(sets: Sets, count: int = PICTURES_OF_A_KIND) -> Rule:
    """Choose a rule with the even cases, the even phantoms and the kinds to choose with.

    The parameters are those of `measure`.
    """

    def measured(pictures: Grouped, title: str) -> list[tuple[str, Plane]]:
        return [
            (group, input_check.features(pixels, field_of_view.find(pixels)))
            for group, pixels in tqdm(pictures, title, unit="picture")
        ]

    frames = measured(ultrasound(sets, chosen_with=True), "ultrasound")
    made = measured(phantoms(chosen_with=True), "phantoms")
    strange = measured(others(tuple(CHOSEN_WITH), count), "other pictures")
    sound = np.array([features for _, features in frames + made])
    as_sent = np.array([features for group, features in frames if "resized" not in group])
    return choose(sound, np.array([features for _, features in strange]), as_sent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.training.input_check",
        description="Choose the rule of the input check, and measure it.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument("--choose", action="store_true", help="write the rule anew; without, what is there is measured")
    options = parser.parse_args(arguments)
    try:
        sets = read_sets(options.data)
        rule = chosen(sets) if options.choose else None
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
