from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from thyroid_model.training.augment import Limits, augment, lesion_boxes, usable_panes

Planes = npt.NDArray[np.float32]
SIDE = 64
# Nothing but a flip and a shift by 3 % of the side, which no range takes away.
STILL = Limits(1.0, 1.0, aspect=0, rotation=0, gain=0, depth_gain=0, gamma=0, speckle=0, lesion_share=0)
NO_BOX = (0.5, 0.5, 0.0, 0.0)
NO_PANES = (False, False)


def run(images: Planes, limits: Limits, *, masks: Planes | None = None, box: Any = NO_BOX, **how: Any) -> Any:
    """Augment; returns images and masks of shape (batch, size, size)."""
    seed, size = int(how.get("seed", 0)), int(how.get("size", images.shape[1]) or 0)
    boxes = np.broadcast_to(np.array(box, np.float32), (len(images), 4))
    panes = np.broadcast_to(np.array(how.get("panes", NO_PANES)), (len(images), 2))
    planes = (tf.constant(images), tf.constant(images if masks is None else masks))
    changed = augment(*planes, tf.constant(boxes), tf.constant(panes), size, tf.constant(seed, tf.int32), limits)
    return tuple(planes.numpy()[..., 0] for planes in changed)


def flat(value: float, count: int = 64) -> Planes:
    return np.full((count, SIDE, SIDE), value, np.float32)


def inside(planes: Planes) -> Planes:
    """Leave the border out, into which a shift brings black."""
    return planes[:, 8:-8, 8:-8]


def ramps(axis: int, count: int = 64) -> Planes:
    """Grey that rises along an axis: 1 is down, 2 is to the right."""
    ramp = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    one = np.meshgrid(ramp, ramp, indexing="ij")[axis - 1]
    return np.repeat(one[np.newaxis], count, axis=0).astype(np.float32)


def test_a_box_holds_the_outlines_and_says_where_as_shares_of_the_sides() -> None:
    masks = np.zeros((2, 10, 20), np.uint8)
    masks[1, 2:6, 10:12] = 255
    masks[1, 4, 4] = 128

    np.testing.assert_allclose(lesion_boxes(masks), [NO_BOX, (0.4, 0.4, 0.4, 0.4)], atol=1e-6)


def test_what_an_outline_only_touches_is_not_in_the_box() -> None:
    masks = np.zeros((1, 10, 10), np.uint8)
    masks[0, 3:5, 3:5] = 127

    np.testing.assert_allclose(lesion_boxes(masks), [NO_BOX])


def test_a_box_may_reach_the_border() -> None:
    np.testing.assert_allclose(lesion_boxes(np.full((1, 8, 8), 255, np.uint8)), [(0.5, 0.5, 1, 1)])


@pytest.mark.parametrize("size", [32, 48, 64])
def test_images_and_masks_come_in_the_size_asked_for_and_in_range(size: int) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((8, SIDE, SIDE), dtype=np.float32)

    changed, masks = run(images, Limits(), masks=np.round(images), size=size)

    for planes in (changed, masks):
        assert planes.shape == (8, size, size)
        assert planes.dtype == np.float32
        assert 0 <= planes.min() < planes.max() <= 1


def test_one_seed_gives_one_result_and_each_image_its_own() -> None:
    images = np.repeat(np.random.default_rng(0).random((1, SIDE, SIDE), dtype=np.float32), 4, axis=0)

    one, _ = run(images, Limits(), seed=3)

    np.testing.assert_array_equal(one, run(images, Limits(), seed=3)[0])
    assert not np.array_equal(one, run(images, Limits(), seed=4)[0])
    assert not np.array_equal(one[0], one[1])


@pytest.mark.parametrize("limits", [Limits(), Limits(lesion_share=1.0)])
def test_a_mask_goes_where_its_image_goes(limits: Limits) -> None:
    """GIVEN an image that is its own mask, and no change of grey THEN the two stay the same."""
    planes = np.zeros((32, SIDE, SIDE), np.float32)
    planes[:, 20:40, 10:30] = 1

    images, masks = run(planes, replace(limits, gain=0, depth_gain=0, gamma=0, speckle=0), box=(0.31, 0.47, 0.31, 0.31))

    np.testing.assert_allclose(images, masks, atol=1e-6)


def test_greys_change_but_masks_do_not() -> None:
    limits = replace(STILL, gain=0.2, depth_gain=0.15, gamma=0.3, speckle=0.15)

    images, masks = run(flat(0.5), limits, masks=flat(1))

    np.testing.assert_allclose(inside(masks), 1, atol=1e-6)
    assert inside(images).std() > 0.01


