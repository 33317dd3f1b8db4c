from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.unit.model.lesion_training import small_network
from thyroid import phantom
from thyroid.core import field_of_view
from thyroid_model.data.ddti import Frame
from thyroid_model.data.examples import View
from thyroid_model.evaluation import comparison, texture
from thyroid_model.metrics import auc

FRAMES = 96
LABELS = np.arange(FRAMES) % 2
FOLDS = np.stack([np.arange(FRAMES) // 2 % 3, np.arange(FRAMES) // 32])


@pytest.fixture
def seen() -> list[View]:
    """Noise, the suspicious ones brighter."""
    rng = np.random.default_rng(0)
    tensors = [
        np.repeat(rng.random((32, 32, 1), dtype=np.float32) * (0.6 + 0.4 * label), 3, 2).astype(np.float32)
        for label in LABELS
    ]
    return [View(tensor, np.zeros((32, 32), np.uint8), two_panes=False, caption=False) for tensor in tensors]


def test_texture_tells_bright_from_dark(seen: list[View]) -> None:
    scores = comparison.texture_scores(seen, LABELS, FOLDS)

    assert scores.shape == (2, FRAMES)
    for one in scores:
        assert auc(LABELS, one) > 0.95


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("fold", range(3))
def test_a_frame_is_scored_by_what_was_fitted_on_the_other_folds(seen: list[View], row: int, fold: int) -> None:
    described = np.stack([texture.features(view.tensor[..., 0].copy()) for view in seen])
    out = FOLDS[row] == fold

    expected = texture.scores(described[~out], LABELS[~out], described[out])

    np.testing.assert_allclose(comparison.texture_scores(seen, LABELS, FOLDS)[row, out], expected, atol=1e-4)


def test_a_folds_own_labels_do_not_touch_its_scores(seen: list[View]) -> None:
    out = FOLDS[0] == 1

    exchanged = comparison.texture_scores(seen, np.where(out, 1 - LABELS, LABELS), FOLDS[:1])
    as_is = comparison.texture_scores(seen, LABELS, FOLDS[:1])

    np.testing.assert_allclose(exchanged[0, out], as_is[0, out])
    assert not np.allclose(exchanged[0, ~out], as_is[0, ~out])


@pytest.fixture
def frames(tmp_path: Path) -> list[Frame]:
    found = []
    for case in (1, 2):
        canvas = np.zeros((140, 180, 3), np.uint8)
        canvas[10:110, 20:140] = phantom.make(case, suspicious=False, height=100, width=120)
        Image.fromarray(canvas).save(tmp_path / f"{case}_1.png")
        found.append(Frame(tmp_path / f"{case}_1.png", case, "2", ()))
    return found


def test_the_published_network_sees_the_whole_frame_and_the_field_of_view(frames: list[Frame]) -> None:
    network = small_network().score

    def expected(pixels: npt.NDArray[np.uint8]) -> float:
        scaled = np.asarray(Image.fromarray(pixels).resize((32, 32), Image.Resampling.LANCZOS), np.float32) / 255
        return float(network(scaled[np.newaxis].astype(np.float32))[0, 0])

    scores = comparison.published_scores(network, frames)

    assert set(scores) == {"whole frame", "field of view"}
    whole = [expected(frame.pixels()) for frame in frames]
    views = [expected(np.ascontiguousarray(field_of_view.find(f.pixels()).crop(f.pixels()))) for f in frames]
    np.testing.assert_allclose(scores["whole frame"], [whole], atol=1e-5)
    np.testing.assert_allclose(scores["field of view"], [views], atol=1e-5)
    assert not np.allclose(whole, views, atol=1e-4)
