"""Train the bundled network: ``python -m thyroid_model.training.train``.

The network starts on breast lesions, which look alike and are many, and goes on with DDTI's thyroid frames. Before the
one that is bundled, which sees all frames, networks of the same recipe score cases that they did not see
(:mod:`thyroid_model.training.cross_validation`), for several seeds; their scores also calibrate the bundled one. To
each network the statistics of the whole picture are added (:mod:`thyroid_model.networks.whole_image`), fitted on
the frames that it saw.

Where on its way each network is taken is chosen inside its training folds. Several processes share the trainings
(:mod:`thyroid_model.training.jobs`). Each is kept in the work folder when it is done, so an interrupted run resumes.
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
from thyroid_model.training.cross_validation import OutOfFold, beside
from thyroid_model.training.plan import plan
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.sets import Sets, prepare
from thyroid_model.training.training_run import CALIBRATION_FILE, Build, from_scratch, maps_file, most_often, set_up

# The bundled model's recipe, its two halves, and its network without the breast sets.
PRETRAINED, NETWORK, STATISTICS, SCRATCH = "pretrained", "network alone", "statistics alone", "scratch"
# The modules that decide what is kept in the work folder.
_DECIDING = (
    *("logistic.py", "metrics.py", "data/examples.py", "data/split.py"),
    *("networks/cam.py", "networks/layers.py", "networks/lesion_network.py", "networks/whole_image.py"),
    *("training/augment.py", "training/calibration.py", "training/cross_validation.py", "training/faithfulness.py"),
    *("training/fit.py", "training/localisation.py", "training/map_check.py", "training/recipe.py", "training/sets.py"),
    "training/training_run.py",
)
_MOST_PROCESSES = 4  # each takes about 2 GB of memory


def train(
    data: Path,
    work: Path,
    output: Path,
    recipe: Recipe,
    processes: int = 1,
    build: Build = build_lesion_network,
) -> None:
    """Cross-validate, train the network that is bundled and write all records to ``output``.

    Raises
    ------
    DataError
        If a set is missing, damaged by more than the rule in `thyroid_model.data.findings` allows, or too small for a
        batch of both classes.
    JobError
        If a process ended before its training was done.
    """
    started = time.monotonic()
    findings = Findings()
    frames = ddti.read(data, findings, folds=recipe.folds)
    others = [*bus_bra.read(data, findings), *breast.read(data, findings)]
    tqdm.write(str(findings))
    sets = prepare(frames, others, recipe)
    work = work / _identity(recipe, frames, others, sets)
    work.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)

    # One thread for each of several: they share the processor without waiting for each other.
    threads = 0 if processes == 1 else 1
    jobs.run(plan(recipe, work), partial(set_up, sets, recipe, work, build, threads), processes)

    rounds: dict[str, list[OutOfFold]] = {PRETRAINED: [], NETWORK: [], STATISTICS: [], SCRATCH: []}
    maps: list[Any] = []
    for one in sets.rounds(recipe, work):
        done = one.result()
        rounds[PRETRAINED].append(done)
        rounds[NETWORK].append(beside(one.labels, one.folds, done.logits - done.added))
        rounds[STATISTICS].append(beside(one.labels, one.folds, done.added))
        rounds[SCRATCH].append(from_scratch(one, work))
        for fold in one.numbers:
            maps += json.loads(maps_file(work, one.seed, fold).read_text())
    epochs = [taken for done in rounds[PRETRAINED] for taken in done.epochs]
    (output / MODEL_FILE).write_bytes((work / MODEL_FILE).read_bytes())
    write_table(output / SCORES_FILE, _score_rows(rounds, frames))
    write_table(output / MAPS_FILE, maps)
    record = {
        "recipe": asdict(recipe),
        "epochs": {
            "taken_after": most_often(epochs),
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
        for seed, done in enumerate(all_seeds):
            for place, frame in enumerate(frames):
                yield {
                    "start": start,
                    "seed": seed,
                    "frame": frame.path.name,
                    "fold": int(done.folds[place]),
                    "logit": float(done.logits[place]),
                    "score": float(done.scores[place]),
                    **{f"threshold_{s:.2f}": float(t[place]) for s, t in done.thresholds.items()},
                }


def labels_sha256(frames: Iterable[ddti.Frame]) -> str:
    """Return the SHA-256 of names and labels: an evaluation by other labels than the training's can be told by it."""
    return hashlib.sha256(json.dumps(sorted((frame.path.name, frame.label) for frame in frames)).encode()).hexdigest()


def _identity(recipe: Recipe, frames: Sequence[ddti.Frame], others: Sequence[lesions.Lesion], sets: Sets) -> str:
    """Name a work folder: trainings by another recipe or code, or on other pictures, are never mixed with these.

    Names decide the folds, so they are looked at beside pixels, outlines and labels.
    """
    schedules = [asdict(schedule) for schedule in (recipe.pretraining(), recipe.training(), recipe.from_scratch())]
    names = [[frame.path.name, frame.tirads] for frame in frames] + [[o.path.name, o.label] for o in others]
    told = json.dumps(
        [asdict(recipe), schedules, BUNDLED_PREPROCESSING.model_dump(), names, keras.__version__, MALIGNANT_FROM]
    )
    identity = hashlib.sha256(told.encode())
    for module in _DECIDING:
        identity.update((Path(__file__).parents[1] / module).read_bytes())
    for folds in sets.dealt:
        identity.update(folds.tobytes())
    for each in (sets.examples, sets.first):
        for values in (each.pictures, each.masks, each.labels, each.two_panes):
            identity.update(values.tobytes())
    return identity.hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    default = Recipe()
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.training.train", description="Train the bundled network."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where finished trainings are kept")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="where the network and its records go")
    parser.add_argument(
        "--processes",
        type=int,
        default=min(len(os.sched_getaffinity(0)), _MOST_PROCESSES),
        help=f"trainings beside each other; one for each core, up to {_MOST_PROCESSES}, if not set",
    )
    for name, value in asdict(default).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"{value} if not set")
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