def test_no_image_is_ever_turned_upside_down() -> None:
    images, _ = run(ramps(1, 256), replace(Limits(), gain=0, depth_gain=0, gamma=0, speckle=0))

    assert (images[:, 40].mean(axis=1) > images[:, 24].mean(axis=1)).all()


def test_half_of_the_images_are_mirrored() -> None:
    images, _ = run(ramps(2, 256), STILL)

    rises = images[:, 32, 48] - images[:, 32, 16]
    np.testing.assert_allclose(np.abs(rises), 0.5, atol=1e-4)
    assert 96 < np.sum(rises < 0) < 160


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("size", [32, 64, 96])
def test_a_window_of_the_images_size_moves_by_3_percent_at_most_and_no_way_more_than_the_other(
    size: int, axis: int
) -> None:
    """Whatever size is asked for, mirrored or not: half a pixel too far would show in the mean."""
    images, _ = run(ramps(axis, 1024), STILL, size=size)

    place, step = size // 2, 1 if axis == 2 else 0
    mirrored = (images[:, place, place + step] < images[:, place, place]) & (axis == 2)
    expected = (place + 0.5) / size
    for turned in np.unique(mirrored):
        shifts = images[mirrored == turned, place, place] - (1 - expected if turned else expected)
        assert 0.025 < np.abs(shifts).max() <= 0.03 + 1e-5
        assert abs(shifts.mean()) < 0.002


def test_a_window_is_as_large_as_its_range_says() -> None:
    """A ramp through half of the image rises half as steeply; over 1, black comes in at the border."""
    images, _ = run(ramps(1), replace(STILL, min_window=0.5, max_window=0.5))
    np.testing.assert_allclose(images[:, 48, 32] - images[:, 16, 32], 0.25, atol=1e-4)

    images, _ = run(flat(0.5), replace(STILL, min_window=1.25, max_window=1.25))
    np.testing.assert_array_equal(images[:, 0], 0)
    assert (images[:, 32, 32] > 0.49).all()


def test_an_image_that_nothing_is_done_to_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thyroid_model.training.augment._OVERHANG", 0.0)
    images = np.random.default_rng(0).random((16, SIDE, SIDE), dtype=np.float32)

    changed, _ = run(images, STILL)

    mirrored = np.abs(changed - images).max(axis=(1, 2)) > 0.1
    assert 0 < mirrored.sum() < 16
    np.testing.assert_allclose(changed, np.where(mirrored[:, None, None], images[:, :, ::-1], images), atol=1e-5)


def test_a_smaller_window_is_anywhere_in_the_image() -> None:
    images, _ = run(ramps(1, 256), replace(STILL, min_window=0.5, max_window=0.5))

    middles = images[:, 31:33, 32].mean(axis=1)
    assert middles.min() < 0.28
    assert middles.max() > 0.72


def test_aspect_stretches_one_side_by_what_it_shrinks_the_other() -> None:
    limits = replace(STILL, min_window=0.5, max_window=0.5, aspect=0.2)
    down, _ = run(ramps(1), limits)
    across, _ = run(ramps(2), limits)

    height = 2 * (down[:, 48, 32] - down[:, 16, 32])
    width = 2 * np.abs(across[:, 32, 48] - across[:, 32, 16])

    np.testing.assert_allclose(height * width, 0.25, atol=1e-3)
    assert np.ptp(np.log(width / 0.5)) > 0.3
    assert np.abs(np.log(width / 0.5)).max() < 0.201


def test_a_rotation_is_no_larger_than_its_range() -> None:
    """The ramp's direction, where the rotation is about the middle: its tangent is the rise across by the rise down."""
    limits = replace(STILL, rotation=0.12)
    images, _ = run(ramps(1, 256), limits)

    angles = np.arctan2(images[:, 32, 40] - images[:, 32, 24], images[:, 40, 32] - images[:, 24, 32])

    assert 0.11 < np.abs(angles).max() < 0.1205
    assert angles.min() < 0 < angles.max()


