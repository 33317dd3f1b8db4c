"""Train the bundled network: ``python -m thyroid_model.training.train``.

The network is pretrained on breast lesions, which are similar and numerous, and then trained on DDTI's thyroid frames.
The bundled network is trained on all frames. Before it, networks of the same recipe score cases that they did not see
(:mod:`thyroid_model.training.cross_validation`), for several seeds; these scores also calibrate the bundled network. A
score of statistics of the whole image, fitted on the same frames, is added to each network's
(:mod:`thyroid_model.networks.whole_image`).

The number of epochs of each network is chosen inside its training folds. Several processes share the trainings
(:mod:`thyroid_model.training.jobs`). Each result is saved in the work folder, so an interrupted run resumes.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from thyroid.core.assessment import MALIGNANT_FROM
from thyroid_model.data import breast, bus_bra, ddti, lesions
from thyroid_model.data.findings import DataError, Findings
from thyroid_model.networks.lesion_network import build_lesion_network
from thyroid_model.networks.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.record import MAPS_FILE, MODEL_FILE, SCORES_FILE, TRAINING_FILE, sha256, write_table
from thyroid_model.training import calibration, jobs
from thyroid_model.training.cross_validation import OutOfFold, calibrate_across_folds
from thyroid_model.training.plan import plan
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.training_data import TrainingData, prepare
from thyroid_model.training.training_run import (
    CALIBRATION_FILE,
    Build,
    maps_file,
    most_frequent,
    scratch_result,
    set_up,
)

# The bundled model, its two parts, and its network without the breast sets.
PRETRAINED, NETWORK, STATISTICS, SCRATCH = "pretrained", "network alone", "statistics alone", "scratch"
# Modules that the results in the work folder depend on.
_DEPENDENCIES = (
    *("logistic.py", "metrics.py", "data/examples.py", "data/split.py"),
    *("networks/cam.py", "networks/layers.py", "networks/lesion_network.py", "networks/whole_image.py"),
    *("training/augment.py", "training/calibration.py", "training/cross_validation.py", "training/faithfulness.py"),
    *("training/fit.py", "training/localisation.py", "training/map_check.py", "training/recipe.py"),
    *("training/training_data.py", "training/training_run.py"),
)
_MAX_PROCESSES = 4  # each takes about 2 GB of memory


def train(
    data: Path,
    work: Path,
    output: Path,
    recipe: Recipe,
    processes: int = 1,
    build: Build = build_lesion_network,
) -> None:
    """Cross-validate, train the bundled network, and write it and its records to ``output``.

    Parameters
    ----------
    data : pathlib.Path
        Folder of the datasets.
    work : pathlib.Path
        Folder of intermediate results.
    output : pathlib.Path
        Folder of the network and its records.
    recipe : Recipe
        Hyperparameters.
    processes : int
        Number of processes, at least 1.
    build : callable
        Builds the network for an input size, in pixels.

    Raises
    ------
    DataError
        If a dataset is missing, more damaged than the rule in `thyroid_model.data.findings` allows, or too small for a
        batch of both classes.
    JobError
        If a process ended before its training was done.
    """
    started = time.monotonic()
    findings = Findings()
    frames = ddti.read(data, findings, folds=recipe.folds)
    others = [*bus_bra.read(data, findings), *breast.read(data, findings)]
    tqdm.write(str(findings))
    prepared = prepare(frames, others, recipe)
    work = work / _identity(recipe, frames, others, prepared)
    work.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)

    # Each of several processes uses one thread, so that they do not compete for the CPU.
    threads = 0 if processes == 1 else 1
    jobs.run(plan(recipe, work), partial(set_up, prepared, recipe, work, build, threads), processes)

    rounds: dict[str, list[OutOfFold]] = {PRETRAINED: [], NETWORK: [], STATISTICS: [], SCRATCH: []}
    maps: list[Any] = []
    for cv_round in prepared.rounds(recipe, work):
        result = cv_round.result()
        rounds[PRETRAINED].append(result)
        rounds[NETWORK].append(calibrate_across_folds(cv_round.labels, cv_round.folds, result.logits - result.added))
        rounds[STATISTICS].append(calibrate_across_folds(cv_round.labels, cv_round.folds, result.added))
        rounds[SCRATCH].append(scratch_result(cv_round, work))
        for fold in cv_round.fold_numbers:
            maps += json.loads(maps_file(work, cv_round.seed, fold).read_text())
    epochs = [number for result in rounds[PRETRAINED] for number in result.epochs]
    (output / MODEL_FILE).write_bytes((work / MODEL_FILE).read_bytes())
    write_table(output / SCORES_FILE, _score_rows(rounds, frames))
    write_table(output / MAPS_FILE, maps)
    record = {
        "recipe": asdict(recipe),
        "epochs": {
            "taken_after": most_frequent(epochs),
            "chosen_in_folds": {str(stop): epochs.count(stop) for stop in recipe.stops()},
        },
        "calibration": {
            "method": "Platt scaling, folded into the last layer",
            "prevalence": calibration.PREVALENCE,
            **json.loads((work / CALIBRATION_FILE).read_text()),
        },
        "data": findings.as_dict(),
        "labels_sha256": labels_sha256(frames),
        "sha256": {name: sha256(output / name) for name in (MODEL_FILE, SCORES_FILE, MAPS_FILE)},
    }
    (output / TRAINING_FILE).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    tqdm.write(f"{output / MODEL_FILE}: done in {(time.monotonic() - started) / 60:.0f} min")


def _score_rows(rounds: dict[str, list[OutOfFold]], frames: Sequence[ddti.Frame]) -> Iterable[dict[str, Any]]:
    for start, all_seeds in rounds.items():
        for seed, result in enumerate(all_seeds):
            for index, frame in enumerate(frames):
                yield {
                    "start": start,
                    "seed": seed,
                    "frame": frame.path.name,
                    "fold": int(result.folds[index]),
                    "logit": float(result.logits[index]),
                    "score": float(result.scores[index]),
                    **{f"threshold_{s:.2f}": float(t[index]) for s, t in result.thresholds.items()},
                }


def labels_sha256(frames: Iterable[ddti.Frame]) -> str:
    """Return the hexadecimal SHA-256 of names and labels; it differs where an evaluation has other labels."""
    return hashlib.sha256(json.dumps(sorted((frame.path.name, frame.label) for frame in frames)).encode()).hexdigest()


def _identity(
    recipe: Recipe, frames: Sequence[ddti.Frame], others: Sequence[lesions.Lesion], data: TrainingData
) -> str:
    """Return the name of a work folder; it differs for another recipe, other code and other images.

    File names are included beside pixels, outlines and labels, since the folds depend on them.
    """
    schedules = [asdict(schedule) for schedule in (recipe.pretraining(), recipe.training(), recipe.from_scratch())]
    names = [[frame.path.name, frame.tirads] for frame in frames] + [[o.path.name, o.label] for o in others]
    description = json.dumps(
        [asdict(recipe), schedules, BUNDLED_PREPROCESSING.model_dump(), names, keras.__version__, MALIGNANT_FROM]
    )
    identity = hashlib.sha256(description.encode())
    for module in _DEPENDENCIES:
        identity.update((Path(__file__).parents[1] / module).read_bytes())
    for folds in data.folds_of_rounds:
        identity.update(folds.tobytes())
    for examples in (data.examples, data.pretraining):
        for values in (examples.images, examples.masks, examples.labels, examples.two_panes):
            identity.update(values.tobytes())
    return identity.hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    default = Recipe()
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.training.train", description="Train the bundled network."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="folder of intermediate results")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="folder of the network and its records")
    parser.add_argument(
        "--processes",
        type=int,
        default=min(len(os.sched_getaffinity(0)), _MAX_PROCESSES),
        help=f"number of processes; by default one for each core, up to {_MAX_PROCESSES}",
    )
    for name, value in asdict(default).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    options = vars(parser.parse_args(arguments))
    processes = options.pop("processes")
    if processes < 1:
        parser.error(f"processes must be 1 or more, not {processes}")
    paths = {name: options.pop(name) for name in ("data", "work", "output")}
    try:
        recipe = Recipe(**options)
    except ValueError as error:
        parser.error(str(error))
    try:
        train(**paths, recipe=recipe, processes=processes)
    except (DataError, jobs.JobError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
