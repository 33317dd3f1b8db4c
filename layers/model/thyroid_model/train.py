"""Train the bundled network: ``python -m thyroid_model.train --data FOLDER``.

The network starts on breast lesions, which look alike and are many, and goes on with DDTI's thyroid frames. Before the
one that is bundled, which sees all frames, networks of the same recipe score cases that they did not see
(:mod:`thyroid_model.cross_validation`), for several seeds; their scores also calibrate the bundled one. To each network
the statistics of the whole picture are added (:mod:`thyroid_model.whole_picture`), fitted on the frames that it saw.

Where on its way each network is taken is chosen inside its training folds. Each training is kept in the work folder
when it is done, so an interrupted run goes on where it stopped.
"""

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from thyroid.assessment import MALIGNANT_FROM
from thyroid_model import breast, bus_bra, calibration, ddti, lesions, map_check, whole_picture
from thyroid_model.augment import Range
from thyroid_model.cross_validation import OutOfFold, Training, beside, cross_validate, keep, kept, network_file
from thyroid_model.examples import View, lesion_examples, thyroid_examples, views
from thyroid_model.findings import DataError, Findings
from thyroid_model.fit import Examples, Schedule, Trainer
from thyroid_model.lesion_network import build_lesion_network
from thyroid_model.record import MAPS_FILE, MODEL_FILE, SCORES_FILE, TRAINING_FILE, sha256, write_table
from thyroid_model.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.split import folds_by_case

# The bundled model's recipe, its two halves, and its network without the breast sets.
PRETRAINED, NETWORK, STATISTICS, SCRATCH = "pretrained", "network alone", "statistics alone", "scratch"
# The modules that decide what is kept in the work folder.
_DECIDING = (
    *("augment", "calibration", "cam", "cross_validation", "examples", "faithfulness", "fit", "layers"),
    *("lesion_network", "localisation", "logistic", "map_check", "metrics", "split", "train", "whole_picture"),
)
FEWEST_OUTLINED_FOLDS = 2  # one is measured, and its prior comes from the others
FEWEST_FOLDS = 3  # one is scored, one chooses, and one at least is left to train on


