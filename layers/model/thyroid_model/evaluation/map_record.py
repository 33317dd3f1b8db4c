"""Summarises the records of :mod:`thyroid_model.training.map_check`, and chooses the default layer."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from thyroid_model.training.map_check import CENTRE, GRAD_CAM, OUTLINES, PRIOR, UNTRAINED

Row = dict[str, str]


def best_layer(rows: Iterable[Row]) -> str:
    """Return the layer whose maps hit most often; of equals, the one with the more energy inside.

    Layers inside a block are passed over: what a block gives is what the next layer sees.
    """
    table = _table([row for row in rows if row["kind"] == GRAD_CAM and "/" not in row["name"]])
    return max(table, key=lambda name: (table[name]["hit_rate"], table[name]["energy"]))


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the rates of all layers, and of what they are compared with.

    The best layer's own rate is too good, since it was chosen by it. ``chosen_on_other_folds`` is what the choice is
    worth: for each fold, the hit rate there of the layer that is best on the others.
    """
    layers = [row for row in rows if row["kind"] == GRAD_CAM]
    folds = sorted({(row["seed"], row["fold"]) for row in layers})
    nested: list[float] = []
    for fold in folds:
        inside = [(row["seed"], row["fold"]) == fold for row in layers]
        chosen = best_layer(row for row, out in zip(layers, inside, strict=True) if not out and row["seed"] == fold[0])
        nested += [float(row["hit"]) for row, out in zip(layers, inside, strict=True) if out and row["name"] == chosen]
    nested_rate = round(float(np.mean(nested)), 4)
    best, last = best_layer(layers), layers[-1]["name"]
    grad_cam, priors = _table(layers), _table(row for row in rows if row["kind"] == PRIOR)
    untrained = _table(row for row in rows if row["kind"] == UNTRAINED)
    return {
        "frames_with_outline": len({row["frame"] for row in rows}),
        "default_layer": best,
        "last_layer": last,
        "hit_rate": grad_cam[best]["hit_rate"],
        "hit_rate_chosen_on_other_folds": nested_rate,
        **{
            f"hit_rate_chosen_on_other_folds_over_the_{prior}_prior": round(nested_rate - priors[name]["hit_rate"], 4)
            for prior, name in (("centre", CENTRE), ("outline", OUTLINES))
        },
        "layers": grad_cam,
        "untrained": {name: untrained[name] for name in dict.fromkeys((best, last)) if name in untrained},
        "priors": priors,
    }


def _table(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return the means of each name's rows, in the order in which the names come."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["name"], []).append(row)
    return {
        name: {
            "hit_rate": _mean(row["hit"] for row in own),
            "energy": _mean(row["energy"] for row in own),
            **{
                column: _mean(row[column] for row in own if row[column])
                for column in ("deletion", "insertion", "hit_given", "energy_given")
                if any(row[column] for row in own)
            },
        }
        for name, own in grouped.items()
    }


def _mean(values: Iterable[str]) -> float:
    return round(float(np.mean([float(value) for value in values])), 4)
