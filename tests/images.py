"""Images for tests, made by code: sound ones of every kind, and files that are not what they seem."""

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.hostile import png

GREY_RAMP = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))


def in_rgb(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a decoded image with three channels, whether it has colour or not."""
    return np.repeat(pixels[:, :, np.newaxis], 3, axis=2) if pixels.ndim == 2 else pixels


def ramp_image(mode: str = "RGB") -> Image.Image:
    """A grey ramp from left (black) to right (white), 96 wide and 64 high."""
    return Image.fromarray(GREY_RAMP).convert(mode)


def image_file(kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """The ramp as a file."""
    return saved(ramp_image(mode), kind, **options)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise_file(height: int, width: int, kind: str = "PNG", seed: int = 0) -> bytes:
    """Colour noise, which no compression makes smaller."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return saved(Image.fromarray(pixels), kind)


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of a few bytes whose header names a size that it does not hold."""
    pixels = zlib.compress(bytes(1000))
    return png.SIGNATURE + png.header(width, height, colour=2) + png.chunk(b"IDAT", pixels) + png.chunk(b"IEND")


def sixteen_bit_file() -> bytes:
    """The ramp as a 16-bit grey PNG: every 8-bit value times 257."""
    return saved(Image.fromarray(GREY_RAMP.astype(np.uint16) * 257))


def transparent_file() -> bytes:
    """A white image whose left half is wholly transparent."""
    pixels = np.full((64, 96, 4), 255, np.uint8)
    pixels[:, :48, 3] = 0
    return saved(Image.fromarray(pixels))


def animated_file(kind: str = "GIF") -> bytes:
    """Three frames: black, grey, white."""
    frames = [Image.new("RGB", (96, 64), (level, level, level)) for level in (0, 128, 255)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def rotated_file(orientation: int, kind: str = "JPEG") -> bytes:
    """The ramp, as stored, with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(ramp_image(), kind, exif=exif)