def test_a_rotated_image_turns_and_is_not_sheared() -> None:
    limits = replace(STILL, rotation=0.12)
    down, _ = run(ramps(1), limits)
    across, _ = run(ramps(2), limits)

    def slopes(planes: Planes) -> Planes:
        pairs = (planes[:, 32, 40] - planes[:, 32, 24], planes[:, 40, 32] - planes[:, 24, 32])
        return np.asarray(np.stack(pairs, axis=1) * SIDE / 16, np.float32)

    np.testing.assert_allclose(np.linalg.norm(slopes(down), axis=1), 1, atol=1e-3)
    np.testing.assert_allclose((slopes(down) * slopes(across)).sum(axis=1), 0, atol=1e-3)


def test_gain_makes_an_image_brighter_or_darker_and_leaves_black_black() -> None:
    limits = replace(STILL, gain=0.2)
    images, _ = run(flat(0.5), limits)

    factors = inside(images) / 0.5
    assert np.ptp(factors, axis=(1, 2)).max() < 1e-5
    assert 0.79 < factors.min() < 0.85 < 1.15 < factors.max() < 1.21
    np.testing.assert_array_equal(run(flat(0), limits)[0], 0)


def test_depth_gain_changes_each_row_alike_and_not_the_middle() -> None:
    images, _ = run(flat(0.5), replace(STILL, depth_gain=0.15))

    factors = inside(images) / 0.5
    assert np.ptp(factors, axis=2).max() < 1e-5
    np.testing.assert_allclose(factors[:, 23:25].mean(axis=(1, 2)), 1, atol=1e-4)
    assert np.abs(factors[:, 0] - 1).max() > 0.08
    assert np.abs(factors - 1).max() <= 0.15


def test_gamma_bends_the_greys_and_leaves_black_and_white() -> None:
    limits = replace(STILL, gamma=0.3)

    grey = inside(run(flat(0.5), limits)[0])[:, 0, 0]

    assert 0.5 ** np.exp(0.3) - 1e-4 < grey.min() < 0.45 < 0.55 < grey.max() < 0.5 ** np.exp(-0.3) + 1e-4
    np.testing.assert_allclose(inside(run(flat(1), limits)[0]), 1, atol=1e-5)
    np.testing.assert_array_equal(run(flat(0), limits)[0], 0)


def test_speckle_multiplies_and_its_neighbours_are_alike() -> None:
    """Half of its variance is shared by cells of 2 × 2; it is as strong as its range says, and 0 on the average."""
    limits = replace(STILL, speckle=0.1)

    noise = inside(run(flat(0.5), limits)[0]) / 0.5 - 1

    assert 0.09 < noise.std(axis=(1, 2)).max() < 0.105
    assert noise.std(axis=(1, 2)).min() < 0.02
    assert abs(noise.mean()) < 0.002
    strongest = noise[noise.std(axis=(1, 2)).argmax()]
    within = np.corrcoef(strongest[:, ::2].ravel(), strongest[:, 1::2].ravel())[0, 1]
    between = np.corrcoef(strongest[:, 1:-1:2].ravel(), strongest[:, 2::2].ravel())[0, 1]
    assert within == pytest.approx(0.5, abs=0.1)
    assert between == pytest.approx(0, abs=0.1)
    np.testing.assert_array_equal(run(flat(0), limits)[0], 0)


LESION = (0.75, 0.25, 0.25, 0.125)  # 16 × 8 pixels of 64


def lesion(count: int) -> Planes:
    planes = np.zeros((count, SIDE, SIDE), np.float32)
    planes[:, 12:20, 40:56] = 1
    return planes


def test_a_window_about_the_lesion_holds_most_of_it_and_makes_it_larger() -> None:
    """Windows are 1.4 to 4 of the lesion's longer side, .25: .35 to 1 of the image's."""
    _, masks = run(lesion(256), replace(STILL, max_window=1.05, lesion_share=1.0), box=LESION)

    area = masks.mean(axis=(1, 2))
    whole = 0.25 * 0.125
    assert area.min() > 0.9 * whole
    assert area.max() > 4 * whole
    assert area.max() < whole / 0.35**2 + 1e-3


def test_a_window_about_the_lesion_does_not_leave_the_image() -> None:
    """Save by half a pixel of the image, in which the outermost pixel of a magnified window may have its middle."""
    images, _ = run(flat(0.5), replace(STILL, max_window=1.0, lesion_share=1.0), box=LESION)

    assert images[:, 1:-1, 1:-1].min() > 0.49
    assert images.min() > 0.1


def test_a_window_about_a_tiny_lesion_has_pixels_enough() -> None:
    """.3 of the side at least: a ramp rises by .3 over the whole window."""
    images, _ = run(ramps(1), replace(STILL, lesion_share=1.0), box=(0.5, 0.5, 0.02, 0.02))

    np.testing.assert_allclose(images[:, 48, 32] - images[:, 16, 32], 0.15, atol=1e-3)


