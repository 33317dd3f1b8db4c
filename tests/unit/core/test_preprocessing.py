import numpy as np
import pytest
from PIL import Image

from tests.images import in_rgb
from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid.core.manifest import Preprocessing
from thyroid.core.preprocessing import prepare

WHOLE = Preprocessing(field_of_view=False, resize="lanczos", scale=1 / 255)
FIELD_OF_VIEW = Preprocessing(field_of_view=True, resize="lanczos", scale=1 / 255)


def test_the_tensor_is_what_a_network_takes() -> None:
    prepared = prepare(phantom.make_frame(0, suspicious=True), FIELD_OF_VIEW, 128, 96)

    assert prepared.tensor.shape == (1, 128, 96, 3)
    assert prepared.tensor.dtype == np.float32
    assert 0 <= prepared.tensor.min() < prepared.tensor.max() <= 1


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_the_filter_is_pillows_of_that_name(name: str) -> None:
    frame = phantom.make_frame(0, suspicious=False)
    steps = Preprocessing.model_validate({"field_of_view": False, "resize": name, "scale": 1.0})
    expected = Image.fromarray(frame).resize((64, 32), Image.Resampling[name.upper()])

    np.testing.assert_array_equal(prepare(frame, steps, 32, 64).tensor[0], np.asarray(expected))


def test_the_published_models_preprocessing_is_reproduced() -> None:
    """The reference service: RGB, Lanczos to 224 × 224, divided by 255."""
    frame = phantom.make_frame(0, suspicious=False)
    resized = Image.fromarray(frame).resize((224, 224), Image.Resampling.LANCZOS)

    prepared = prepare(frame, WHOLE, 224, 224)

    np.testing.assert_allclose(prepared.tensor[0], np.asarray(resized) / 255.0, rtol=0, atol=1e-7)
    assert prepared.box == Box(0, 0, 720, 480)


def test_the_box_says_what_the_tensor_shows() -> None:
    frame = phantom.make_frame(0, suspicious=False)
    box = field_of_view.find(frame)

    prepared = prepare(frame, FIELD_OF_VIEW, 64, 64)

    assert prepared.box == box != Box(0, 0, 720, 480)
    np.testing.assert_array_equal(prepared.tensor, prepare(box.crop(frame), WHOLE, 64, 64).tensor)


def test_the_network_never_sees_the_caption() -> None:
    one = phantom.make_frame(0, suspicious=True, caption=("TIRADS 2", "PAT BETHESDA 2"))
    other = phantom.make_frame(0, suspicious=True, caption=("TIRADS 5", "PAT BETHESDA 6"))
    assert not np.array_equal(prepare(one, WHOLE, 128, 128).tensor, prepare(other, WHOLE, 128, 128).tensor)

    np.testing.assert_array_equal(
        prepare(one, FIELD_OF_VIEW, 128, 128).tensor, prepare(other, FIELD_OF_VIEW, 128, 128).tensor
    )


def test_colours_stay_in_rgb_order() -> None:
    red = np.zeros((50, 50, 3), np.uint8)
    red[..., 0] = 255

    np.testing.assert_array_equal(prepare(red, WHOLE, 8, 8).tensor[0, 4, 4], np.array([1, 0, 0], np.float32))


@pytest.mark.parametrize("size", [(333, 517), (64, 64), (128, 1000), (1200, 90)])
def test_an_image_without_colour_gives_the_bits_that_its_three_channels_would(size: tuple[int, int]) -> None:
    height, width = size
    grey = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    frame = in_rgb(grey)
    resized = Image.fromarray(frame).resize((128, 128), Image.Resampling.LANCZOS)

    expected = np.asarray(resized, np.float32) * np.float32(1 / 255)
    np.testing.assert_array_equal(prepare(frame, WHOLE, 128, 128).tensor[0], expected)
    np.testing.assert_array_equal(prepare(grey, WHOLE, 128, 128).tensor[0], expected)
