"""Small files that would take much time or memory: many parts, large tiles, packed nothing, long sides."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile import bmp, gif, jpeg, png, tiff, webp
from tests.hostile.case import ANSWERED, TOO_LARGE, UNREADABLE, Case
from tests.hostile.samples import all_samples, exif
from tests.images import saved

FULL = 4_600_000  # bytes: nearly the largest file that a request carries
MAX_SIZE, MAX_WEBP_SIZE = (5000, 4000), (4000, 2500)  # the most pixels that are taken
COLOUR = {"RGB": (200, 30, 60), "RGBA": (200, 30, 60, 120), "CMYK": (0, 200, 150, 30)}  # grey would take a third
MANY, PACKED, LONG, LARGE, FRAMES = "many parts", "packed bombs", "long sides", "largest images", "many frames"

Make = Callable[[], bytes]


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, make in _many_parts():
        yield Case(MANY, name, make, UNREADABLE | ANSWERED)
    for name, make, expected in _packed():
        yield Case(PACKED, name, make, expected)
    for name, make in _long_sides():
        yield Case(LONG, name, make, ANSWERED)
    for name, make in _largest():
        yield Case(LARGE, name, make, ANSWERED)
    for name, make in _frames():
        yield Case(FRAMES, name, make, ANSWERED)


def filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    """Return a file of the largest size, full of one part again and again."""
    return before + unit * ((FULL - len(before) - len(after)) // len(unit)) + after


def _many_parts() -> Iterator[tuple[str, Make]]:
    plain = all_samples()["PNG"]["grey"]
    packed = zlib.compress(bytes(1_000_000), 9)
    texts = {
        b"tEXt": b"a\x00b",
        b"zTXt": b"a\x00\x00" + packed,
        b"iTXt": b"a\x00\x01\x00\x00\x00" + packed,
        b"iCCP": b"a\x00\x00" + packed,
        b"prIv": b"",
        b"IDAT": b"",
        b"eXIf": b"",
        b"fdAT": bytes(4),
    }
    for kind, data in texts.items():
        chunk = png.chunk(kind, data)
        yield f"PNG of chunks {kind.decode()}", partial(filled, plain[:33], chunk, plain[33:])
        yield f"PNG of chunks {kind.decode()} at its end", partial(filled, plain[:-12], chunk, plain[-12:])
    photo = all_samples()["JPEG"]["colour"]
    for name, marker, data in (
        ("comments", 0xFE, b""),
        ("tags", 0xE1, b"Exif\x00\x00ab"),
        ("profiles", 0xE2, b"ICC_PROFILE\x00\x01\x01a"),
        ("directories", 0xE2, b"MPF\x00"),
        ("resources", 0xED, b"Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00\x00\x00\x00\x01a\x00" * 4000),
        ("tables", 0xDB, b"\x00" + bytes([1] * 64)),
        ("codes", 0xC4, b"\x00" + bytes(16)),
        ("restarts", 0xDD, b"\x00\x00"),
    ):
        yield f"JPEG of {name}", partial(filled, photo[:2], jpeg.segment(marker, data), photo[2:])
    yield "JPEG of filling", partial(filled, photo[:2], b"\xff", photo[2:])
    yield "JPEG of junk", partial(filled, photo[:20], b"\x00", photo[20:])
    yield "JPEG of escaped filling", partial(filled, photo[:20], b"\xff\x00", photo[20:])
    for width, height, count in ((64, 64, 300_000), (5000, 4000, 100), (5000, 4000, 101), (5000, 4000, 1000)):
        yield f"JPEG of {count} passes over {width} × {height}", partial(jpeg.scans, width, height, count)
    moving = all_samples()["GIF"]["plain"]
    start = gif.palette_end(moving)
    for name, unit in {
        "comments": b"\x21\xfe\x01a\x00",
        "empty comments": b"\x21\xfe\x00",
        "applications": b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
        "controls": b"\x21\xf9\x04\x00\x00\x00\x00\x00",
        "unknown extensions": b"\x21\x77\x01a\x00",
        "junk": b"\x55",
    }.items():
        yield f"GIF of {name}", partial(filled, moving[:start], unit, moving[start:])
    yield "GIF of one comment", partial(filled, moving[:start] + b"\x21\xfe", b"\x01a", b"\x00" + moving[start:])
    lossy = all_samples()["WEBP"]["lossy"]
    for kind in (b"xyzw", b"EXIF", b"ICCP", b"ALPH"):
        yield f"WebP of chunks {kind.decode()}", partial(_webp_of, kind, lossy[12:])
    for rows, number in ((60_000, 4), (600_000, 4), (4_000_000, 1)):
        yield f"TIFF of {rows} strips of type {number}", partial(_strips, rows, number)
    for name, slow in (("PackBits", _slow_packbits), ("Deflate", _slow_deflate)):
        for count in (15, 1_000, 65_500):
            yield f"TIFF of {count} {name} strips that lie over each other", partial(_overlapping, count, slow)
    yield "TIFF of 60,000 tags", partial(_tags, 60_000, 40)
    yield "TIFF of 500 tags", partial(_tags, 500, 40)
    yield "TIFF of 500 tags that are too long", partial(_tags, 500, FULL)
    yield "TIFF of 4,000 pages", _pages
    for number in (1, 3, 4, 5, 10, 12):
        yield f"PNG with a tag of as many values of type {number} as fit", partial(_long_tag, number)


def _packed() -> Iterator[tuple[str, Make, frozenset[str]]]:
    for side in (2048, 16_384, 46_336):
        expected = ANSWERED if side * side <= MAX_SIZE[0] * MAX_SIZE[1] else TOO_LARGE
        yield f"TIFF of one tile of {side}, packed", partial(_tile, side), expected
    for rows in (2**31, 2**32 - 1):
        yield f"TIFF of one strip of {rows} rows, packed", partial(_strip, rows), UNREADABLE | ANSWERED
    for size in (10**6, 10**7, 10**9):
        yield f"PNG whose pixels unpack to {size} bytes", partial(_png_of, size), ANSWERED
        for kind in (b"iCCP", b"zTXt", b"iTXt"):
            yield (
                f"PNG whose {kind.decode()} unpacks to {size} bytes",
                partial(_png_with, kind, size),
                UNREADABLE | ANSWERED,
            )
    jump = b"\x00\x02\x00\xff"
    for width, height in ((625_000, 32), (32, 625_000), MAX_SIZE):
        name = f"of {width} × {height}"
        write = partial(bmp.write, 8, compression=bmp.RLE8, size=(width, height))
        yield f"BMP of jumps {name}", partial(write, pixels=jump * 1000), ANSWERED | UNREADABLE
        yield f"BMP of lines' ends {name}", partial(write, pixels=b"\x01\x07\x00\x00" * height), ANSWERED
        yield f"BMP of nothing {name}", partial(write, pixels=b"\x00\x02\x00\x00" * 1_000_000), UNREADABLE
        yield f"BMP of single pixels {name}", partial(write, pixels=b"\x01\x07" * 2_000_000), UNREADABLE
        lines = (b"\xff\x12" * (width // 255) + bytes([width % 255, 0x12])) + b"\x00\x00"
        pixels = partial(bmp.write, 4, compression=bmp.RLE4, size=(width, height))
        yield f"BMP of runs of four bits {name}", partial(pixels, pixels=lines * height), ANSWERED


def _long_sides() -> Iterator[tuple[str, Make]]:
    for width, height in ((32, 625_000), (625_000, 32), (32, 100_000), (100_000, 32), (65_500, 300), (300, 65_500)):
        name = f"{width} × {height}"
        for mode in ("1", "L", "RGB", "RGBA"):
            yield f"PNG {mode} of {name}", partial(_blank, mode, (width, height), "PNG")
        yield f"PNG of stripes of {name}", partial(_stripes, width, height)
        yield f"TIFF of {name}", partial(_blank, "L", (width, height), "TIFF", compression="tiff_lzw")
        yield f"BMP of {name}", partial(_blank, "1", (width, height), "BMP")
        if max(width, height) < 65_536:
            yield f"JPEG of {name}", partial(_blank, "L", (width, height), "JPEG")
            yield f"GIF of {name}", partial(_blank, "L", (width, height), "GIF")
    for size in ((32, 16_383), (16_383, 32), (600, 16_383)):
        yield f"WebP of {size[0]} × {size[1]}", partial(_blank, "RGB", size, "WEBP", method=0)


def _largest() -> Iterator[tuple[str, Make]]:
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16"):
        yield f"PNG {mode}", partial(_blank, mode, MAX_SIZE, "PNG", compress_level=1)
        yield f"PNG {mode}, turned", partial(_blank, mode, MAX_SIZE, "PNG", compress_level=1, exif=exif(6))
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            options: dict[str, Any] = {"progressive": progressive, "subsampling": 0}
            name = f"JPEG {mode}{' progressive' * progressive}"
            yield name, partial(_blank, mode, MAX_SIZE, "JPEG", **options)
            yield f"{name}, turned", partial(_blank, mode, MAX_SIZE, "JPEG", exif=exif(6), **options)
    for mode in ("RGB", "RGBA"):
        for lossless in (False, True):
            name = f"WebP {mode}{' lossless' * lossless}"
            yield name, partial(_blank, mode, MAX_WEBP_SIZE, "WEBP", lossless=lossless, method=0)
            turned = partial(_blank, mode, MAX_WEBP_SIZE, "WEBP", lossless=lossless, method=0, exif=exif(6))
            yield f"{name}, turned", turned
    yield "GIF", partial(_blank, "L", MAX_SIZE, "GIF")
    for mode in ("1", "L", "RGB", "RGBA", "CMYK", "I;16"):
        for compression in ("tiff_lzw", "tiff_adobe_deflate"):
            yield f"TIFF {mode} {compression}", partial(_blank, mode, MAX_SIZE, "TIFF", compression=compression)
    yield "TIFF, turned", partial(_blank, "RGBA", MAX_SIZE, "TIFF", compression="tiff_lzw", exif=exif(6))
    yield "BMP", partial(_blank, "1", MAX_SIZE, "BMP")
    yield "JPEG of noise", partial(_noise, MAX_SIZE, "JPEG", quality=5)
    yield "WebP of noise", partial(_noise, MAX_WEBP_SIZE, "WEBP", quality=5, method=0)
    yield "PNG of few colours", partial(_noise, MAX_SIZE, "PNG")


def _frames() -> Iterator[tuple[str, Make]]:
    frames = [Image.new("L", (64, 48), level) for level in range(256)] * 4
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        yield f"{kind} of 1,024 frames", partial(saved, frames[0], kind, save_all=True, append_images=frames[1:])


def _blank(mode: str, size: tuple[int, int], kind: str, **options: Any) -> bytes:
    return saved(Image.new(mode, size, COLOUR.get(mode, 0)), kind, **options)


def _stripes(width: int, height: int) -> bytes:
    rows = np.arange(height)[:, np.newaxis] + np.arange(width)
    return saved(Image.fromarray((rows * 37 % 256).astype(np.uint8)), "PNG", compress_level=1)


def _noise(size: tuple[int, int], kind: str, **options: Any) -> bytes:
    few = np.random.default_rng(0).integers(0, 4, (500, 500, 3), dtype=np.uint8) * 80
    return saved(Image.fromarray(np.tile(few, (size[1] // 500, size[0] // 500, 1))), kind, **options)


def _webp_of(kind: bytes, pixels: bytes) -> bytes:
    return webp.riff(filled(webp.extended(0, 56, 40) + pixels, webp.chunk(kind), b""))


def _strips(count: int, kind: int) -> bytes:
    """An image of 32 pixels a row and a strip a row, all of which lie at the same place."""
    places = tiff.Tag(tiff.STRIP_OFFSETS, kind, count, (b"\x10" + bytes(tiff.SIZES[kind] - 1)) * count)
    tags = tiff.plane(32, count, places, tiff.tag(tiff.ROWS, 1), tiff.tag(tiff.STRIP_BYTES, 32))
    return tiff.write([tags], bytes(32))


# Of a row of 32 pixels, and what a decoder walks through before it: just below what libtiff takes of a strip.
_NOTHING = 2**20 - 2_000


def _slow_packbits() -> tuple[int, bytes]:
    return 32773, b"\x80" * _NOTHING + b"\xe1\x07"


def _slow_deflate() -> tuple[int, bytes]:
    packer = zlib.compressobj(wbits=-15)
    row = packer.compress(bytes(32)) + packer.flush()
    blocks = b"\0\0\0\xff\xff" * (_NOTHING // 5)
    return 8, b"\x78\x9c" + blocks + row + struct.pack(">I", zlib.adler32(bytes(32)))


def _overlapping(count: int, packed: Callable[[], tuple[int, bytes]]) -> bytes:
    """An image of so many strips of a row, all of which are the same megabyte."""
    compression, strip = packed()
    places = [tiff.tag(tiff.STRIP_OFFSETS, *[tiff.PIXELS_AT] * count)]
    places.append(tiff.tag(tiff.STRIP_BYTES, *[len(strip)] * count))
    tags = tiff.plane(32, count, *places, tiff.tag(tiff.ROWS, 1), tiff.tag(tiff.COMPRESSION, compression))
    return tiff.write([tags], strip)


def _tags(count: int, length: int) -> bytes:
    sound = [tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT), tiff.tag(tiff.ROWS, 48), tiff.tag(tiff.STRIP_BYTES, 64 * 48)]
    more = [tiff.Tag(1000 + number, 2, length, struct.pack("<I", 8)) for number in range(count)]
    return tiff.write([tiff.plane(64, 48, *sound, *more)], bytes(64 * 48))


def _pages() -> bytes:
    sound = [tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT), tiff.tag(tiff.ROWS, 48), tiff.tag(tiff.STRIP_BYTES, 64 * 48)]
    return tiff.write([tiff.plane(64, 48, *sound)] * 4_000, bytes(64 * 48))


def _long_tag(kind: int) -> bytes:
    count = (FULL - 5000) // tiff.SIZES[kind]
    block = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 700, kind, count, 26, 0)
    block += b"\x01" * (count * tiff.SIZES[kind])
    return png.with_chunks(all_samples()["PNG"]["sixteen bits"], png.chunk(b"eXIf", block))


@cache
def _zeros(size: int) -> bytes:
    """Zeros, packed, without making them all at once."""
    packer, piece = zlib.compressobj(9), bytes(10**6)
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


def _tile(side: int) -> bytes:
    packed = _zeros(side * side // 10**6 * 10**6 + 10**6)
    places = [tiff.tag(tiff.TILE_OFFSETS, tiff.PIXELS_AT), tiff.tag(tiff.TILE_BYTES, len(packed))]
    size = [tiff.tag(tiff.TILE_WIDTH, side), tiff.tag(tiff.TILE_HEIGHT, side), tiff.tag(tiff.COMPRESSION, 8)]
    return tiff.write([tiff.plane(64, 64, *places, *size)], packed)


def _strip(rows: int) -> bytes:
    packed = _zeros(10**9)
    places = [tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT), tiff.tag(tiff.STRIP_BYTES, len(packed))]
    tags = tiff.plane(64, 64, *places, tiff.tag(tiff.ROWS, rows), tiff.tag(tiff.COMPRESSION, 8))
    return tiff.write([tags], packed)


def _png_of(size: int) -> bytes:
    return png.SIGNATURE + png.header(64, 64) + png.chunk(b"IDAT", _zeros(size)) + png.chunk(b"IEND")


def _png_with(kind: bytes, size: int) -> bytes:
    head = {b"iCCP": b"a\x00\x00", b"zTXt": b"a\x00\x00", b"iTXt": b"a\x00\x01\x00\x00\x00"}[kind]
    return png.with_chunks(all_samples()["PNG"]["grey"], png.chunk(kind, head + _zeros(size)))
