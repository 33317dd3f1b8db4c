import itertools
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.images import (
    GREY_RAMP,
    animated_file,
    image_file,
    in_rgb,
    png_that_claims,
    ramp_image,
    rotated_file,
    saved,
    transparent_file,
)
from thyroid.core import imaging
from thyroid.core.formats import PILLOW_NAMES
from thyroid.core.imaging import UPRIGHT, DecodedImage, decode
from thyroid.errors import (
    InvalidRequestError,
    PayloadTooLargeError,
    ThyroidError,
    UnreadableImageError,
    UnsupportedMediaTypeError,
)

RAMP = in_rgb(GREY_RAMP)
MAX_PIXELS = 1_000_000


def decoded(data: bytes) -> npt.NDArray[np.uint8]:
    """Decode into RGB, whether the image has colour or not."""
    result = decode(data, max_pixels=MAX_PIXELS)
    assert isinstance(result, DecodedImage)
    assert result.pixels.dtype == np.uint8
    rgb = in_rgb(result.pixels)
    assert rgb.shape[2] == 3
    assert (result.pixels.ndim == 3) == np.ptp(rgb, axis=2).any(), (
        "three channels where, and only where, there is colour"
    )
    return rgb


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_a_lossless_format_gives_its_pixels(kind: str) -> None:
    np.testing.assert_array_equal(decoded(image_file(kind)), RAMP)


@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_the_format_is_told(kind: str) -> None:
    assert decode(image_file(kind), max_pixels=MAX_PIXELS).format == kind


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA"])
def test_an_image_without_colour_comes_as_grey_levels(mode: str) -> None:
    pixels = decode(image_file("PNG", mode), max_pixels=MAX_PIXELS).pixels

    assert pixels.shape == GREY_RAMP.shape


def test_a_single_pixel_of_colour_keeps_all_channels() -> None:
    for channel in range(3):
        pixels = RAMP.copy()
        pixels[5, 7, channel] ^= 1

        np.testing.assert_array_equal(decode(saved(Image.fromarray(pixels)), max_pixels=MAX_PIXELS).pixels, pixels)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_lossy_format_gives_nearly_its_pixels(kind: str) -> None:
    assert np.abs(decoded(image_file(kind)).astype(int) - RAMP).mean() < 3


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_every_colour_mode_of_png_becomes_rgb(mode: str) -> None:
    expected = np.asarray(ramp_image(mode).convert("RGB"))

    np.testing.assert_array_equal(decoded(image_file("PNG", mode)), expected)


def test_cmyk_becomes_rgb() -> None:
    assert np.abs(decoded(image_file("JPEG", "CMYK")).astype(int) - RAMP).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    data = saved(Image.fromarray(GREY_RAMP.astype(np.uint16) * 257), kind)

    np.testing.assert_array_equal(decoded(data), RAMP)


def test_sixteen_bits_are_rounded_and_not_cut_off() -> None:
    # 300 / 257 = 1.17, 400 / 257 = 1.56: cutting off would give 1 for both
    values = np.full((40, 40), 300, np.uint16)
    values[20:] = 400

    assert [int(v) for v in decoded(saved(Image.fromarray(values)))[[0, 39], 0, 0]] == [1, 2]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_refused_for_they_name_no_white(kind: type[np.generic]) -> None:
    with pytest.raises(UnreadableImageError, match="32 bits"):
        decoded(saved(Image.fromarray(np.full((40, 40), 1_000_000, kind)), "TIFF"))


def test_what_is_transparent_lies_over_black() -> None:
    pixels = decoded(transparent_file())

    assert pixels[:, :48].max() == 0
    assert pixels[:, 48:].min() == 255


def test_a_transparent_palette_colour_lies_over_black() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])

    assert decoded(saved(image, "PNG")).max() == 200
    assert decoded(saved(image, "PNG", transparency=1)).max() == 0


