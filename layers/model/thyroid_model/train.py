"""Train the bundled network on DDTI: ``python -m thyroid_model.train --data FOLDER``.

Five trainings, each on four fifths of the cases, score the cases that they never saw; a sixth, of the same recipe on
all frames, is the network that is bundled. The recipe, the number of epochs in it, was fixed before the first score was
looked at: nothing is chosen on the cases that are scored.

Each training is kept in the work folder when it is done, so an interrupted run goes on where it stopped.
"""

import argparse
import csv
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from thyroid.preprocessing import prepare
from thyroid_model import ddti
from thyroid_model.augment import augment
from thyroid_model.network import build_network
from thyroid_model.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.split import folds_by_case

MODEL_FILE = "model.keras"
SCORES_FILE = "out_of_fold.csv"
TRAINING_FILE = "training.json"

Tensor = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """All that decides a training, besides the frames.

    Attributes
    ----------
    input_size : int
        Height and width of the network's input, in pixels.
    folds : int
        Folds by case.
    epochs : int
        Fixed beforehand.
    batch : int
        Frames a step.
    learning_rate : float
        Adam's, at the start; it falls to 0 along a cosine.
    seed : int
        Of the split, the first weights, the order of the frames and the augmentation.
    """

    input_size: int = 128
    folds: int = 5
    epochs: int = 30
    batch: int = 16
    learning_rate: float = 1e-3
    seed: int = 0


def load(frames: Sequence[ddti.Frame], recipe: Recipe) -> Tensor:
    """Prepare the frames as the service does: shape (frames, size, size, 3)."""
    size = recipe.input_size
    return np.concatenate(
        [
            prepare(f.pixels(), BUNDLED_PREPROCESSING, size, size).tensor
            for f in tqdm(frames, "preparing frames", unit="frame")
        ]
    )


def class_weights(labels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a weight for each frame, so that both classes weigh the same and the mean weight is 1."""
    positive = labels.mean()
    return np.asarray(np.where(labels > 0, 0.5 / positive, 0.5 / (1 - positive)), dtype=np.float32)


def fit(pictures: Tensor, labels: npt.NDArray[np.float32], recipe: Recipe, seed: int, title: str) -> keras.Model:
    """Train one network from scratch.

    Parameters
    ----------
    pictures : numpy.ndarray
        float32 in [0, 1], shape (frames, size, size, 3).
    labels : numpy.ndarray
        float32, 0 or 1, shape (frames,). Both are needed.
    recipe : Recipe
        How.
    seed : int
        Of this training.
    title : str
        What the progress bar says.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    steps = -(-len(labels) // recipe.batch)
    model = build_network(input_size=recipe.input_size)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps)
    # XLA (the default) compiles for minutes and then takes twice as long on a processor.
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss="binary_crossentropy", jit_compile=False)
    weights = class_weights(labels)
    with tqdm(total=recipe.epochs * steps, desc=title, unit="step") as bar:
        for epoch in range(recipe.epochs):
            for chosen in np.array_split(rng.permutation(len(labels)), steps):
                batch = augment(pictures[chosen], rng)
                loss = model.train_on_batch(batch, labels[chosen, np.newaxis], sample_weight=weights[chosen])
                bar.set_postfix(epoch=epoch + 1, loss=f"{float(loss):.3f}", refresh=False)
                bar.update()
    return model


def cross_validate(
    frames: Sequence[ddti.Frame], pictures: Tensor, recipe: Recipe, work: Path
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Score every frame by a network that saw no frame of its case.

    Returns
    -------
    tuple of numpy.ndarray
        The fold and the score in [0, 1] of each frame.
    """
    labels = np.array([frame.label for frame in frames], dtype=np.float32)
    fold_of = folds_by_case([frame.case for frame in frames], labels.astype(int).tolist(), recipe.folds, recipe.seed)
    scores = np.full(len(frames), np.nan)
    for fold in range(recipe.folds):
        out, kept = fold_of == fold, work / f"fold-{fold}.npy"
        if not kept.exists():
            model = fit(pictures[~out], labels[~out], recipe, recipe.seed + fold, f"fold {fold + 1} of {recipe.folds}")
            _keep(kept, lambda path, m=model, o=out: np.save(path, _score(m, pictures[o])))
        scores[out] = np.load(kept)
    return fold_of, scores


def train(data: Path, work: Path, output: Path, recipe: Recipe) -> None:
    """Cross-validate, train the final network and write both results to ``output``.

    ``model.keras`` is the network; ``out_of_fold.csv`` has fold and score of each frame, by the frame's name, which
    the evaluation joins with the labels of the set; ``training.json`` the recipe and the time that it took.
    """
    started = time.monotonic()
    frames = ddti.read(data)
    # Folds of another recipe, or of another set of frames, are never mixed with these.
    identity = json.dumps([asdict(recipe), BUNDLED_PREPROCESSING.model_dump(), [frame.path.name for frame in frames]])
    work = work / hashlib.sha256(identity.encode()).hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)

    pictures = load(frames, recipe)
    fold_of, scores = cross_validate(frames, pictures, recipe, work)

    final = work / MODEL_FILE
    if not final.exists():
        labels = np.array([frame.label for frame in frames], dtype=np.float32)
        model = fit(pictures, labels, recipe, recipe.seed + recipe.folds, "final, all frames")
        bare = build_network(input_size=recipe.input_size)  # without the optimiser's state, which doubles the file
        bare.set_weights(model.get_weights())
        _keep(final, bare.save)

    (output / MODEL_FILE).write_bytes(final.read_bytes())
    with (output / SCORES_FILE).open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["frame", "fold", "score"])
        table.writerows([f.path.name, int(k), f"{s:.6f}"] for f, k, s in zip(frames, fold_of, scores, strict=True))
    facts = {**asdict(recipe), "frames": len(frames), "cases": len({frame.case for frame in frames})}
    (output / TRAINING_FILE).write_text(json.dumps(facts, indent=2) + "\n")
    tqdm.write(f"{output / MODEL_FILE}: done in {(time.monotonic() - started) / 60:.0f} min")


def _score(model: keras.Model, pictures: Tensor) -> npt.NDArray[np.float64]:
    scores: npt.NDArray[np.float64] = model.predict(pictures, batch_size=32, verbose=0)[:, 0].astype(np.float64)
    return scores


def _keep(path: Path, write: Any) -> None:
    """Write under another name first: a half-written file must not look like a finished training."""
    half = path.with_name(f"half-{path.name}")
    write(half)
    half.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m thyroid_model.train", description="Train the bundled network.")
    parser.add_argument("--data", type=Path, required=True, help="folder of DDTI, or the one that holds it as ddti/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where finished folds are kept")
    parser.add_argument(
        "--output", type=Path, default=BUNDLED_FOLDER, help="where the network and its scores are written"
    )
    for name, value in asdict(default).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"{value} if not set")
    options = vars(parser.parse_args(arguments))
    paths = {name: options.pop(name) for name in ("data", "work", "output")}
    train(**paths, recipe=Recipe(**options))


if __name__ == "__main__":
    main()