def test_as_many_windows_are_about_the_lesion_as_the_share_says() -> None:
    images, _ = run(ramps(1, 1000), replace(STILL, lesion_share=0.3), box=(0.5, 0.5, 0.02, 0.02))

    about = images[:, 48, 32] - images[:, 16, 32] < 0.3
    assert 0.25 < about.mean() < 0.35


def test_without_an_outline_no_window_is_about_a_lesion() -> None:
    images, _ = run(ramps(1), replace(STILL, lesion_share=1.0))

    np.testing.assert_allclose(images[:, 48, 32] - images[:, 16, 32], 0.5, atol=1e-3)


# --- panes -----------------------------------------------------------------------------------------------------------


def outlined(*places: slice) -> npt.NDArray[np.uint8]:
    masks = np.zeros((1, 10, 20), np.uint8)
    for columns in places:
        masks[0, 2:5, columns] = 255
    return masks


@pytest.mark.parametrize(
    ("masks", "usable"),
    [
        (outlined(slice(1, 5)), (True, False)),
        (outlined(slice(14, 20)), (False, True)),
        (outlined(slice(1, 10), slice(12, 15)), (True, True)),
        (outlined(slice(8, 12)), (False, False)),
        (outlined(), (True, True)),
    ],
)
def test_a_pane_may_stand_for_the_image_where_the_lesion_is_in_it(
    masks: npt.NDArray[np.uint8], usable: tuple[bool, bool]
) -> None:
    assert tuple(usable_panes(masks, np.array([True]))[0]) == usable
    assert not usable_panes(masks, np.array([False])).any()


@pytest.mark.parametrize(("panes", "low", "high"), [((True, False), 0, 0.5), ((False, True), 0.5, 1)])
def test_a_pane_that_is_cut_out_fills_the_image(panes: tuple[bool, bool], low: float, high: float) -> None:
    images, _ = run(ramps(2), replace(STILL, pane_share=1.0), panes=panes)
    down, _ = run(ramps(1), replace(STILL, pane_share=1.0), panes=panes)

    shown = inside(images)
    assert low - 0.03 < shown.min() < low + 0.1
    assert high - 0.1 < shown.max() < high + 0.03
    np.testing.assert_allclose(np.abs(images[:, 32, 48] - images[:, 32, 16]), 0.25, atol=1e-3)
    np.testing.assert_allclose(down[:, 48, 32] - down[:, 16, 32], 0.5, atol=1e-3)


@pytest.mark.parametrize("panes", [(True, False), (False, True)])
def test_a_window_that_is_larger_than_its_pane_does_not_show_the_other_one(panes: tuple[bool, bool]) -> None:
    images = flat(1.0)
    beside = slice(SIDE // 2, None) if panes[0] else slice(SIDE // 2)
    images[:, :, beside] = 0.5
    wide = replace(STILL, min_window=1.2, max_window=1.2, pane_share=1.0)

    shown, masks = run(images, wide, panes=panes)

    black = (shown < 0.1).mean(axis=(1, 2))
    assert (black > 1 - 1 / 1.2).all(), "black comes in at the border"
    # Bilinear steps between white and black lie where it ends; grey over some columns would be the other pane.
    assert ((shown > 0.4) & (shown < 0.6)).mean() < 1.5 / SIDE
    np.testing.assert_array_equal(masks, shown)


def test_a_window_about_the_lesion_leaves_both_panes() -> None:
    about = replace(STILL, lesion_share=1.0, pane_share=1.0)

    shown, _ = run(flat(1.0), about, box=(0.45, 0.5, 0.2, 0.2), panes=(True, False))

    assert inside(shown).min() > 0.99


def test_of_two_usable_panes_each_is_cut_out_as_often() -> None:
    images, _ = run(ramps(2, 512), replace(STILL, pane_share=1.0), panes=(True, True))

    assert 0.4 < np.mean(images[:, 32, 32] < 0.5) < 0.6


def test_as_many_panes_are_cut_out_as_the_share_says() -> None:
    images, _ = run(ramps(2, 1000), replace(STILL, pane_share=0.5), panes=(True, False))

    cut = np.abs(images[:, 32, 48] - images[:, 32, 16]) < 0.3
    assert 0.45 < cut.mean() < 0.55
