from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from thyroid import phantom
from thyroid_model import ddti, evaluate, train
from thyroid_model.train import Recipe
from thyroid_model.weights import load_model

TINY = Recipe(input_size=32, folds=2, epochs=1, batch=4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve cases in the set's layout, one of them with two views."""
    root = tmp_path / "ddti"
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for case in range(1, 13):
        tirads = "2" if case <= 4 else "4b"
        (root / "annotations" / f"{case}.xml").write_text(f"<case><tirads>{tirads}</tirads></case>")
        for view in (1, 2) if case == 5 else (1,):
            frame = phantom.make(100 * case + view, suspicious=case > 4, height=64, width=80)
            Image.fromarray(np.pad(frame, ((8, 40), (20, 20), (0, 0)))).save(root / "images" / f"{case}_{view}.jpg")
    return root


def small_network(input_size: int) -> keras.Model:
    inputs = keras.Input((input_size, input_size, 3))
    pooled = keras.layers.AveragePooling2D(8)(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(pooled)))


@pytest.fixture(autouse=True)
def _small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing the real network takes longer than all else here; what is tested does not depend on it."""
    monkeypatch.setattr(train, "build_network", small_network)


class Trainings:
    """Stands for `fit`: keeps what it was asked to train on; its networks answer with the mean grey."""

    def __init__(self) -> None:
        self.pictures: list[npt.NDArray[np.float32]] = []
        self.stop_at: int | None = None

    def __call__(self, pictures: Any, labels: Any, recipe: Recipe, seed: int, title: str) -> Any:
        if len(self.pictures) == self.stop_at:
            raise KeyboardInterrupt
        self.pictures.append(pictures)

        class Network:
            def predict(self, pictures: Any, **_: Any) -> Any:
                return pictures.mean(axis=(1, 2, 3))[:, np.newaxis]

            def get_weights(self) -> list[Any]:
                return small_network(recipe.input_size).get_weights()  # type: ignore[no-any-return]

        return Network()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    trainings = Trainings()
    monkeypatch.setattr(train, "fit", trainings)
    return trainings


def test_every_frame_is_scored_by_a_network_that_did_not_see_its_case(
    data: Path, tmp_path: Path, trainings: Trainings
) -> None:
    train.train(data, tmp_path / "work", tmp_path / "out", TINY)

    frames = ddti.read(data)
    pictures = train.load(frames, TINY)
    rows = (tmp_path / "out" / train.SCORES_FILE).read_text().split()
    assert rows[0] == "frame,fold,score"
    assert len(rows) == len(frames) + 1
    for frame, picture, row in zip(frames, pictures, rows[1:], strict=True):
        name, fold, score = row.split(",")
        assert name == frame.path.name
        assert float(score) == pytest.approx(picture.mean(), abs=1e-6)
        seen = {p.tobytes() for p in trainings.pictures[int(fold)]}
        views = [p for other, p in zip(frames, pictures, strict=True) if other.case == frame.case]
        assert not seen & {view.tobytes() for view in views}
    assert len(trainings.pictures) == 3
    assert len(trainings.pictures[2]) == len(frames), "the last training is on all frames"


def test_an_interrupted_run_goes_on_where_it_stopped(data: Path, tmp_path: Path, trainings: Trainings) -> None:
    trainings.stop_at = 1
    with pytest.raises(KeyboardInterrupt):
        train.train(data, tmp_path / "work", tmp_path / "out", TINY)
    trainings.stop_at = None

    train.train(data, tmp_path / "work", tmp_path / "out", TINY)

    assert len(trainings.pictures) == 3, "the first fold was not trained again"


def test_another_recipe_does_not_take_over_finished_folds(data: Path, tmp_path: Path, trainings: Trainings) -> None:
    train.train(data, tmp_path / "work", tmp_path / "out", TINY)

    train.train(data, tmp_path / "work", tmp_path / "out", Recipe(input_size=32, folds=2, epochs=2, batch=4))

    assert len(trainings.pictures) == 6


def test_the_network_and_its_figures_are_written(data: Path, tmp_path: Path, trainings: Trainings) -> None:
    train.train(data, tmp_path / "work", tmp_path / "out", TINY)
    result = evaluate.evaluate(data, tmp_path / "out")

    assert load_model(tmp_path / "out" / train.MODEL_FILE).input_shape == (None, 32, 32, 3)
    assert (tmp_path / "out" / evaluate.EVALUATION_FILE).is_file()
    assert (result["frames"], result["cases"]) == (13, 12)
    assert result["prevalence"] == pytest.approx(9 / 13, abs=1e-4)
    assert result["label"] == "radiological suspicion (TI-RADS 4a-5), not biopsy"
    assert result["recipe"]["epochs"] == 1
    low, high = result["auc_95_interval"]
    assert low <= result["auc"] <= high


def test_the_published_network_is_measured_on_the_same_frames(data: Path, tmp_path: Path, trainings: Trainings) -> None:
    train.train(data, tmp_path / "work", tmp_path / "out", TINY)

    result = evaluate.evaluate(data, tmp_path / "out", published=tmp_path / "out" / train.MODEL_FILE)

    compared = result["published_network_on_the_same_frames"]
    assert set(compared) == {"whole_frame", "field_of_view"}
    assert all(0 <= figures["auc"] <= 1 for figures in compared.values())


def test_scores_of_other_frames_are_refused(data: Path, tmp_path: Path, trainings: Trainings) -> None:
    train.train(data, tmp_path / "work", tmp_path / "out", TINY)
    (data / "images" / "3_1.jpg").unlink()

    with pytest.raises(ValueError, match="other frames"):
        evaluate.evaluate(data, tmp_path / "out")


def test_an_evaluation_before_a_training_says_what_to_do(data: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make train"):
        evaluate.evaluate(data, tmp_path / "out")


def test_class_weights_make_both_classes_weigh_the_same() -> None:
    labels = np.array([1, 1, 1, 0], np.float32)

    weights = train.class_weights(labels)

    assert weights[labels == 1].sum() == pytest.approx(weights[labels == 0].sum())
    assert weights.mean() == pytest.approx(1)


def test_a_training_moves_the_weights_and_one_seed_gives_one_network() -> None:
    pictures = np.concatenate(
        [phantom.make(seed, suspicious=bool(seed % 2), height=64, width=64)[np.newaxis, ::2, ::2] for seed in range(8)]
    )
    labels = np.array([seed % 2 for seed in range(8)], np.float32)

    one = train.fit((pictures / 255).astype(np.float32), labels, TINY, seed=5, title="one")
    other = train.fit((pictures / 255).astype(np.float32), labels, TINY, seed=5, title="other")

    keras.utils.set_random_seed(5)
    untrained = small_network(32)
    first = [one.get_weights()[0], untrained.get_weights()[0]]
    assert np.abs(first[0] - first[1]).max() > 1e-4
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
