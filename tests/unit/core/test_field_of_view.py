import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid_model.evaluation import captions

Pixels = npt.NDArray[np.uint8]


def whole(pixels: Pixels) -> Box:
    return Box(0, 0, pixels.shape[1], pixels.shape[0])


def tissue(height: int, width: int, seed: int = 0) -> Pixels:
    grey = np.random.default_rng(seed).integers(20, 200, (height, width, 1), dtype=np.uint8)
    return np.repeat(grey, 3, axis=2)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = max(0, min(one.right, other.right) - max(one.left, other.left))
    height = max(0, min(one.bottom, other.bottom) - max(one.top, other.top))
    return width * height / (one.width * one.height + other.width * other.height - width * height)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("suspicious", [False, True])
def test_finds_the_phantom_in_a_machine_frame(seed: int, suspicious: bool) -> None:
    frame = phantom.make_frame(seed, suspicious=suspicious)

    assert overlap(field_of_view.find(frame), Box(*phantom.frame_box())) > 0.98


def test_the_caption_never_moves_the_box_nor_enters_it() -> None:
    without = phantom.make_frame(5, suspicious=True, caption=())
    with_caption = phantom.make_frame(5, suspicious=True, caption=("TIRADS 4A", "TIRADS 5 (4C)", "PAT BETHESDA 2"))
    assert not np.array_equal(without, with_caption)

    box = field_of_view.find(with_caption)

    assert box == field_of_view.find(without)
    np.testing.assert_array_equal(box.crop(with_caption), box.crop(without))


@pytest.mark.parametrize(("height", "width"), [(360, 560), (480, 720), (768, 1024)])
@pytest.mark.parametrize("seed", range(3))
def test_captions_rulers_and_logos_never_move_the_box(height: int, width: int, seed: int) -> None:
    frame = phantom.make_frame(seed, suspicious=bool(seed % 2), height=height, width=width)
    box = field_of_view.find(frame)
    rng = np.random.default_rng(seed)

    assert field_of_view.find(captions.erase(frame, box)) == box
    for _ in range(15):
        painted = captions.paint(frame, box, rng)
        assert field_of_view.find(painted) == box
        np.testing.assert_array_equal(box.crop(painted), box.crop(frame))


@pytest.mark.parametrize("quality", [60, 90])
def test_nor_do_they_after_jpeg(quality: int) -> None:
    frame = phantom.make_frame(4, suspicious=True)
    box = field_of_view.find(frame)
    rng = np.random.default_rng(4)

    for _ in range(10):
        stored = io.BytesIO()
        Image.fromarray(captions.paint(frame, box, rng)).save(stored, "JPEG", quality=quality)
        assert overlap(field_of_view.find(np.asarray(Image.open(stored))), box) > 0.98


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["logo", "list of settings", "box with a text in it"])
def test_what_stands_beside_the_tissue_is_no_second_pane(side: str, kind: str) -> None:
    frame = Image.new("RGB", (560, 360))
    frame.paste(Image.fromarray(tissue(280, 360)), (100, 20))
    left = 20 if side == "left" else 465
    draw = ImageDraw.Draw(frame)
    text, filled = ("white", "black") if kind == "list of settings" else ("black", "yellow")
    draw.rectangle((left, 20, left + 74, 299), fill=filled)
    if kind != "logo":
        draw.multiline_text((left + 2, 22), "\n".join(["TIRADS 4A DR"] * 20), fill=text, spacing=1, font_size=11)

    assert field_of_view.find(np.asarray(frame)) == Box(100, 20, 460, 300)


def test_a_second_pane_less_tall_still_belongs() -> None:
    frame = np.zeros((360, 560, 3), np.uint8)
    frame[20:300, 40:280] = tissue(280, 240)
    frame[20:240, 290:530] = tissue(220, 240)

    assert field_of_view.find(frame) == Box(40, 20, 530, 300)


def test_captions_all_along_the_border_are_not_taken_for_the_background() -> None:
    frame = np.full((360, 560, 3), 3, np.uint8)
    frame[20:300, 40:500] = tissue(280, 460)
    without = field_of_view.find(frame)
    frame[-15:] = 255
    frame[:, -10:] = 128

    assert field_of_view.find(frame) == without == Box(40, 20, 500, 300)


