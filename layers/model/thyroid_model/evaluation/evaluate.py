"""Measure the bundled network on DDTI: ``python -m thyroid_model.evaluation.evaluate --data FOLDER``.

The scores and maps are those that the training left: each frame's by networks that saw no frame of its case. The labels
are read from the set. Beside them stand, on the same frames, the same network trained from scratch, a texture baseline
and, with ``--published FILE``, the published weights. All figures are written to ``evaluation.json``, and
from there to the model card.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from thyroid.core.assessment import MALIGNANT_FROM
from thyroid_model.data import ddti, input_check_images
from thyroid_model.data.examples import View, views
from thyroid_model.data.findings import DataError, Findings
from thyroid_model.errors import ModelFileError, ModelSourceError
from thyroid_model.evaluation import caption_check, captions, comparison, figures, map_record, model_card, plots
from thyroid_model.networks import hub
from thyroid_model.networks.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.networks.weights import load_model
from thyroid_model.record import (
    EVALUATION_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    RecordError,
    read_table,
    read_training,
    sha256,
)
from thyroid_model.training import calibration, input_check
from thyroid_model.training.cross_validation import calibrate_across_folds
from thyroid_model.training.train import NETWORK, PRETRAINED, SCRATCH, STATISTICS, labels_sha256

SET = "DDTI (Pedraza et al. 2015), labelled frames without those that appear under two cases"
CAPTION_DRAWS = 5
_PARTS = {
    "its network alone": NETWORK,
    "its statistics of the whole image alone": STATISTICS,
    "its network alone, from scratch": SCRATCH,
}

Row = dict[str, str]


def evaluate(data: Path, output: Path, docs: Path, published: Path | None = None) -> dict[str, Any]:
    """Measure, write ``evaluation.json`` to ``output`` and plots to ``docs``, and return what the first holds.

    Raises
    ------
    RecordError
        If the training's records are missing, or not of this network or these frames.
    DataError
        If the set is missing or damaged.
    ModelSourceError
        If the published weights are missing, damaged or other ones.
    """
    training = read_training(output)
    network = None if published is None else _published(published)  # first, as it may be missing
    recipe = training["recipe"]
    findings = Findings()
    frames = ddti.read(data, findings)
    tqdm.write(str(findings))
    if labels_sha256(frames) != training["labels_sha256"]:
        raise RecordError(
            f"The frames or labels in {data} are others than the training's; run `make train DATA=…` on this set."
        )
    table = read_table(output / SCORES_FILE)
    ours = by_seed(table, PRETRAINED, "score", frames)
    folds = by_seed(table, PRETRAINED, "fold", frames).astype(int)
    seen = views(frames, recipe["input_size"])
    labels = np.array([frame.label for frame in frames])
    cases = np.array([frame.case for frame in frames])

    thresholds = {
        name.removeprefix("threshold_"): by_seed(table, PRETRAINED, name, frames)
        for name in table[0]
        if name.startswith("threshold_")
    }
    others = {
        "this model without the breast sets": _calibrated(
            by_seed(table, SCRATCH, "logit", frames) + by_seed(table, STATISTICS, "logit", frames), labels, folds
        ),
        **{name: by_seed(table, start, "score", frames) for name, start in _PARTS.items()},
        comparison.TEXTURE: _calibrated(
            calibration.logit(comparison.texture_scores(seen, labels, folds)), labels, folds
        ),
    }
    if network is not None:
        others |= {
            f"{comparison.PUBLISHED}, {part}": scores
            for part, scores in comparison.published_scores(network, frames).items()
        }
    result: dict[str, Any] = {
        "weights_sha256": sha256(output / MODEL_FILE),
        "sha256": training["sha256"],
        "data": SET,
        "label": ddti.LABEL_DEFINITION,
        "frames": len(frames),
        "cases": len(set(cases.tolist())),
        "suspicious": int(labels.sum()),
        "not_suspicious": int((1 - labels).sum()),
        "protocol": _protocol(recipe),
        **_described(labels, cases, ours, folds),
        "auc_of_seeds": [figures.discrimination_of_one(labels, one) for one in ours],
        "at_thresholds_chosen_in_training_folds": {
            f"specificity {name}": figures.operating_point(labels, ours > threshold)
            for name, threshold in thresholds.items()
        },
        "groups": _groups(labels, ours, seen),
        "compared": {name: _described(labels, cases, scores, folds) for name, scores in others.items()},
        "maps": map_record.summary(read_table(output / MAPS_FILE)),
        "field_of_view": _field_of_view(ddti.read_all(data)),
        "input_check": input_check.measure(input_check_images.read_sets(data)),
        "preprocessing": BUNDLED_PREPROCESSING.model_dump(),
        "training": {key: training[key] for key in ("recipe", "epochs", "calibration", "data")},
        "command": "make evaluate DATA=…" + (" PUBLISHED=…" if published else ""),
    }
    plots.draw(docs, figures.curves(labels, ours), result["auc"], calibration.PREVALENCE)
    (output / EVALUATION_FILE).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return result


def _published(path: Path) -> keras.Model:
    """Return the published network, and no other one that would stand in the table under its name."""
    network = load_model(path)
    if sha256(path) != (pinned := hub.published()).sha256:
        raise ModelFileError(f"{path} is not {pinned.label}.", "Name that file, or leave PUBLISHED= out.")
    return network


def _field_of_view(frames: Sequence[ddti.Frame]) -> dict[str, int]:
    painted = (frame.pixels() for frame in tqdm(frames, "painting captions", unit="frame"))
    carried = (frame.pixels() for frame in tqdm(frames, "looking for captions", unit="frame"))
    return {**captions.measure(painted, CAPTION_DRAWS, 0), **caption_check.measure(carried, 0)}


def _calibrated(
    logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], folds: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return scores of what only stands beside the model, for each fold by the others; all of shape (seeds, frames)."""
    return np.stack(
        [calibrate_across_folds(labels, fold_of, one).scores for fold_of, one in zip(folds, logits, strict=True)]
    )


