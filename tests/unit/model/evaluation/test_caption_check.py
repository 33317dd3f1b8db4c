import numpy as np
import numpy.typing as npt
import pytest

from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid_model.evaluation import caption_check

Pixels = npt.NDArray[np.uint8]
BOX = Box(*phantom.frame_box(360, 540))


def frame(seed: int = 0) -> Pixels:
    return phantom.make_frame(seed, suspicious=bool(seed % 2), height=360, width=540, caption=("TIRADS 4A", "DER"))


def test_text_is_found_around_the_sector_of_a_frame_and_not_in_it() -> None:
    counts = caption_check.measure([frame(seed) for seed in range(4)], 0)

    assert counts["text_in_view"] == 0
    assert counts["coloured_marks_in_view"] == 0
    assert counts["text_around_view"] == 4
    assert counts["touching"] == counts["overlapping"] == 4
    assert 0 < counts["written_found"] <= counts["written_in_view"] <= 4


def test_a_field_of_view_that_keeps_the_captions_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_of_view, "find", lambda pixels: Box(0, 0, pixels.shape[1], pixels.shape[0]))

    counts = caption_check.measure([frame()], 0)

    assert counts["text_in_view"] == 1
    assert counts["text_around_view"] == 0
    assert counts["written_in_view"] == 0
    assert counts["touching"] == 0


def test_callipers_in_colour_are_counted_as_marks() -> None:
    pixels = frame().copy()
    pixels[150, 200:213] = pixels[144:157, 206] = (0, 200, 200)

    counts = caption_check.measure([pixels], 0)

    assert counts["coloured_marks_in_view"] == 1
    assert counts["text_in_view"] == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_caption_that_touches_ends_where_the_sector_begins(seed: int) -> None:
    pixels = frame()

    pushed = caption_check.push(pixels, BOX, 0.0, np.random.default_rng(seed))

    assert pushed is not None
    np.testing.assert_array_equal(BOX.crop(pushed), BOX.crop(pixels))
    changed = np.any(pushed != pixels, axis=2)
    around = Box(BOX.left - 1, BOX.top - 1, BOX.right + 1, BOX.bottom + 1)
    assert changed[around.top : around.bottom, around.left : around.right].any()


def test_a_caption_that_overlaps_lies_on_both_sides() -> None:
    pixels = frame()
    inside = outside = 0
    for seed in range(12):
        pushed = caption_check.push(pixels, BOX, 0.5, np.random.default_rng(seed))
        assert pushed is not None
        changed = np.any(pushed != pixels, axis=2)
        inside += bool(changed[BOX.top : BOX.bottom, BOX.left : BOX.right].any())
        changed[BOX.top : BOX.bottom, BOX.left : BOX.right] = False
        outside += bool(changed.any())

    assert inside == outside == 12


def test_where_nothing_lies_around_nothing_is_pushed() -> None:
    pixels = phantom.make(0, suspicious=False)

    assert caption_check.push(pixels, Box(0, 0, 600, 400), 0.0, np.random.default_rng(0)) is None


def test_pixels_that_survive_are_those_of_captions_that_move_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = frame()
    whole = Box(0, 0, plain.shape[1], plain.shape[0])
    monkeypatch.setattr(field_of_view, "find", lambda pixels: BOX if np.array_equal(pixels, plain) else whole)

    counts = caption_check.measure([plain], 0)

    for kind in ("touching", "overlapping"):
        assert counts[f"{kind}_changed_box"] == 1
        assert counts[f"{kind}_surviving_pixels"] == counts[f"{kind}_pixels"] > 0
