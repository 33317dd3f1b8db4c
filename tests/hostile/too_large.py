"""Headers that say a size over the limit: nothing of the pixels may be looked at, whether they are there or not."""

import struct
import zlib
from collections.abc import Iterator

from tests.hostile import bmp, gif, jpeg, png, tiff, webp
from tests.hostile.case import TOO_LARGE, UNREADABLE, Case, case
from tests.hostile.samples import all_samples

FAMILY, BEYOND_WEBP = "too large by header", "too large for WebP's decoder"
SIZES = [
    (30_000, 30_000),
    (65_500, 65_500),
    (1_000_000, 500),
    (500, 1_000_000),
    (32, 10_000_000),
    (2**31 - 1, 2**31 - 1),
]


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for width, height in SIZES:
        for name, data in _files(width, height):
            yield case(FAMILY, f"{name} of {width} × {height}", data, TOO_LARGE)
    lossy = all_samples()["WEBP"]["lossy"][12:]
    for width, height in [(16_384, 16_384), (2**24, 255)]:
        name = f"WebP canvas of {width} × {height}"
        data = webp.riff(webp.extended(2, width, height) + _frame(lossy))
        yield case(FAMILY, name, data, TOO_LARGE)
    for width, height in [(2**24, 2**24), (2**24, 256)]:
        name = f"WebP canvas of {width} × {height}"
        data = webp.riff(webp.extended(2, width, height) + _frame(lossy))
        yield case(BEYOND_WEBP, name, data, TOO_LARGE | UNREADABLE)


def _files(width: int, height: int) -> Iterator[tuple[str, bytes]]:
    pixels = png.chunk(b"IDAT", zlib.compress(bytes(10_000_000))) + png.chunk(b"IEND")
    for colour, depth in ((0, 1), (0, 16), (2, 8), (6, 16)):
        for interlace in (0, 1):
            head = png.SIGNATURE + png.header(width, height, depth, colour, interlace)
            yield f"PNG {colour} {depth} {interlace}", head + pixels
    yield "BMP", bmp.write(24, size=(width, height), pixels=bytes(1000))
    yield "BMP in runs", bmp.write(8, size=(width, height), compression=bmp.RLE8, pixels=b"\x00\x02\xff\xff" * 1000)
    for packed in (1, 5, 7, 8, 32_773):
        data = zlib.compress(bytes(1_000_000))
        strip = [tiff.tag(tiff.COMPRESSION, packed), tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT)]
        strip += [tiff.tag(tiff.ROWS, height), tiff.tag(tiff.STRIP_BYTES, len(data))]
        yield f"TIFF {packed}", tiff.write([tiff.plane(width, height, *strip)], data)
    if max(width, height) < 2**16:
        for sample in ("colour", "progressive"):
            data = all_samples()["JPEG"][sample]
            at = jpeg.frame(data)
            yield f"JPEG {sample}", data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]
        for sample in ("plain", "animated"):
            data = all_samples()["GIF"][sample]
            yield f"GIF screen {sample}", data[:6] + struct.pack("<HH", width, height) + data[10:]
            at = next(at for name, at in gif.parts(data) if name.endswith("2C introducer"))
            yield f"GIF frame {sample}", data[: at + 5] + struct.pack("<HH", width, height) + data[at + 9 :]


def _frame(bits: bytes) -> bytes:
    place = bytes(6) + (55).to_bytes(3, "little") + (39).to_bytes(3, "little") + bytes(4)
    return webp.chunk(b"ANIM", bytes(6)) + webp.chunk(b"ANMF", place + bits)
