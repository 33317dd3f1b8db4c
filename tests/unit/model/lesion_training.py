"""Fixtures of the training tests: a small network, and a folder with the three datasets, made of phantoms."""

import csv
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from thyroid import phantom
from thyroid_model.networks.layers import LesionEvidence
from thyroid_model.networks.lesion_network import LesionNetwork
from thyroid_model.training.recipe import Recipe

TINY = Recipe(
    input_size=32,
    folds=3,
    seeds=1,
    batch=4,
    pretraining_epochs=1,
    epochs=1,
    scratch_epochs=1,
)
NOT_SUSPICIOUS, SUSPICIOUS = 4, 8  # cases of DDTI; the last of them has two views


def small_network(input_size: int = 32) -> LesionNetwork:
    """Build a network of the same interface as the bundled one, which TensorFlow traces in no time."""
    inputs = keras.Input((input_size, input_size, 3))
    x = keras.layers.Conv2D(4, 8, strides=8, name="patches")(inputs)
    x = keras.layers.Activation("silu")(keras.layers.BatchNormalization(name="norm")(x))
    lesion = keras.layers.Conv2D(1, 1, name="lesion")(x)
    x = LesionEvidence(name="lesion_evidence")([keras.layers.Dropout(0.2)(x), lesion])
    x = keras.layers.GlobalAveragePooling2D()(x)
    score = keras.layers.Dense(1, activation="sigmoid", name="score")(x)
    return LesionNetwork(keras.Model(inputs, score), keras.Model(inputs, [score, lesion]))


def move_weights(network: keras.Model, seed: int, deviation: float) -> None:
    """Move the weights of a network, as a training would; not the moving averages, as a variance is not negative."""
    rng = np.random.default_rng(seed)
    network.set_weights(
        [
            value if "moving" in weight.path else value + rng.normal(0, deviation, value.shape).astype(value.dtype)
            for weight, value in zip(network.weights, network.get_weights(), strict=True)
        ]
    )


def make_data(folder: Path) -> Path:
    """Write ``ddti/``, ``bus-bra/`` and ``breast/``; return the folder.

    Of DDTI's frames, odd cases show two panes, and every third has a caption below.
    """
    _ddti(folder / "ddti")
    _bus_bra(folder / "bus-bra")
    _breast(folder / "breast")
    return folder


def _ddti(root: Path) -> None:
    for name in ("images", "annotations"):
        (root / name).mkdir(parents=True)
    for case in range(1, NOT_SUSPICIOUS + SUSPICIOUS + 1):
        suspicious = case > NOT_SUSPICIOUS
        views = (1, 2) if case == NOT_SUSPICIOUS + SUSPICIOUS else (1,)
        marks = "".join(
            f"<mark><image>{view}</image><svg>"
            '[{"points": [{"x": 90, "y": 50}, {"x": 150, "y": 50}, {"x": 150, "y": 90}, {"x": 90, "y": 90}]}]'
            "</svg></mark>"
            for view in views
        )
        (root / "annotations" / f"{case}.xml").write_text(
            f"<case><number>{case}</number><tirads>{'4b' if suspicious else '2'}</tirads>{marks}</case>"
        )
        for view in views:
            size = {"height": 100, "width": 200} if case % 2 else {"height": 130, "width": 160}
            frame = phantom.make(100 * case + view, suspicious=suspicious, **size)
            canvas = np.zeros((200, 240, 3), np.uint8)
            canvas[8 : 8 + frame.shape[0], 20 : 20 + frame.shape[1]] = frame
            if case % 3 == 0:
                canvas[170:180, 60:120] = 255
            Image.fromarray(canvas).save(root / "images" / f"{case}_{view}.jpg", quality=95)


def _lesion(path: Path, mask: Path, seed: int, suspicious: bool) -> None:
    Image.fromarray(phantom.make(seed, suspicious=suspicious, height=64, width=80)).convert("L").save(path)
    outline = np.zeros((64, 80), np.uint8)
    outline[10:30, 20:50] = 255
    Image.fromarray(outline).save(mask)


def _write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def _bus_bra(root: Path) -> None:
    rows = []
    for name in ("Images", "Masks"):
        (root / name).mkdir(parents=True)
    for number in range(1, 5):
        _lesion(
            root / "Images" / f"bus_{number:04}-l.png",
            root / "Masks" / f"mask_{number:04}-l.png",
            5000 + number,
            number % 2 == 0,
        )
        pathology = "benign" if number % 2 else "malignant"
        rows.append({"ID": f"bus_{number:04}-l", "Case": str(number), "Pathology": pathology})
    _write_table(root / "bus_data.csv", rows)


def _breast(root: Path) -> None:
    rows = []
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(1, 3):
        image, mask = f"images/case{number:03}.png", f"masks/case{number:03}.png"
        _lesion(root / image, root / mask, 6000 + number, number % 2 == 0)
        label = "benign" if number % 2 else "malignant"
        rows.append({"image": image, "label": label, "group": f"b{number}", "mask": mask, "keep": "1"})
    _write_table(root / "manifest.csv", rows)
