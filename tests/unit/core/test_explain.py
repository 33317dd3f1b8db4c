import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.images import GREY_RAMP
from thyroid.core.explain import JET, Images, class_activation, render
from thyroid.core.field_of_view import Box

PIXELS = np.repeat(GREY_RAMP[:, :, np.newaxis], 3, axis=2)  # 64 high, 96 wide
WHOLE = Box(left=0, top=0, right=96, bottom=64)
FULL = np.ones((4, 4), np.float32)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return image


def array(data: bytes) -> npt.NDArray[np.float64]:
    return np.asarray(opened(data).convert("RGB")).astype(np.float64)


def indices(images: Images) -> npt.NDArray[np.int64]:
    image = opened(images.heatmap)
    assert image.mode == "P"
    return np.asarray(image).astype(np.int64)


# --- the map ---------------------------------------------------------------------------------------------------------


def test_negative_evidence_is_cut_off_and_the_rest_scaled_to_one() -> None:
    evidence = np.array([[-8.0, 0.0], [1.0, 4.0]], np.float32)

    activation, has_evidence = class_activation(evidence, "malignant")

    assert has_evidence
    assert activation.dtype == np.float32
    np.testing.assert_array_equal(activation, [[0, 0], [0.25, 1]])


def test_benign_evidence_is_the_negative_of_malignant() -> None:
    activation, has_evidence = class_activation(np.array([[-8.0, 0.0], [1.0, -4.0]], np.float32), "benign")

    assert has_evidence
    np.testing.assert_array_equal(activation, [[1, 0], [0, 0.5]])


@pytest.mark.parametrize(
    "evidence",
    [
        [[-1.0, -2.0], [-3.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[np.nan, np.nan], [np.nan, np.nan]],
        [[1e-8, -1.0], [-1.0, -1.0]],  # below what float32 gradients are exact to
    ],
)
def test_where_nothing_speaks_for_the_class_the_map_is_zero_and_says_so(evidence: list[list[float]]) -> None:
    activation, has_evidence = class_activation(np.array(evidence, np.float32), "malignant")

    assert not has_evidence
    np.testing.assert_array_equal(activation, np.zeros((2, 2)))


@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1.0, 1e30])
def test_how_large_the_gradients_are_does_not_matter(scale: float) -> None:
    activation, has_evidence = class_activation(np.array([[1.0, 2.0]], np.float32) * np.float32(scale), "malignant")

    assert has_evidence
    np.testing.assert_allclose(activation, [[0.5, 1.0]], rtol=1e-6)


def test_a_cell_that_is_not_finite_does_not_spoil_the_others() -> None:
    activation, _ = class_activation(np.array([[np.nan, np.inf, 2.0, 1.0]], np.float32), "malignant")

    np.testing.assert_array_equal(activation, [[0, 0, 1, 0.5]])


# --- the images ----------------------------------------------------------------------------------------------------


def test_without_a_size_the_images_are_squares_as_in_the_reference() -> None:
    images = render(PIXELS, FULL, WHOLE)

    assert {opened(p).size for p in (images.original, images.heatmap, images.overlay)} == {(224, 224)}


@pytest.mark.parametrize(("size", "expected"), [(64, (64, 43)), (96, (96, 64)), (1024, (1024, 683))])
def test_a_size_is_that_of_the_longest_side_and_the_shape_is_kept(size: int, expected: tuple[int, int]) -> None:
    images = render(PIXELS, FULL, WHOLE, size)

    assert {opened(p).size for p in (images.original, images.heatmap, images.overlay)} == {expected}


def test_a_very_long_image_keeps_at_least_one_row() -> None:
    wide = np.zeros((32, 20_000, 3), np.uint8)

    assert opened(render(wide, FULL, Box(0, 0, 20_000, 32), 64).overlay).size == (64, 1)


def test_the_original_at_its_own_size_is_what_was_sent() -> None:
    np.testing.assert_array_equal(array(render(PIXELS, FULL, WHOLE, 96).original), PIXELS)


def test_the_overlay_is_six_tenths_image_and_four_tenths_heatmap() -> None:
    images = render(PIXELS, FULL, WHOLE, 96)

    expected = 0.6 * PIXELS + 0.4 * JET[255].astype(float)
    assert np.abs(array(images.overlay) - expected).max() <= 0.5


def test_outside_the_field_of_view_the_image_is_left_as_it_is() -> None:
    # GIVEN a map of one that covers columns 24 to 72 and rows 16 to 48
    images = render(PIXELS, FULL, Box(left=24, top=16, right=72, bottom=48), 96)

    # THEN it is there, to the pixel, and nowhere else
    inside = np.zeros((64, 96), bool)
    inside[16:48, 24:72] = True
    np.testing.assert_array_equal(indices(images), np.where(inside, 255, 0))
    overlay = array(images.overlay)
    np.testing.assert_array_equal(overlay[~inside], PIXELS[~inside])
    assert np.all(np.any(overlay[inside] != PIXELS[inside], axis=1))


def test_the_map_goes_back_to_its_place_when_the_image_is_squeezed() -> None:
    images = render(PIXELS, FULL, Box(left=48, top=32, right=96, bottom=64))

    np.testing.assert_array_equal(indices(images)[112:, 112:], 255)
    assert indices(images).sum() == 255 * 112 * 112


def test_the_map_is_smoothed_as_bilinear_resizing_does() -> None:
    # GIVEN a map laid over the whole image, whose resizing Pillow can do as well
    activation = np.random.default_rng(3).random((7, 9)).astype(np.float32)
    expected = np.asarray(Image.fromarray(activation).resize((224, 224), Image.Resampling.BILINEAR))

    assert np.abs(indices(render(PIXELS, activation, WHOLE)) - 255 * expected).max() <= 0.51


def test_the_brightest_cell_is_where_the_evidence_is() -> None:
    activation = np.zeros((4, 4), np.float32)
    activation[0, 3] = 1.0  # top right

    row, column = np.unravel_index(indices(render(PIXELS, activation, WHOLE)).argmax(), (224, 224))

    assert row < 56
    assert column >= 168


def test_a_map_larger_than_the_images_is_no_fault() -> None:
    activation = np.ones((112, 112), np.float32)

    np.testing.assert_array_equal(indices(render(PIXELS, activation, WHOLE, 64)), 255)


def test_the_colours_go_from_dark_blue_over_green_to_dark_red() -> None:
    assert JET.shape == (256, 3)
    assert JET[0].tolist() == [0, 0, 128]
    assert JET[255].tolist() == [128, 0, 0]
    assert JET[128, 1] == 255
