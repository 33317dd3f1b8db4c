"""Any kind of image source becomes the file, or the pixels, that it holds."""

import io
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.images import GREY_RAMP, image_file, in_rgb, ramp_image, rotated_file, sixteen_bit_file, transparent_file
from thyroid.core.imaging import decode
from thyroid_client.errors import BadImage
from thyroid_client.images import MAX_IMAGE_BYTES, MAX_UPLOAD_BYTES, image_bytes

JPEG = image_file("JPEG")
COLOURS = np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)


def pixels_of(file: bytes) -> npt.NDArray[np.uint8]:
    """The pixels that the service makes of a file."""
    return in_rgb(decode(file, max_pixels=10**6).pixels)


@pytest.mark.parametrize("of", [str, Path], ids=["text", "path"])
def test_a_file_goes_as_it_is(tmp_path: Path, of: Any) -> None:
    (tmp_path / "scan.jpg").write_bytes(JPEG)
    assert image_bytes(of(tmp_path / "scan.jpg")) == JPEG


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_and_open_files_go_as_they_are(kind: Any) -> None:
    assert image_bytes(kind(JPEG)) == JPEG


@pytest.mark.parametrize("shape", [(64, 96), (64, 96, 1)])
def test_a_grey_array_keeps_its_levels(shape: tuple[int, ...]) -> None:
    pixels = pixels_of(image_bytes(GREY_RAMP.reshape(shape)))
    np.testing.assert_array_equal(pixels, np.repeat(GREY_RAMP[..., np.newaxis], 3, axis=-1))


def test_a_colour_array_keeps_its_levels_whatever_its_memory_looks_like() -> None:
    np.testing.assert_array_equal(pixels_of(image_bytes(COLOURS)), COLOURS)
    np.testing.assert_array_equal(pixels_of(image_bytes(COLOURS[::-1, ::2])), COLOURS[::-1, ::2])


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_floats_become_the_nearest_of_256_levels(kind: str) -> None:
    array = (GREY_RAMP / 255).astype(kind)
    np.testing.assert_array_equal(pixels_of(image_bytes(array))[..., 0], GREY_RAMP)


@pytest.mark.parametrize(
    "array",
    [
        np.full((40, 40), 1.001),
        np.full((40, 40), -0.001),
        np.full((40, 40), np.nan),
        np.full((40, 40), 4095, np.uint16),
        np.full((40, 40), 1, np.int64),
        np.full((40, 40), True),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((2, 40, 40, 3), np.uint8),
        np.zeros(40, np.uint8),
        np.zeros((0, 40), np.uint8),
        np.zeros((0, 40), np.float32),
        np.ma.masked_greater(np.linspace(0, 2, 1600).reshape(40, 40), 1),
        np.ma.array(GREY_RAMP),
    ],
    ids=[
        *(
            "over 1",
            "under 0",
            "nan",
            "uint16",
            "int64",
            "bool",
            "four channels",
            "batch",
            "flat",
            "empty",
            "no floats",
        ),
        *("over 1 where masked", "masked nowhere"),
    ],
)
def test_an_array_whose_meaning_would_be_a_guess_is_refused(array: npt.NDArray[Any]) -> None:
    with pytest.raises(BadImage, match=r"^An array .*\.$"):
        image_bytes(array)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_an_image_keeps_its_pixels(mode: str) -> None:
    image = ramp_image(mode)
    np.testing.assert_array_equal(pixels_of(image_bytes(image)), np.asarray(image.convert("RGB")))


def test_an_image_of_lab_is_sent_in_colour() -> None:
    assert pixels_of(image_bytes(Image.new("LAB", (40, 40), (255, 128, 128)))).min() > 250


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I;16N"])
def test_an_image_of_16_bits_keeps_each_value_whatever_the_order_of_its_bytes(mode: str) -> None:
    big = mode == "I;16B" or (mode == "I;16N" and sys.byteorder == "big")
    values = np.tile(np.array([0, 1, 255, 256, 4095, 32767, 32768, 65535], np.uint16), (40, 5))
    image = Image.frombytes(mode, (40, 40), values.astype(">u2" if big else "<u2").tobytes(), "raw", mode)

    sent = Image.open(io.BytesIO(image_bytes(image)))

    assert sent.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(sent), values)


@pytest.mark.parametrize(("by", "mode", "sent_as"), [("RGBA", "RGBa", "RGBA"), ("LA", "La", "LA"), ("P", "PA", "RGBA")])
def test_an_image_keeps_what_is_transparent(by: str, mode: str, sent_as: str) -> None:
    # GIVEN an image whose left half is transparent, in a mode that PNG has not
    clear = Image.open(io.BytesIO(transparent_file()))
    image = clear.convert(by).convert(mode)
    if mode == "PA":  # a palette has no alpha to bring
        image.putalpha(clear.getchannel("A"))

    sent = Image.open(io.BytesIO(image_bytes(image)))

    assert sent.mode == sent_as
    np.testing.assert_array_equal(np.asarray(sent)[..., -1], np.asarray(clear)[..., -1])