def test_a_large_black_cyst_does_not_cut_the_image_in_two() -> None:
    image = tissue(360, 560)
    image[60:200, 150:400] = 0

    assert field_of_view.find(image) == whole(image)


def test_an_image_that_is_already_cropped_is_left_alone() -> None:
    image = phantom.make(2, suspicious=False)

    assert field_of_view.find(image) == whole(image)


def test_its_own_crop_is_left_alone() -> None:
    frame = phantom.make_frame(1, suspicious=False)
    crop = field_of_view.find(frame).crop(frame)

    assert field_of_view.find(crop) == whole(crop)


def test_two_panes_side_by_side_are_one_field_of_view() -> None:
    frame = np.zeros((360, 560, 3), np.uint8)
    frame[20:300, 40:280] = tissue(280, 240)
    frame[20:300, 290:530] = tissue(280, 240)

    assert field_of_view.find(frame) == Box(40, 20, 530, 300)


def test_a_grey_scale_bar_beside_the_tissue_is_no_pane() -> None:
    frame = np.zeros((360, 560, 3), np.uint8)
    frame[20:300, 40:500] = tissue(280, 460)
    frame[20:300, 510:520] = 200

    assert field_of_view.find(frame) == Box(40, 20, 500, 300)


def test_a_white_page_around_a_black_frame_is_peeled_off_too() -> None:
    page = np.full((600, 600, 3), 255, np.uint8)
    page[100:460, 20:580] = 0
    page[120:400, 60:500] = tissue(280, 440)

    assert field_of_view.find(page) == Box(60, 120, 500, 400)


def test_jpeg_noise_on_the_border_is_border() -> None:
    frame = np.random.default_rng(0).integers(0, 5, (360, 560, 3), dtype=np.uint8)
    frame[20:300, 40:500] = tissue(280, 460)

    assert field_of_view.find(frame) == Box(40, 20, 500, 300)


def test_a_shadow_across_the_bottom_still_belongs() -> None:
    frame = np.zeros((360, 560, 3), np.uint8)
    frame[20:300, 40:500] = tissue(280, 460)
    frame[200:300, 40:500] = np.random.default_rng(1).integers(0, 12, (100, 460, 1), dtype=np.uint8)

    assert field_of_view.find(frame) == Box(40, 20, 500, 300)


def test_coloured_text_is_told_from_tissue() -> None:
    frame = Image.new("RGB", (560, 360))
    frame.paste(Image.fromarray(tissue(280, 460)), (40, 20))
    ImageDraw.Draw(frame).text((50, 310), "TIRADS 5 " * 6, fill=(0, 0, 255))

    assert field_of_view.find(np.asarray(frame)) == Box(40, 20, 500, 300)


def test_a_large_frame_is_found_as_exactly_as_it_is_sampled() -> None:
    frame = np.zeros((2160, 3360, 3), np.uint8)
    frame[120:1800, 240:3000] = np.kron(tissue(280, 460), np.ones((6, 6, 1), np.uint8))

    assert overlap(field_of_view.find(frame), Box(240, 120, 3000, 1800)) > 0.99


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((360, 560, 3), np.uint8),
        np.full((360, 560, 3), 255, np.uint8),
        np.full((360, 560, 3), 128, np.uint8),
        np.pad(tissue(20, 30), ((170, 170), (265, 265), (0, 0))),
        np.asarray(Image.new("RGB", (32, 32), "white")),
    ],
    ids=["black", "white", "grey", "a speck of tissue", "small and white"],
)
def test_where_nothing_looks_like_a_field_of_view_the_whole_image_is_it(pixels: Pixels) -> None:
    assert field_of_view.find(pixels) == whole(pixels)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (33, 2000), (2000, 33), (97, 101)])
@pytest.mark.parametrize("seed", range(5))
def test_the_box_is_never_empty_nor_outside(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.where(rng.random((height, width, 1)) < 0.2, tissue(height, width, seed), 0).astype(np.uint8)

    box = field_of_view.find(pixels)

    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height
    assert box.width >= 0.2 * width
    assert box.height >= 0.2 * height


def test_the_image_is_not_changed() -> None:
    frame = phantom.make_frame(0, suspicious=False)
    before = frame.copy()

    field_of_view.find(frame)

    np.testing.assert_array_equal(frame, before)
