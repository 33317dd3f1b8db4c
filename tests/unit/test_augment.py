from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from thyroid import phantom
from thyroid_model import augment

Tensor = npt.NDArray[np.float32]
STEPS: list[Callable[[Tensor, np.random.Generator], Tensor]] = [
    augment.crop,
    augment.flip,
    augment.gain,
    augment.speckle,
]


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return (phantom.make(0, suspicious=True, height=64, width=96) / 255).astype(np.float32)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seed", range(10))
def test_every_step_keeps_shape_type_and_range(
    step: Callable[[Tensor, np.random.Generator], Tensor], seed: int, picture: Tensor
) -> None:
    changed = step(picture, np.random.default_rng(seed))

    assert changed.shape == picture.shape
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 1


def test_the_same_seed_gives_the_same_batch_and_the_input_stays(picture: Tensor) -> None:
    batch = np.stack([picture, picture])
    before = batch.copy()

    one = augment.augment(batch, np.random.default_rng(3))

    np.testing.assert_array_equal(one, augment.augment(batch, np.random.default_rng(3)))
    np.testing.assert_array_equal(batch, before)
    assert one.shape == batch.shape
    assert one.dtype == np.float32
    assert not np.array_equal(one[0], one[1]), "each picture has its own chance"


def test_a_flip_is_of_left_and_right_only_and_happens_half_the_time(picture: Tensor) -> None:
    rng = np.random.default_rng(0)
    flips = 0
    for _ in range(200):
        changed = augment.flip(picture, rng)
        mirrored = np.array_equal(changed, picture[:, ::-1])
        assert mirrored or np.array_equal(changed, picture)
        flips += mirrored

    assert 70 < flips < 130


def test_gain_changes_each_row_alike_and_leaves_black_black(picture: Tensor) -> None:
    flat = np.full((32, 32, 3), 0.5, np.float32)
    flat[:, :16] = 0

    changed = augment.gain(flat, np.random.default_rng(1))

    np.testing.assert_array_equal(changed[:, :16], 0)
    assert np.ptp(changed[:, 16:], axis=(1, 2)).max() == 0
    assert np.ptp(changed[:, 20, 0]) > 0, "depth gain"


def test_a_crop_of_a_ramp_is_a_shorter_ramp() -> None:
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis, :, np.newaxis], 64, axis=0)

    changed = augment.crop(ramp, np.random.default_rng(0))

    steps = np.diff(changed[32, 4:-4, 0])
    assert steps.min() > 0
    assert 0.75 / 63 < steps.mean() < 1 / 63


def test_speckle_multiplies_and_is_the_same_on_all_channels(picture: Tensor) -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    flat[:8] = 0

    changed = augment.speckle(flat, np.random.default_rng(0))

    np.testing.assert_array_equal(changed[:8], 0)
    assert np.ptp(changed, axis=2).max() == 0
    assert changed[8:].std() > 0.01
    assert changed[8:].mean() == pytest.approx(0.5, abs=0.02)
