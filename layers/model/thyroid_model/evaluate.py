"""Measure the bundled network on DDTI: ``python -m thyroid_model.evaluate --data FOLDER``.

The scores are those that the training left in ``out_of_fold.csv``: each frame's by a network that saw no frame of its
case. The labels are read from the set. With ``--published FILE`` the published network scores the same frames, with its
own preprocessing and on the field of view. All is written to ``evaluation.json``, whatever it is.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from thyroid.preprocessing import prepare
from thyroid_model import ddti
from thyroid_model.meaning import RISK_BANDS
from thyroid_model.metrics import auc, brier, ece, interval_by_case, sensitivity_at
from thyroid_model.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING, REFERENCE_PREPROCESSING
from thyroid_model.train import SCORES_FILE, TRAINING_FILE
from thyroid_model.weights import load_model

EVALUATION_FILE = "evaluation.json"
SET = "DDTI (Pedraza et al. 2015), labelled frames without those that appear under two cases"

Scores = npt.NDArray[np.float64]


def figures(frames: Sequence[ddti.Frame], scores: Scores) -> dict[str, Any]:
    """Return the figures of one network's scores, one for each frame."""
    labels = np.array([frame.label for frame in frames])
    cases = np.array([frame.case for frame in frames])
    interval = interval_by_case(auc, labels, scores, cases)
    return {
        "auc": round(auc(labels, scores), 4),
        "auc_95_interval": [round(bound, 4) for bound in interval],
        "sensitivity_at_specificity_0.90": round(sensitivity_at(0.90, labels, scores), 4),
        "at_threshold_0.50": {
            "sensitivity": round(float(np.mean(scores[labels == 1] >= 0.5)), 4),
            "specificity": round(float(np.mean(scores[labels == 0] < 0.5)), 4),
        },
        "risk_bands": bands(labels, scores),
        "brier": round(brier(labels, scores), 4),
        "ece15": round(ece(labels, scores), 4),
    }


def bands(labels: npt.NDArray[np.int64], scores: Scores) -> dict[str, dict[str, int]]:
    """Count the frames of either label in each risk band."""
    lowest_first = sorted(RISK_BANDS, key=lambda band: band.minimum)
    band_of = np.digitize(scores, [band.minimum for band in lowest_first]) - 1
    return {
        band.label: {
            "suspicious": int(np.sum(labels[band_of == number] == 1)),
            "not_suspicious": int(np.sum(labels[band_of == number] == 0)),
        }
        for number, band in reversed(list(enumerate(lowest_first)))
    }


def read_scores(path: Path, frames: Sequence[ddti.Frame]) -> tuple[Scores, npt.NDArray[np.int64]]:
    """Read the out-of-fold scores and folds, in the order of the frames.

    Raises
    ------
    FileNotFoundError
        If the network has not been trained here; the message says how.
    ValueError
        If they are those of other frames.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}; run `make train DATA=…` first.")
    with path.open(newline="") as file:
        rows = {row["frame"]: row for row in csv.DictReader(file)}
    names = [frame.path.name for frame in frames]
    if sorted(rows) != sorted(names):
        raise ValueError(f"{path} has scores of other frames than the set has; run `make train DATA=…` on this set.")
    scores = np.array([float(rows[name]["score"]) for name in names])
    return scores, np.array([int(rows[name]["fold"]) for name in names])


def evaluate(data: Path, output: Path, published: Path | None = None) -> dict[str, Any]:
    """Measure, write ``evaluation.json`` in the folder ``output`` and return what it holds."""
    frames = ddti.read(data)
    scores, fold_of = read_scores(output / SCORES_FILE, frames)
    recipe = json.loads((output / TRAINING_FILE).read_text())
    labels = np.array([frame.label for frame in frames])
    prevalence = float(labels.mean())
    result: dict[str, Any] = {
        "data": SET,
        "label": ddti.LABEL_DEFINITION,
        "frames": len(frames),
        "cases": len({frame.case for frame in frames}),
        "prevalence": round(prevalence, 4),
        "protocol": (
            f"{recipe['folds']}-fold cross-validation by case, stratified; trained from scratch, on the field of view, "
            f"for {recipe['epochs']} epochs fixed beforehand; scores of all folds pooled; interval: bootstrap by case, "
            "2,000 draws. The bundled network is one more training of the same recipe, on all frames."
        ),
        **figures(frames, scores),
        "auc_of_folds": [
            round(auc(labels[fold_of == fold], scores[fold_of == fold]), 4) for fold in np.unique(fold_of)
        ],
        "brier_of_prevalence_alone": round(prevalence * (1 - prevalence), 4),
        "preprocessing": BUNDLED_PREPROCESSING.model_dump(),
        "recipe": recipe,
        "command": "make evaluate DATA=…" + (" PUBLISHED=…" if published else ""),
    }
    if published is not None:
        result["published_network_on_the_same_frames"] = _published(published, frames)
    (output / EVALUATION_FILE).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def _published(path: Path, frames: Sequence[ddti.Frame]) -> dict[str, Any]:
    """Return the figures of the published network, with its own preprocessing and on the field of view."""
    model = load_model(path)
    _, height, width, _ = model.input_shape
    ways = {
        "whole_frame": REFERENCE_PREPROCESSING,
        "field_of_view": REFERENCE_PREPROCESSING.model_copy(update={"field_of_view": True}),
    }
    result = {}
    for name, steps in ways.items():
        bar = tqdm(frames, f"published network, {name}", unit="frame")
        pictures = np.concatenate([prepare(frame.pixels(), steps, height, width).tensor for frame in bar])
        scores = model.predict(pictures, batch_size=16, verbose=0)[:, 0].astype(np.float64)
        result[name] = figures(frames, scores)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.evaluate", description="Measure the bundled network."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of DDTI, or the one that holds it as ddti/")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="where the training wrote its scores")
    parser.add_argument("--published", type=Path, help="the published weights file, measured on the same frames too")
    result = evaluate(**vars(parser.parse_args(arguments)))
    low, high = result["auc_95_interval"]
    tqdm.write(f"AUC {result['auc']:.3f} [{low:.3f} to {high:.3f}] on {result['frames']} frames, {result['label']}")


if __name__ == "__main__":
    main()