@pytest.mark.parametrize(("mode", "colour"), [("L", 200), ("RGB", (200, 100, 50))])
def test_a_transparent_colour_of_an_image_without_a_palette_lies_over_black(mode: str, colour: Any) -> None:
    image = Image.new(mode, (64, 64), colour)

    assert decoded(saved(image)).max() == 200
    assert decoded(saved(image, transparency=colour)).max() == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    assert decoded(animated_file(kind)).max() <= 2  # WebP's black is lossy


@pytest.mark.parametrize(("kind", "orientation"), list(itertools.product(["JPEG", "PNG", "TIFF", "WEBP"], range(1, 9))))
def test_a_rotated_image_is_turned_upright(kind: str, orientation: int) -> None:
    # GIVEN where row 0 and column 0 of the stored image are in the upright one (EXIF 2.32)
    stored = {1: RAMP, 2: RAMP[:, ::-1], 3: RAMP[::-1, ::-1], 4: RAMP[::-1]}
    sides = {5: stored[1], 6: stored[4], 7: stored[3], 8: stored[2]}
    expected = stored[orientation] if orientation in stored else sides[orientation].swapaxes(0, 1)

    # WHEN
    pixels = decoded(rotated_file(orientation, kind))

    # THEN
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 3


def test_an_orientation_that_does_not_exist_changes_nothing() -> None:
    assert 9 not in UPRIGHT
    assert decoded(rotated_file(9)).shape == RAMP.shape


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage, and goes on
def test_broken_exif_data_around_sound_pixels_is_ignored() -> None:
    exif = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\xff\xff" + b"\xff" * 20

    assert decoded(image_file("JPEG", exif=exif)).shape == RAMP.shape


def test_a_damaged_file_prints_nothing(tmp_path: Path) -> None:
    # GIVEN tags that are longer than the file, each of which Pillow warns of
    tags = b"".join(struct.pack("<HHII", tag, 2, 10_000_000, 8) for tag in range(1000, 1100))
    file = tmp_path / "damaged.png"
    file.write_bytes(image_file("PNG", exif=b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 100) + tags + bytes(4)))
    code = "import sys, pathlib; from thyroid.core.imaging import decode; "
    code += "print(decode(pathlib.Path(sys.argv[1]).read_bytes(), max_pixels=10**6).format)"

    # WHEN it is decoded in a process whose warnings are printed as Python does it
    run = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)

    assert (run.stdout, run.stderr) == ("PNG\n", "")


