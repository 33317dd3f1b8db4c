"""What is bundled fits together: the network, how it was trained, what was measured, and what is told of it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thyroid import phantom
from thyroid.core.preprocessing import prepare
from thyroid_model.data import ddti
from thyroid_model.errors import ModelFileError
from thyroid_model.evaluation import map_record, model_card
from thyroid_model.evaluation.comparison import TEXTURE
from thyroid_model.networks import sources
from thyroid_model.networks.cam import conv_layers
from thyroid_model.networks.sources import BUNDLED_FOLDER, BUNDLED_PREPROCESSING
from thyroid_model.networks.weights import load_model
from thyroid_model.record import (
    EVALUATION_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    read_evaluation,
    read_table,
    read_training,
)
from thyroid_model.training.calibration import PREVALENCE

MAX_PARAMETERS = 1_500_000
MAX_FILE_BYTES = 6_000_000


def test_the_network_is_small_and_of_the_size_that_it_was_trained_at() -> None:
    size = read_training(BUNDLED_FOLDER)["recipe"]["input_size"]

    model = load_model(BUNDLED_FOLDER / MODEL_FILE)

    assert model.input_shape == (None, size, size, 3)
    assert model.count_params() <= MAX_PARAMETERS
    assert (BUNDLED_FOLDER / MODEL_FILE).stat().st_size <= MAX_FILE_BYTES


def test_the_network_answers_phantoms_with_scores_that_differ() -> None:
    model = load_model(BUNDLED_FOLDER / MODEL_FILE)
    size = model.input_shape[1]
    frames = [phantom.make_frame(seed, suspicious=bool(seed % 2)) for seed in range(4)]
    images = np.concatenate([prepare(frame, BUNDLED_PREPROCESSING, size, size).tensor for frame in frames])

    scores = np.asarray(model(images, training=False))[:, 0]

    assert np.all((scores > 0) & (scores < 1))
    assert np.ptp(scores) > 0


def test_the_figures_are_of_this_network_and_of_the_records_beside_it() -> None:
    evaluation, training = read_evaluation(BUNDLED_FOLDER), read_training(BUNDLED_FOLDER)
    rows = [row for row in read_table(BUNDLED_FOLDER / SCORES_FILE) if row["start"] == "pretrained"]

    assert evaluation["training"]["recipe"] == training["recipe"]
    assert evaluation["weights_sha256"] == training["sha256"][MODEL_FILE]
    assert evaluation["label"] == ddti.LABEL_DEFINITION
    assert evaluation["preprocessing"] == BUNDLED_PREPROCESSING.model_dump()
    assert len(rows) == evaluation["frames"] * training["recipe"]["seeds"]
    assert evaluation["suspicious"] + evaluation["not_suspicious"] == evaluation["frames"]
    low, high = evaluation["auc_95_interval"]
    assert low < evaluation["auc"] < high
    assert evaluation["auc"] < 0.9, "more than that would be a leak"


def test_the_map_figures_are_those_of_the_maps_beside_it() -> None:
    evaluation = read_evaluation(BUNDLED_FOLDER)

    assert map_record.summary(read_table(BUNDLED_FOLDER / MAPS_FILE)) == evaluation["maps"]


def test_the_default_layer_is_the_best_measured_one_and_exists() -> None:
    source = sources.resolve("bundled")
    layers = read_evaluation(BUNDLED_FOLDER)["maps"]["layers"]

    assert source.default_layer in conv_layers(load_model(source.path))
    assert source.default_layer is not None
    best = max(figures["hit_rate"] for name, figures in layers.items() if "/" not in name)
    assert layers[source.default_layer]["hit_rate"] == best


def test_not_nearly_all_frames_are_called_high_risk() -> None:
    bands = read_evaluation(BUNDLED_FOLDER)["risk_bands"]
    total = sum(sum(counts.values()) for counts in bands.values())

    assert sum(bands["high"].values()) < total / 2
    assert sum(bands["low"].values()) + sum(bands["borderline"].values()) > total / 10


def test_the_calibration_is_for_the_prevalence_that_is_told() -> None:
    source = sources.resolve("bundled")

    assert source.calibration["prevalence"] == PREVALENCE
    assert source.evaluation["calibration"]["meant_for"]["prevalence"] == PREVALENCE  # type: ignore[index]


def test_the_card_is_written_from_these_figures() -> None:
    card = model_card.CARD.read_text("utf-8")

    assert card == model_card.render(read_evaluation(BUNDLED_FOLDER)), (
        "run `python -m thyroid_model.evaluation.model_card`"
    )
    for stated in ("not biopsy", "must not be used", str(read_evaluation(BUNDLED_FOLDER)["not_suspicious"])):
        assert stated in card


def short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def interval(figures: dict[str, Any]) -> str:
    return " to ".join(short(bound, 2) for bound in figures["auc_95_interval"])


def test_the_readme_tells_the_same_figures() -> None:
    readme = " ".join((model_card.CARD.parent / "README.md").read_text("utf-8").split())
    said = read_evaluation(BUNDLED_FOLDER)
    view, frame = (said["compared"][f"published weights, {part}"] for part in ("field of view", "whole frame"))
    calibrated, found = said["calibration"]["meant_for"], said["at_threshold_0.50"]
    of_maps, of_the_middle = (
        said["maps"]["hit_rate_chosen_on_other_folds"],
        said["maps"]["priors"]["centre"]["hit_rate"],
    )

    for told in (
        f"| **{short(said['auc'])}** (95 % interval {interval(said)}), cases it never saw",
        f"| {short(view['auc'])} ({interval(view)}); whole frame {short(frame['auc'])} ({interval(frame)}) |",
        f"nothing but texture reaches {short(said['compared'][TEXTURE]['auc'])},",
        f"within frames of one pane it is {short(said['groups']['one pane']['auc'])}.",
        f"it finds {short(found['sensitivity'], 2)} of the suspicious frames",
        f"clears {short(found['specificity'], 2)} of the others",
        f"(ECE {short(calibrated['ece15'], 2)}, by chance alone {short(calibrated['ece15_by_chance_alone'], 2)})",
        f"{100 * of_maps:.0f} of 100 maps have their highest point in the nodule",
        f"the middle of the image would have it in {100 * of_the_middle:.0f}",
    ):
        assert told in readme


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is bundled, to spoil."""
    folder = tmp_path / "bundled"
    shutil.copytree(BUNDLED_FOLDER, folder)
    monkeypatch.setattr(sources, "BUNDLED_FOLDER", folder)
    return folder


def test_figures_of_other_weights_are_not_compiled_in(bundled: Path) -> None:
    evaluation = (bundled / EVALUATION_FILE).read_text("utf-8")
    ours = read_evaluation(bundled)["weights_sha256"]
    (bundled / EVALUATION_FILE).write_text(evaluation.replace(ours, "0" * 64), "utf-8")

    with pytest.raises(ModelFileError, match="other weights"):
        sources.resolve("bundled")


def test_weights_without_figures_are_not_compiled_in(bundled: Path) -> None:
    (bundled / EVALUATION_FILE).unlink()

    with pytest.raises(ModelFileError, match="make evaluate"):
        sources.resolve("bundled")


def test_the_scores_of_the_folds_are_spread() -> None:
    rows = [row for row in read_table(BUNDLED_FOLDER / SCORES_FILE) if row["start"] == "pretrained"]
    scores = np.array([float(row["score"]) for row in rows])

    assert np.all((scores > 0) & (scores < 1))
    assert scores.std() > 0.1