@pytest.mark.parametrize(
    "file",
    [transparent_file(), sixteen_bit_file(), *(rotated_file(turn) for turn in (3, 6, 8))],
    ids=["transparent", "16 bits", "upside down", "turned", "turned back"],
)
def test_an_opened_image_is_judged_as_its_file_would_be(file: bytes) -> None:
    np.testing.assert_array_equal(pixels_of(image_bytes(Image.open(io.BytesIO(file)))), pixels_of(file))


@pytest.mark.parametrize("mode", ["F", "I"])
def test_an_image_without_a_known_scale_is_refused(mode: str) -> None:
    with pytest.raises(BadImage, match="convert it"):
        image_bytes(Image.new(mode, (40, 40)))


def test_so_is_one_of_a_mode_that_is_not_known() -> None:
    image = ramp_image()
    image._mode = "BGR;15"  # an older Pillow has it
    with pytest.raises(BadImage, match=r"mode BGR;15 .*convert it"):
        image_bytes(image)


@pytest.mark.parametrize("size", [(0, 0), (40, 0)])
def test_an_image_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadImage, match="holds no pixels"):
        image_bytes(Image.new("L", size))


def test_nothing_of_an_image_goes_but_its_pixels(tmp_path: Path) -> None:
    # GIVEN an opened file that names a patient
    text, exif = PngInfo(), Image.Exif()
    text.add_text("Patient", "Jane Doe")
    exif[0x010E] = "Jane Doe"
    ramp_image().save(tmp_path / "scan.png", pnginfo=text, exif=exif, icc_profile=b"Jane Doe")
    assert b"Jane" in (tmp_path / "scan.png").read_bytes()
    with Image.open(tmp_path / "scan.png") as image:
        # THEN what is sent of it does not
        assert b"Jane" not in image_bytes(image)


@pytest.mark.parametrize("thing", [None, 7, [[0]], {"image": b""}])
def test_what_is_no_image_at_all_is_a_type_error(thing: Any) -> None:
    with pytest.raises(TypeError, match="an image is a path"):
        image_bytes(thing)


def test_a_file_opened_as_text_is_a_type_error_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "scan.jpg").write_bytes(JPEG)
    with (tmp_path / "scan.jpg").open(encoding="utf-8") as file, pytest.raises(TypeError, match="open it as binary"):
        image_bytes(file)  # type: ignore[arg-type]


class Reader:
    """Has `read` alone, without a size."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def read(self) -> Any:
        return self.given


class Pieces(io.RawIOBase):
    """Returns fewer bytes than requested, as a connection may, and counts them."""

    def __init__(self, size: int) -> None:
        self.left, self.gave = size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left, 100_000)
        self.left, self.gave = self.left - count, self.gave + count
        return count


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_reader_may_accept_no_size_and_return_any_kind_of_bytes(kind: Any) -> None:
    assert image_bytes(Reader(kind(JPEG))) == JPEG


@pytest.mark.parametrize(
    ("given", "says"), [("x", "returned str"), (None, "returned NoneType"), ([1], "returned list")]
)
def test_a_reader_that_returns_something_else_is_a_type_error_that_names_it(given: object, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        image_bytes(Reader(given))


def test_a_file_that_comes_in_pieces_is_read_to_its_end() -> None:
    assert len(image_bytes(Pieces(MAX_IMAGE_BYTES))) == MAX_IMAGE_BYTES


def test_a_path_that_is_not_there_is_pythons_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        image_bytes(tmp_path / "scan.png")


@pytest.mark.parametrize(("max_bytes", "way"), [(MAX_IMAGE_BYTES, "`upload`"), (MAX_UPLOAD_BYTES, "make it smaller")])
def test_a_file_that_is_too_large_is_refused_with_the_limit_and_the_way(max_bytes: int, way: str) -> None:
    assert len(image_bytes(bytes(max_bytes), max_bytes)) == max_bytes
    with pytest.raises(BadImage, match=rf"more than the {max_bytes} .*{way}"):
        image_bytes(bytes(max_bytes + 1), max_bytes)


def test_no_more_of_an_open_file_is_read_than_shows_that_it_is_too_large() -> None:
    file = Pieces(10 * MAX_IMAGE_BYTES)
    with pytest.raises(BadImage, match="4669440"):
        image_bytes(file)
    assert file.gave == MAX_IMAGE_BYTES + 1


def test_nor_is_there_of_a_path(tmp_path: Path) -> None:
    # GIVEN a file of 100 megabytes
    with (tmp_path / "scan.png").open("wb") as file:
        file.truncate(10**8)
    # WHEN it is sent
    tracemalloc.start()
    try:
        with pytest.raises(BadImage, match="4669440"):
            image_bytes(tmp_path / "scan.png")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # THEN it was never in memory
    assert most < 5 * MAX_IMAGE_BYTES


def test_an_array_that_makes_too_large_a_file_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1300, 1300, 3), np.uint8)
    with pytest.raises(BadImage, match="4669440"):
        image_bytes(noise)