def coloured_below() -> bytes:
    """The ramp, with colour in its middle row alone."""
    image = ramp_image()
    image.paste("red", (0, 32, 96, 33))
    return saved(image)


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(image_file("PNG", mode), id=mode) for mode in ("1", "L", "P", "LA", "RGB", "RGBA")),
        pytest.param(image_file("JPEG", "CMYK"), id="CMYK"),
        pytest.param(saved(Image.fromarray(GREY_RAMP.astype(np.uint16) * 257)), id="16 bits"),
        pytest.param(image_file("GIF", transparency=7), id="a transparent colour"),
        pytest.param(transparent_file(), id="transparent"),
        *(pytest.param(rotated_file(orientation), id=f"orientation {orientation}") for orientation in (3, 6)),
        pytest.param(coloured_below(), id="colour below grey"),
    ],
)
@pytest.mark.parametrize("pixels", [1, 96, 1000, 6143])
def test_a_large_image_is_converted_band_by_band_to_the_same_pixels(
    data: bytes, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = decoded(data)
    monkeypatch.setattr(imaging, "BAND_PIXELS", pixels)

    np.testing.assert_array_equal(decoded(data), whole)


@pytest.mark.parametrize(
    ("pixels", "heights"),
    [(1, [1] * 64), (96, [1] * 64), (1000, [10] * 6 + [4]), (6143, [63, 1]), (6144, [64]), (1_000_000, [64])],
)
def test_no_band_is_of_more_pixels_than_are_converted_in_one_piece(
    pixels: int, heights: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    converted, sizes = imaging._converted, list[tuple[int, int]]()

    def watched(band: Image.Image) -> npt.NDArray[np.uint8]:
        sizes.append(band.size)
        return converted(band)

    monkeypatch.setattr(imaging, "BAND_PIXELS", pixels)
    monkeypatch.setattr(imaging, "_converted", watched)

    decoded(image_file())

    assert sizes == [(96, height) for height in heights]


@pytest.mark.parametrize("data", [b"hello", b"%PDF-1.7 \n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(64)])
def test_what_is_no_image_is_refused_as_such(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="PNG, JPEG, WebP, BMP, TIFF or GIF"):
        decoded(data)


def test_no_bytes_are_no_image_and_said_to_be_none() -> None:
    with pytest.raises(InvalidRequestError, match="empty"):
        decoded(b"")


@pytest.mark.parametrize("kind", ["ICO", "PPM", "TGA", "PCX", "ICNS", "JPEG2000", "PDF", "EPS"])
def test_a_format_outside_the_list_is_refused_though_pillow_knows_it(kind: str) -> None:
    assert kind not in PILLOW_NAMES
    with pytest.raises(UnsupportedMediaTypeError):
        decoded(image_file(kind))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage, and goes on
@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_a_file_cut_off_anywhere_is_never_decoded_wrongly(kind: str) -> None:
    whole = image_file(kind)

    for kept in sorted({*range(1, 64), *range(64, len(whole) // 2, 97), len(whole) // 2}):
        try:
            pixels = decoded(whole[:kept])
        except (UnreadableImageError, UnsupportedMediaTypeError):
            continue
        assert pixels.shape == RAMP.shape  # all of the image came before the cut


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_file_cut_in_half_is_unreadable(kind: str) -> None:
    whole = image_file(kind)

    with pytest.raises(UnreadableImageError, match="damaged or incomplete"):
        decoded(whole[: len(whole) // 2])


def test_a_signature_with_nothing_behind_it_is_unreadable_and_not_unknown() -> None:
    with pytest.raises(UnreadableImageError):
        decoded(b"\xff\xd8\xff\xe0")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage, and goes on
@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_damaged_bytes_end_in_one_of_our_errors_or_in_an_image(kind: str) -> None:
    whole = image_file(kind)
    rng = np.random.default_rng(0)

    for _ in range(100):
        broken = bytearray(whole)
        for position in rng.integers(0, len(whole), 5):
            broken[position] = rng.integers(0, 256)
        try:
            decoded(bytes(broken))
        except (UnreadableImageError, UnsupportedMediaTypeError, PayloadTooLargeError):
            continue


@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000, 8_000), (1001, 1000)])
def test_a_header_over_the_limit_is_refused_before_pixels_are_decoded(size: tuple[int, int]) -> None:
    # 900 million pixels are an error to Pillow, 96 million a warning, the last nothing at all
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLargeError, match=str(MAX_PIXELS)):
            decoded(png_that_claims(*size))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def tiled_tiff(side: int, kinds: Mapping[int, int] = MappingProxyType({})) -> bytes:
    """A TIFF of 64 × 64 pixels, in one tile of `side` pixels a side that is empty but for what zlib leaves."""
    tile = zlib.compress(bytes(side * side))
    tags = [(256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (322, side), (323, side), (324, 8), (325, len(tile))]
    entries = (struct.pack("<HHII", tag, kinds.get(tag, 4), 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + b"".join(entries)
    return b"II*\0" + struct.pack("<I", 8 + len(tile)) + tile + directory + bytes(4)


def test_a_tile_is_no_larger_than_an_image_may_be() -> None:
    # a tile is decoded whole: one of 1 MB took 2.2 GB
    assert decoded(tiled_tiff(992)).shape == (64, 64, 3)
    with pytest.raises(PayloadTooLargeError, match=f"tiles of more than {MAX_PIXELS}"):
        decoded(tiled_tiff(1008))


def test_a_tile_of_just_the_limit_is_decoded() -> None:
    assert decode(tiled_tiff(64), max_pixels=64 * 64).pixels.shape == (64, 64)


@pytest.mark.parametrize("tag", [322, 323])
@pytest.mark.parametrize("kind", [1, 2, 7, 11])  # a byte, a text, anything, a float
def test_a_tile_whose_width_or_height_is_no_whole_number_is_unreadable_and_nothing_is_printed(
    kind: int, tag: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnreadableImageError):
        decoded(tiled_tiff(64, {tag: kind}))

    assert capfd.readouterr().err == ""  # libtiff, were it asked, would print a line


def test_an_image_at_the_limit_is_decoded() -> None:
    assert decoded(saved(Image.new("L", (1000, 1000)))).shape == (1000, 1000, 3)


def test_a_webp_has_half_as_many_pixels_at_the_most_for_it_takes_twice_the_memory() -> None:
    assert decoded(saved(Image.new("L", (1000, 500)), "WEBP")).shape == (500, 1000, 3)
    with pytest.raises(PayloadTooLargeError, match="more than 500000 pixels"):
        decoded(saved(Image.new("L", (1000, 501)), "WEBP"))


def test_several_jpegs_in_a_file_have_as_many_pixels_at_the_most_as_one() -> None:
    first = Image.new("L", (1000, 1000))
    assert decode(saved(first, "MPO", save_all=True, append_images=[first]), max_pixels=MAX_PIXELS).format == "MPO"


@pytest.mark.parametrize("size", [(1, 1), (31, 500), (500, 31)])
def test_an_image_too_small_to_be_judged_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImageError, match="at least 32 pixels"):
        decoded(saved(Image.new("L", size)))


def test_an_image_just_large_enough_is_decoded() -> None:
    assert decoded(saved(Image.new("L", (32, 32)))).shape == (32, 32, 3)


@pytest.mark.filterwarnings("error")
def test_the_limit_may_be_above_pillows_own() -> None:
    # GIVEN a header that claims more than twice what Pillow allows by itself, and no pixels
    data = png_that_claims(20_000, 20_000)

    # THEN its size is judged by our limit alone
    with pytest.raises(PayloadTooLargeError, match="399999999"):
        decode(data, max_pixels=399_999_999)
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode(data, max_pixels=400_000_000)


def test_a_tiff_that_two_readers_would_read_differently_is_refused() -> None:
    data = bytearray(image_file("TIFF"))
    data[:4] = b"MM\x00+"

    with pytest.raises(UnreadableImageError):
        decoded(bytes(data))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"", "The image is empty; send the bytes of an image file.", id="empty"),
        pytest.param(
            b"hello",
            "The file is not an image of a supported format; send PNG, JPEG, WebP, BMP, TIFF or GIF.",
            id="no image",
        ),
        pytest.param(
            b"\xff\xd8\xff\xe0", "The image is damaged or incomplete; send the whole file again.", id="a beginning"
        ),
        pytest.param(
            image_file()[:100], "The image is damaged or incomplete; send the whole file again.", id="cut off"
        ),
        pytest.param(
            saved(Image.new("F", (40, 40)), "TIFF"),
            "The image has 32 bits per value, for which no white level is defined; save it with 8 or 16 bits.",
            id="32 bits",
        ),
        pytest.param(
            saved(Image.new("L", (31, 40))),
            "The image has 31 × 40 pixels and is too small to be processed; send one of at least 32 pixels a side.",
            id="too small",
        ),
        pytest.param(
            png_that_claims(1001, 1000), "The image has more than 1000000 pixels; send a smaller one.", id="too large"
        ),
        pytest.param(
            tiled_tiff(1008), "The image has tiles of more than 1000000 pixels; send smaller ones.", id="large tiles"
        ),
        pytest.param(
            b"\xff\xd8" + b"\xff\xfe\x00\x02" * 1_001,
            "The image file has too many parts; save the image again.",
            id="too many parts",
        ),
    ],
)
def test_a_refusal_says_in_a_sentence_what_is_wrong_and_what_to_do(data: bytes, sentence: str) -> None:
    with pytest.raises(ThyroidError) as refused:
        decoded(data)

    assert refused.value.detail == sentence
