import inspect

import numpy as np
import pytest

from thyroid import phantom


@pytest.fixture(autouse=True)
def _made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests get one that is made once (tests/conftest.py)."""
    monkeypatch.setattr(phantom, "make", inspect.unwrap(phantom.make))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert phantom.make(7, suspicious=True).tobytes() == phantom.make(7, suspicious=True).tobytes()
    assert phantom.make_frame(7, suspicious=True).tobytes() == phantom.make_frame(7, suspicious=True).tobytes()


def test_another_seed_gives_another_image() -> None:
    assert not np.array_equal(phantom.make(1, suspicious=True), phantom.make(2, suspicious=True))


@pytest.mark.parametrize(("height", "width"), [(400, 600), (64, 64), (101, 233)])
def test_the_image_is_8_bit_grey_in_rgb_of_the_size_asked_for(height: int, width: int) -> None:
    pixels = phantom.make(0, suspicious=True, height=height, width=width)

    assert pixels.shape == (height, width, 3)
    assert pixels.dtype == np.uint8
    assert np.ptp(pixels, axis=2).max() == 0


def test_the_contrast_is_that_of_an_image_to_look_at() -> None:
    grey = phantom.make(0, suspicious=False)[..., 0]

    assert grey.min() > 6, "no tissue is as black as a border"
    assert 50 < np.median(grey) < 160
    assert np.mean(grey > 240) > 0.0005
    assert np.mean(grey == 255) < 0.02


def test_a_suspicious_nodule_is_darker_than_its_lobe_and_holds_bright_specks() -> None:
    """GIVEN the same neck with either nodule THEN the difference shows the traits."""
    plain = phantom.make(3, suspicious=False)[..., 0].astype(int)
    marked = phantom.make(3, suspicious=True)[..., 0].astype(int)
    lobe = slice(120, 260), slice(180, 420)

    assert np.quantile(marked[lobe], 0.05) < np.quantile(plain[lobe], 0.05) - 15
    assert np.quantile(marked[lobe], 0.999) > np.quantile(plain[lobe], 0.999)


def test_a_frame_holds_the_phantom_in_a_black_border_with_text_and_ruler() -> None:
    frame = phantom.make_frame(4, suspicious=True, height=480, width=720)
    left, top, right, bottom = phantom.frame_box(480, 720)
    inside = phantom.make(4, suspicious=True, height=bottom - top, width=right - left)

    np.testing.assert_array_equal(frame[top:bottom, left:right], inside)
    assert frame.shape == (480, 720, 3)
    assert np.median(frame[:top]) == 0
    assert frame[bottom + 5 :, left:right].max() == 255, "the caption"
    assert frame[top:bottom, :left].max() == 255, "ruler and grey scale"
    assert frame[top:bottom, right + 5 :].max() == 255, "the settings"


def test_the_caption_is_what_it_is_told_to_be() -> None:
    one = phantom.make_frame(4, suspicious=True, caption=("LEFT", "TIRADS 2"))
    other = phantom.make_frame(4, suspicious=True, caption=("LEFT", "TIRADS 5"))
    *_, bottom = phantom.frame_box()

    np.testing.assert_array_equal(one[:bottom], other[:bottom])
    assert not np.array_equal(one[bottom:], other[bottom:])


def test_sizes_too_small_to_show_anything_are_refused() -> None:
    with pytest.raises(ValueError, match="64 pixels"):
        phantom.make(0, suspicious=True, height=63)
    with pytest.raises(ValueError, match="240 pixels"):
        phantom.make_frame(0, suspicious=True, width=239)
