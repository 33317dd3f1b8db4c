import functools

import numpy as np
import numpy.typing as npt
import pytest

from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid_model.evaluation import captions

Pixels = npt.NDArray[np.uint8]


@functools.cache
def frame(seed: int = 0, height: int = 360, width: int = 540) -> tuple[Pixels, Box]:
    """A phantom's frame, made once, and where in it the tissue lies."""
    pixels = phantom.make_frame(seed, suspicious=bool(seed % 2), height=height, width=width)
    pixels.setflags(write=False)
    return pixels, Box(*phantom.frame_box(height, width))


@pytest.mark.parametrize("seed", range(20))
def test_captions_are_painted_around_the_field_of_view_and_a_little_way_off(seed: int) -> None:
    pixels, box = frame()

    painted = captions.paint(pixels, box, np.random.default_rng(seed))

    assert painted.shape == pixels.shape
    assert painted.dtype == np.uint8
    kept = Box(box.left - 4, box.top - 4, box.right + 4, box.bottom + 4)
    np.testing.assert_array_equal(kept.crop(painted), kept.crop(pixels))


def test_captions_come_on_every_side_and_in_colour() -> None:
    pixels, box = frame()
    rng = np.random.default_rng(0)
    changed = np.zeros(pixels.shape[:2], np.bool_)
    coloured = 0
    for _ in range(40):
        painted = captions.paint(pixels, box, rng)
        changed |= np.any(painted != pixels, axis=2)
        coloured += bool(np.any(painted[..., 0] != painted[..., 2]))

    for side in (changed[: box.top], changed[box.bottom :], changed[:, : box.left], changed[:, box.right :]):
        assert side.mean() > 0.3
    assert 0 < coloured < 40


def test_captions_grow_with_the_frame() -> None:
    small, large = frame(height=360, width=540), frame(height=720, width=1080)

    shares = [
        np.mean(
            [np.any(captions.paint(*one, np.random.default_rng(seed)) != one[0], axis=2).mean() for seed in range(30)]
        )
        for one in (small, large)
    ]

    assert shares[1] == pytest.approx(shares[0], rel=0.5)


def test_the_same_seed_paints_the_same_captions() -> None:
    pixels, box = frame()

    np.testing.assert_array_equal(
        captions.paint(pixels, box, np.random.default_rng(7)), captions.paint(pixels, box, np.random.default_rng(7))
    )


def test_where_nothing_is_free_nothing_is_painted_or_erased() -> None:
    pixels = phantom.make(0, suspicious=False)
    whole = Box(0, 0, pixels.shape[1], pixels.shape[0])

    np.testing.assert_array_equal(captions.paint(pixels, whole, np.random.default_rng(0)), pixels)
    np.testing.assert_array_equal(captions.erase(pixels, whole), pixels)


def test_erasing_leaves_the_field_of_view_on_a_plain_background() -> None:
    pixels, box = frame()

    erased = captions.erase(pixels, box)

    np.testing.assert_array_equal(box.crop(erased), box.crop(pixels))
    box.crop(erased)[...] = 0
    assert not erased.any()


def test_the_frame_is_not_changed_by_painting_nor_erasing() -> None:
    pixels, box = frame()
    before = pixels.copy()

    captions.paint(pixels, box, np.random.default_rng(0))
    captions.erase(pixels, box)

    np.testing.assert_array_equal(pixels, before)


def test_the_measure_finds_no_change_on_phantoms() -> None:
    images = [frame(seed)[0] for seed in range(2)] + [phantom.make(3, suspicious=True)]

    assert captions.measure(images, draws=5, seed=0) == {
        "images": 3,
        "cropped": 2,
        "changed_by_erasing": 0,
        "painted": 15,
        "changed_by_painting": 0,
        "surviving_pixels": 0,
        "own_crop_changed": 0,
    }


def test_the_measure_sees_captions_that_move_the_field_of_view(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(pixels: Pixels) -> Box:
        """Take whatever is not black for tissue."""
        lit: npt.NDArray[np.bool_] = pixels.max(axis=2) > 0
        columns, rows = np.flatnonzero(lit.any(axis=0)), np.flatnonzero(lit.any(axis=1))
        return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)

    monkeypatch.setattr(field_of_view, "find", find)
    black = np.zeros((360, 540, 3), np.uint8)
    black[60:300, 60:480] = 90

    counts = captions.measure([black], draws=5, seed=0)

    assert counts["changed_by_painting"] > 0
    assert counts["surviving_pixels"] > 0
    assert counts["changed_by_erasing"] == 0