@dataclass(frozen=True)
class Recipe:
    """All that decides a training, besides the pictures.

    Attributes
    ----------
    input_size : int
        Height and width of the network's input, in pixels.
    folds : int
        Folds by case.
    seeds : int
        Rounds of cross-validation, each with folds and first weights of its own.
    batch : int
        Pictures a step.
    pretraining_epochs, pretraining_rate
        On the breast sets: epochs, and the learning rate at its highest.
    epochs, learning_rate
        On DDTI, after that. The network is taken after a half, three quarters or all of them.
    scratch_epochs, scratch_rate
        On DDTI, of the networks that start from random weights, to compare with: longer, as they have farther to go.

    Raises
    ------
    ValueError
        If there are fewer than three folds, less than one of anything else that is counted, a rate is not over 0, or
        the network can't have that input size.
    """

    input_size: int = 128
    folds: int = 5
    seeds: int = 3
    batch: int = 32
    pretraining_epochs: int = 18
    pretraining_rate: float = 2e-3
    epochs: int = 20
    learning_rate: float = 3e-4
    scratch_epochs: int = 40
    scratch_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse what can't be trained."""
        if self.folds < FEWEST_FOLDS:
            raise ValueError(f"folds must be {FEWEST_FOLDS} or more, not {self.folds}: the choices are nested")
        if self.input_size < 32 or self.input_size % 32:
            raise ValueError(f"input_size must be a positive multiple of 32, not {self.input_size}")
        for name in ("seeds", "batch", "pretraining_epochs", "epochs", "scratch_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("pretraining_rate", "learning_rate", "scratch_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number over 0, not {getattr(self, name):g}")

    def stops(self) -> tuple[int, ...]:
        """Return the numbers of epochs on DDTI that are chosen from."""
        return tuple(sorted({max(1, self.epochs * quarters // 4) for quarters in (2, 3, 4)}))

    def pretraining(self) -> Schedule:
        """Windows about the lesions, always: the whole picture of a breast is another scale."""
        return Schedule(
            self.pretraining_epochs, self.pretraining_rate, batch=self.batch, limits=Range(lesion_share=1.0)
        )

    def training(self) -> Schedule:
        """Whole fields of view, which is what a request shows."""
        return Schedule(self.epochs, self.learning_rate, batch=self.batch, limits=Range(lesion_share=0.0))

    def from_scratch(self) -> Schedule:
        """Take longer, at a higher rate: random weights have farther to go."""
        return Schedule(self.scratch_epochs, self.scratch_rate, batch=self.batch, limits=Range(lesion_share=0.0))


class Bench:
    """The network on which all trainings run, one after another, and the pictures that they run on."""

    def __init__(self, seen: Sequence[View], labels: npt.NDArray[np.float32], recipe: Recipe, work: Path) -> None:
        self.recipe, self.work = recipe, work
        self.network = build_lesion_network(recipe.input_size)
        self.examples = thyroid_examples(seen, labels)
        self._tensors = np.stack([view.tensor for view in seen])
        self._labels, self._statistics = labels.astype(int), whole_picture.statistics(self._tensors)
        self._trainer = Trainer(self.network, recipe.training())
        self._scratch = Trainer(self.network, recipe.from_scratch())

    def pretrain(self, seed: int, first: Examples) -> Path:
        """Return the weights after the breast sets; train them where they are not kept yet."""
        path = self.work / f"seed-{seed}-pretrained.weights.h5"
        if not path.exists():
            self.renew(seed)
            Trainer(self.network, self.recipe.pretraining()).fit(first, seed, f"seed {seed}, breast lesions")
            keep(path, self.network.training.save_weights)
        return path

    def renew(self, seed: int) -> None:
        """Give the network the first weights of a seed."""
        keras.utils.set_random_seed(seed)
        self.network.training.set_weights(build_lesion_network(self.recipe.input_size).training.get_weights())

    def train(
        self, chosen: npt.NDArray[np.bool_], seed: int, title: str, start: Path | None, stops: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        """Train on the chosen frames, from kept weights or, without any, from the first ones of the seed.

        Returns the network's logits of all frames after each of the ``stops``: shape (stops, frames).
        """
        if start is None:
            self.renew(seed)
        else:
            self.network.training.load_weights(start)
        trainer = self._scratch if start is None else self._trainer
        return np.stack(trainer.fit(self.examples.where(chosen), seed, title, stops, self._logits))

    def line(self, chosen: npt.NDArray[np.bool_]) -> whole_picture.Line:
        """Fit what statistics of the whole picture say, on the chosen frames."""
        return whole_picture.fit(self._statistics[chosen], self._labels[chosen])

    def added(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return what they say of all frames."""
        return self.line(chosen)(self._statistics)

    def _logits(self) -> npt.NDArray[np.float64]:
        """Return the network's logits of all frames."""
        scores = self.network.score.predict(self._tensors, batch_size=32, verbose=0)[:, 0]
        return calibration.logit(scores.astype(np.float64))


def train(data: Path, work: Path, output: Path, recipe: Recipe) -> None:
    """Cross-validate, train the network that is bundled and write all records to ``output``.

    Raises
    ------
    DataError
        If a set is missing, damaged by more than the rule in `thyroid_model.findings` allows, or too small for a batch
        of both classes.
    """
    started = time.monotonic()
    findings = Findings()
    frames = ddti.read(data, findings, folds=recipe.folds)
    others = [*bus_bra.read(data, findings), *breast.read(data, findings)]
    tqdm.write(str(findings))
    labels = np.array([frame.label for frame in frames])
    dealt = [
        folds_by_case([frame.case for frame in frames], labels.tolist(), recipe.folds, seed)
        for seed in range(recipe.seeds)
    ]
    _require_outlines(frames, dealt)
    seen = views(frames, recipe.input_size)
    first = lesion_examples(others, recipe.input_size)
    sets = (thyroid_examples(seen, labels.astype(np.float32)), first)
    work = work / _identity(recipe, frames, others, sets)
    work.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    bench = Bench(seen, labels.astype(np.float32), recipe, work)

    rounds: dict[str, list[OutOfFold]] = {PRETRAINED: [], NETWORK: [], STATISTICS: [], SCRATCH: []}
    maps: list[map_check.Row] = []
    for seed, folds in enumerate(dealt):
        start = bench.pretrain(seed, first)
        done = cross_validate(labels, folds, seed, _training(bench, start), work, recipe.stops(), bench.added)
        rounds[PRETRAINED].append(done)
        rounds[NETWORK].append(beside(labels, folds, done.logits - done.added))
        rounds[STATISTICS].append(beside(labels, folds, done.added))
        rounds[SCRATCH].append(beside(labels, folds, _from_scratch(bench, folds, seed)))
        maps += _maps(bench, seen, done, seed, frames)

    epochs = [taken for done in rounds[PRETRAINED] for taken in done.epochs]
    final = work / MODEL_FILE
    if not final.exists():
        everyone = np.ones(len(labels), np.bool_)
        start = bench.pretrain(0, first)
        bench.train(everyone, recipe.seeds * 1000, "final, all frames", start, (most_often(epochs),))
        model = whole_picture.added_to(bench.network.score, bench.line(everyone))
        pooled = np.concatenate([done.logits for done in rounds[PRETRAINED]])
        platt = calibration.fit(pooled, np.tile(labels, recipe.seeds))
        calibration.compile_into(model, platt)
        keep(work / "calibration.json", lambda half: half.write_text(json.dumps(asdict(platt))))
        keep(final, model.save)

    (output / MODEL_FILE).write_bytes(final.read_bytes())
    write_table(output / SCORES_FILE, _score_rows(rounds, frames))
    write_table(output / MAPS_FILE, [asdict(row) for row in maps])
    record = {
        "recipe": asdict(recipe),
        "epochs": {
            "taken_after": most_often(epochs),
            "chosen_in_folds": {str(stop): epochs.count(stop) for stop in recipe.stops()},
        },
        "calibration": {
            "method": "Platt scaling, folded into the last layer",
            "prevalence": calibration.PREVALENCE,
            **json.loads((work / "calibration.json").read_text()),
        },
        "data": findings.as_dict(),
        "labels_sha256": labels_sha256(frames),
        "sha256": {name: sha256(output / name) for name in (MODEL_FILE, SCORES_FILE, MAPS_FILE)},
    }
    (output / TRAINING_FILE).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    tqdm.write(f"{output / MODEL_FILE}: done in {(time.monotonic() - started) / 60:.0f} min")


def _require_outlines(frames: Sequence[ddti.Frame], dealt: Iterable[npt.NDArray[np.int64]]) -> None:
    """Stop before hours of training if there will be nothing to hold maps against."""
    outlined = np.array([bool(frame.outlines) for frame in frames])
    if any(len(set(folds[outlined].tolist())) < FEWEST_OUTLINED_FOLDS for folds in dealt):
        raise DataError(
            f"{ddti.SET}: {outlined.sum()} of its frames have an outline that can be read, too few to hold maps "
            f"against in {FEWEST_OUTLINED_FOLDS} folds. Is it the whole set?"
        )


def _training(bench: Bench, start: Path | None) -> Training:
    def run(
        chosen: npt.NDArray[np.bool_], seed: int, title: str, file: Path | None, stops: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        logits = bench.train(chosen, seed, title, start, stops)
        if file is not None:
            keep(file, bench.network.score.save)
        return logits

    return run


def _from_scratch(bench: Bench, folds: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.float64]:
    """Return every frame's logit by a network from random weights that saw no frame of its fold."""
    run, logits, epochs = _training(bench, None), np.full(len(folds), np.nan), (bench.recipe.scratch_epochs,)
    for fold in np.unique(folds).tolist():
        (of_all,) = kept(
            bench.work / f"seed-{seed}-scratch-{fold}.npy",
            lambda fold=fold: run(  # type: ignore[misc]
                folds != fold, 1000 * seed + 500 + fold, f"seed {seed}, scratch, without fold {fold}", None, epochs
            ),
        )
        logits[folds == fold] = of_all[folds == fold]
    return logits


def _maps(
    bench: Bench, seen: Sequence[View], done: OutOfFold, seed: int, frames: Sequence[ddti.Frame]
) -> list[map_check.Row]:
    """Hold the maps of each fold's network against the outlines of the frames that it did not see."""
    path = bench.work / f"seed-{seed}-maps.json"
    if not path.exists():
        keras.utils.set_random_seed(seed)
        untrained = build_lesion_network(bench.recipe.input_size).score
        check = map_check.MapCheck(bench.network.score, untrained, seed)
        rows: list[map_check.Row] = []
        for fold in np.unique(done.folds).tolist():
            bench.network.score.set_weights(
                keras.models.load_model(network_file(bench.work, seed, fold), compile=False).get_weights()
            )
            served = whole_picture.added_to(bench.network.score, bench.line(done.folds != fold))
            calibration.compile_into(served, done.calibrations[fold])
            rows += check.measure(seen, [frame.path.name for frame in frames], done.folds, fold, served)
        keep(path, lambda half: half.write_text(json.dumps([asdict(row) for row in rows])))
    return [map_check.Row(**row) for row in json.loads(path.read_text())]


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


def most_often(epochs: Sequence[int]) -> int:
    """Return the number of epochs that was chosen most often; of equals, the lowest."""
    return max(sorted(set(epochs)), key=epochs.count)


def labels_sha256(frames: Iterable[ddti.Frame]) -> str:
    """Return the SHA-256 of names and labels: an evaluation by other labels than the training's can be told by it."""
    return hashlib.sha256(json.dumps(sorted((frame.path.name, frame.label) for frame in frames)).encode()).hexdigest()


def _identity(
    recipe: Recipe, frames: Sequence[ddti.Frame], others: Sequence[lesions.Lesion], sets: Sequence[Examples]
) -> str:
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
        identity.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for each in sets:
        for values in (each.pictures, each.masks, each.labels, each.two_panes):
            identity.update(values.tobytes())
    return identity.hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m thyroid_model.train", description="Train the bundled network.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ddti/, bus-bra/ and breast/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where finished trainings are kept")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="where the network and its records go")
    for name, value in asdict(default).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"{value} if not set")
    options = vars(parser.parse_args(arguments))
    paths = {name: options.pop(name) for name in ("data", "work", "output")}
    try:
        recipe = Recipe(**options)
    except ValueError as error:
        parser.error(str(error))
    try:
        train(**paths, recipe=recipe)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