def _protocol(recipe: dict[str, Any]) -> str:
    return (
        f"{recipe['folds']}-fold cross-validation by case, stratified, in {recipe['seeds']} rounds, each with folds "
        "and first weights of its own; figures are means over the rounds. After how many epochs this model's networks "
        "are taken, its calibration and its thresholds were chosen inside the training folds, by a second "
        "cross-validation there. "
        "The rest of the recipe (network, rates, augmentation) was chosen beforehand, but by scores of these same "
        "cases, dealt otherwise, so the figures may be a little too good. "
        "Interval: 95 %, bootstrap by case, 2,000 draws. The bundled network is one more training of the same recipe, "
        "on all frames."
    )


def _described(
    labels: npt.NDArray[np.int64],
    cases: npt.NDArray[np.int64],
    scores: figures.Scores,
    folds: npt.NDArray[np.int64],
) -> dict[str, Any]:
    return {
        **figures.discrimination(labels, cases, scores),
        "auc_within_folds": figures.auc_within_folds(labels, scores, folds),
        "at_threshold_0.50": figures.operating_point(labels, scores >= MALIGNANT_FROM),
        "calibration": figures.calibrated(labels, scores),
        "risk_bands": figures.bands(labels, scores),
    }


def _groups(labels: npt.NDArray[np.int64], scores: figures.Scores, seen: Sequence[View]) -> dict[str, Any]:
    two_panes = np.array([view.two_panes for view in seen])
    caption = np.array([view.caption for view in seen])
    return {
        name: figures.group(labels, scores, members)
        for name, members in (
            ("one pane", ~two_panes),
            ("two panes", two_panes),
            ("no caption under the view", ~caption),
            ("a caption under the view", caption),
        )
    }


def by_seed(table: Sequence[Row], start: str, column: str, frames: Sequence[ddti.Frame]) -> npt.NDArray[np.float64]:
    """Return a column of the out-of-fold table, in the order of the frames: shape (seeds, frames).

    Raises
    ------
    RecordError
        If the table is of other frames.
    """
    names = [frame.path.name for frame in frames]
    found: dict[str, dict[str, float]] = {}
    for row in table:
        if row["start"] == start:
            found.setdefault(row["seed"], {})[row["frame"]] = float(row[column])
    if not found or any(sorted(values) != sorted(names) for values in found.values()):
        raise RecordError(f"{SCORES_FILE} is of other frames than the set has; run `make train DATA=…` on this set.")
    return np.array([[values[name] for name in names] for values in found.values()])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.evaluation.evaluate",
        description="Measure the bundled network and write its model card.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="where the training left its records")
    parser.add_argument("--published", type=Path, help="the published weights file, measured on the same frames too")
    parser.add_argument("--docs", type=Path, default=model_card.DOCS, help="where the plots are written")
    parser.add_argument("--card", type=Path, default=model_card.CARD, help="where the model card is written")
    options = parser.parse_args(arguments)
    try:
        result = evaluate(options.data, options.output, options.docs, options.published)
    except (RecordError, DataError, ModelSourceError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    options.card.write_text(model_card.render(result), "utf-8")
    low, high = result["auc_95_interval"]
    print(  # noqa: T201
        f"AUC {result['auc']:.3f} [{low:.3f} to {high:.3f}] on {result['frames']} frames, {result['label']}\n"
        f"{options.card} says the rest"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
