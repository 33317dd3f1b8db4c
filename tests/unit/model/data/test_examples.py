from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.preprocessing import prepare
from thyroid_model.data.ddti import Frame
from thyroid_model.data.examples import View, lesion_examples, thyroid_examples, views
from thyroid_model.data.lesions import Lesion
from thyroid_model.networks.sources import BUNDLED_PREPROCESSING

Pixels = npt.NDArray[np.uint8]
SIZE = 32


@pytest.fixture
def frame_of(tmp_path: Path) -> "FrameOf":
    return FrameOf(tmp_path)


class FrameOf:
    """Makes a frame of pixels and, maybe, an outline: left, top, right, bottom."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, pixels: Pixels, *boxes: tuple[int, int, int, int]) -> Frame:
        path = self.folder / "1_1.png"
        Image.fromarray(pixels).save(path)
        outlines = tuple(
            ((float(a), float(b)), (float(c - 1), float(b)), (float(c - 1), float(d - 1)), (float(a), float(d - 1)))
            for a, b, c, d in boxes
        )
        return Frame(path, 1, "2", outlines)


def on_black(height: int, width: int, *, caption: bool = False) -> Pixels:
    """A phantom of this size at (20, 10), and black about it."""
    canvas = np.zeros((height + 80, width + 60, 3), np.uint8)
    canvas[10 : 10 + height, 20 : 20 + width] = phantom.make(3, suspicious=False, height=height, width=width)
    if caption:
        canvas[-30:-20, 40:80] = 200
    return canvas


def test_a_views_tensor_is_what_the_service_would_make(frame_of: FrameOf) -> None:
    pixels = on_black(120, 150, caption=True)

    (view,) = views([frame_of(pixels)], SIZE)

    assert view.tensor.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(view.tensor, prepare(pixels, BUNDLED_PREPROCESSING, SIZE, SIZE).tensor[0])


def test_the_outline_is_cropped_and_scaled_as_the_image_is(frame_of: FrameOf) -> None:
    """GIVEN an outline of the left half of the field of view THEN the left half of the mask is full."""
    pixels = on_black(120, 160)
    box = field_of_view.find(pixels)
    middle = (box.left + box.right) // 2

    (view,) = views([frame_of(pixels, (box.left, box.top, middle, box.bottom))], SIZE)

    assert view.mask.shape == (SIZE, SIZE)
    assert view.mask.dtype == np.uint8
    assert (view.mask[:, : SIZE // 2 - 1] == 255).all()
    assert (view.mask[:, SIZE // 2 + 1 :] == 0).all()


def test_without_an_outline_the_mask_is_empty(frame_of: FrameOf) -> None:
    assert not views([frame_of(on_black(120, 150))], SIZE)[0].mask.any()


@pytest.mark.parametrize(("width", "two"), [(130, False), (160, False), (240, True), (300, True)])
def test_a_view_that_is_half_again_as_wide_as_high_is_two_panes(frame_of: FrameOf, width: int, two: bool) -> None:
    (view,) = views([frame_of(on_black(120, width))], SIZE)

    assert view.two_panes is two


@pytest.mark.parametrize("caption", [False, True])
def test_a_caption_is_something_bright_under_the_view(frame_of: FrameOf, caption: bool) -> None:
    (view,) = views([frame_of(on_black(120, 150, caption=caption))], SIZE)

    assert view.caption is caption


def test_what_is_bright_beside_the_view_or_is_small_or_dim_is_no_caption(frame_of: FrameOf) -> None:
    pixels = on_black(120, 150)
    pixels[160:190, :5] = 255
    pixels[180, 40:60] = 255
    pixels[185, 40:140] = 140

    assert views([frame_of(pixels)], SIZE)[0].caption is False


def test_a_view_down_to_the_border_has_no_caption(frame_of: FrameOf) -> None:
    assert views([frame_of(phantom.make(0, suspicious=False, height=100, width=120))], SIZE)[0].caption is False


def view_of(tensor: npt.NDArray[np.float32]) -> View:
    return View(tensor, np.full(tensor.shape[:2], 255, np.uint8), two_panes=False, caption=False)


def test_thyroid_examples_are_grey_bytes_with_masks_and_labels() -> None:
    """.2, .4 and .9 are .5 in grey, which is 127.5 bytes: rounded to even, 128."""
    colour = np.broadcast_to(np.array([0.2, 0.4, 0.6], np.float32), (4, 4, 3))
    black = np.zeros((4, 4, 3), np.float32)

    examples = thyroid_examples([view_of(colour), view_of(black)], np.array([1, 0], np.float32))

    assert len(examples) == 2
    assert examples.images.dtype == examples.masks.dtype == np.uint8
    assert np.unique(examples.images[0]).tolist() == [102]
    assert np.unique(examples.images[1]).tolist() == [0]
    assert examples.masks.shape == (2, 4, 4)
    assert examples.labels.tolist() == [1, 0]


def test_a_grey_image_comes_back_to_the_byte() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tensor = np.repeat((levels / np.float32(255)).astype(np.float32)[..., np.newaxis], 3, axis=-1)

    np.testing.assert_array_equal(thyroid_examples([view_of(tensor)], np.ones(1, np.float32)).images[0], levels)


@pytest.fixture
def lesion(tmp_path: Path) -> Lesion:
    """A wide image, left half white, with the right half outlined."""
    pixels, mask = np.zeros((40, 80), np.uint8), np.zeros((40, 80), np.uint8)
    pixels[:, :40], mask[:, 40:] = 255, 255
    Image.fromarray(pixels).save(tmp_path / "image.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return Lesion(tmp_path / "image.png", "1", 1, tmp_path / "mask.png")


def test_breast_images_are_whole_and_finer_than_the_networks_input(lesion: Lesion) -> None:
    examples = lesion_examples([lesion], SIZE)

    assert examples.images.shape == examples.masks.shape == (1, 40, 40)
    assert (examples.images[0, :, :17] == 255).all()
    assert (examples.images[0, :, 23:] == 0).all()
    assert (examples.masks[0, :, :20] == 0).all()
    assert (examples.masks[0, :, 20:] == 255).all()


def test_a_lesion_without_an_outline_has_an_empty_mask(lesion: Lesion) -> None:
    bare = Lesion(lesion.path, "2", 0, None)

    examples = lesion_examples([lesion, bare], SIZE)

    assert examples.masks[0].any()
    assert not examples.masks[1].any()
    assert examples.labels.tolist() == [1, 0]
    assert examples.labels.dtype == np.float32
