"""What Pillow reads back of the files."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from thyroid import phantom
from thyroid.core import png
from thyroid.core.explain import JET

Pixels = npt.NDArray[np.uint8]


def read(file: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(file))
    image.verify()  # every chunk's checksum
    return Image.open(io.BytesIO(file))


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (64, 48), (224, 224), (3, 1024)])
def test_colour_comes_back_to_the_bit(shape: tuple[int, int]) -> None:
    pixels = noise(*shape, 3)

    image = read(png.encode(pixels))

    assert (image.format, image.mode) == ("PNG", "RGB")
    np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (64, 48), (224, 224)])
def test_grey_levels_come_back_to_the_bit(shape: tuple[int, int]) -> None:
    grey = noise(*shape)

    image = read(png.encode(grey))

    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), grey)


def test_places_in_a_palette_come_back_as_its_colours() -> None:
    places = noise(20, 30)

    image = read(png.encode(places, JET))

    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), JET[places])


@pytest.mark.parametrize("view", [np.s_[:, ::-1], np.s_[::2, ::2], np.s_[5:, 3:]])
def test_parts_and_mirrored_images_are_written_as_they_look(view: Any) -> None:
    pixels = noise(40, 40, 3)[view]

    np.testing.assert_array_equal(np.asarray(read(png.encode(pixels))), pixels)


def test_a_file_is_hardly_larger_than_pillows() -> None:
    """Of an ultrasound image, and of one with a map laid over it."""
    pixels = phantom.make(3, suspicious=True, height=224, width=224)[..., 0]
    tinted = np.rint(0.6 * pixels[..., np.newaxis] + 0.4 * JET[np.linspace(0, 255, 224).astype(int)]).astype(np.uint8)
    for each in (pixels, tinted):
        file = io.BytesIO()
        Image.fromarray(each).save(file, "PNG", compress_level=1)

        assert len(png.encode(each)) < 1.05 * len(file.getvalue())
