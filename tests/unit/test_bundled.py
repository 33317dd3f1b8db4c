"""What is bundled fits together: the network, how it was trained, and what was measured."""

import csv
import json

import numpy as np
import pytest

from thyroid import phantom
from thyroid.preprocessing import prepare
from thyroid_model import ddti
from thyroid_model.network import PUBLISHED_PARAMETERS
from thyroid_model.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.weights import load_model


def test_the_network_is_of_the_published_family_and_has_the_trained_size() -> None:
    training = json.loads((BUNDLED_FOLDER / "training.json").read_text())

    model = load_model(BUNDLED_FOLDER / "model.keras")

    assert model.count_params() == PUBLISHED_PARAMETERS
    assert model.input_shape == (None, training["input_size"], training["input_size"], 3)
    assert (BUNDLED_FOLDER / "model.keras").stat().st_size < 2_000_000


def test_the_network_answers_phantoms_with_scores_that_differ() -> None:
    model = load_model(BUNDLED_FOLDER / "model.keras")
    size = model.input_shape[1]
    frames = [phantom.make_frame(seed, suspicious=bool(seed % 2)) for seed in range(4)]
    pictures = np.concatenate([prepare(frame, BUNDLED_PREPROCESSING, size, size).tensor for frame in frames])

    scores = np.asarray(model(pictures))[:, 0]

    assert np.all((scores > 0) & (scores < 1))
    assert np.ptp(scores) > 0


def test_the_figures_are_of_this_training_and_say_what_the_label_is() -> None:
    training = json.loads((BUNDLED_FOLDER / "training.json").read_text())
    evaluation = json.loads((BUNDLED_FOLDER / "evaluation.json").read_text())
    with (BUNDLED_FOLDER / "out_of_fold.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert evaluation["recipe"] == training
    assert evaluation["frames"] == training["frames"] == len(rows)
    assert {int(row["fold"]) for row in rows} == set(range(training["folds"]))
    assert evaluation["label"] == ddti.LABEL_DEFINITION
    assert evaluation["preprocessing"] == BUNDLED_PREPROCESSING.model_dump()
    low, high = evaluation["auc_95_interval"]
    assert low < evaluation["auc"] < high


def test_the_scores_of_the_folds_are_spread_around_one_half() -> None:
    with (BUNDLED_FOLDER / "out_of_fold.csv").open(newline="") as file:
        scores = np.array([float(row["score"]) for row in csv.DictReader(file)])

    assert scores.std() > 0.05
    assert scores.mean() == pytest.approx(0.5, abs=0.25)
