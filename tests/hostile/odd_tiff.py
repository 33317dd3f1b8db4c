"""TIFF files of every layout, compression and kind of number that is taken, and some that are not."""

import itertools
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.hostile import tiff
from tests.hostile.case import ANSWERED, UNREADABLE, Case, case
from tests.hostile.samples import exif, sample_image
from tests.images import saved

FAMILY = "odd but valid: TIFF"
NO_WHITE = "32 bits a value: TIFF"
WIDTH, HEIGHT = 64, 48
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in itertools.chain(_compressed(), _laid_out(), _of_numbers()):
        yield case(FAMILY, f"TIFF {name}", data, ANSWERED)
    for kind in (np.float32, np.int32):
        data = saved(Image.fromarray(NOISE.astype(kind)), "TIFF")
        yield case(NO_WHITE, f"TIFF {kind.__name__}", data, UNREADABLE)


def _compressed() -> Iterator[tuple[str, bytes]]:
    both = ("tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits", None)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"):
        for compression in both:
            yield f"{mode} {compression}", saved(sample_image(mode), "TIFF", compression=compression)
    for mode in ("L", "RGB"):
        yield f"{mode} as JPEG", saved(sample_image(mode), "TIFF", compression="jpeg")
        for compression in ("tiff_lzw", "tiff_adobe_deflate"):
            yield (
                f"{mode} {compression} of differences",
                saved(sample_image(mode), "TIFF", compression=compression, tiffinfo={317: 2}),
            )
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"fax {compression}", saved(sample_image("1"), "TIFF", compression=compression)
    sixteen = Image.fromarray(NOISE.astype(np.uint16) * 257)
    for compression in both:
        yield f"16 bits {compression}", saved(sixteen, "TIFF", compression=compression)
    others = [sample_image(seed=seed) for seed in (1, 2)]
    yield "of three pages", saved(sample_image(), "TIFF", save_all=True, append_images=others)
    yield "BigTIFF", saved(sample_image(), "TIFF", big_tiff=True)
    yield "turned", saved(sample_image(), "TIFF", exif=exif(6), compression="tiff_lzw")


def _laid_out() -> Iterator[tuple[str, bytes]]:
    for order, (packing, number) in itertools.product("<>", (("raw", 1), ("deflate", 8))):
        pack = zlib.compress if number == 8 else bytes
        for rows in (1, 7, HEIGHT, 2**32 - 1):
            strips = [pack(NOISE[top : top + rows].tobytes()) for top in range(0, HEIGHT, rows)]
            yield f"{packing} strips of {rows} rows {order}", _striped(strips, rows, number, order)
        for side in (16, 32, 64, 128):
            padded = np.zeros((-(-HEIGHT // side) * side, -(-WIDTH // side) * side), np.uint8)
            padded[:HEIGHT, :WIDTH] = NOISE
            tiles = [
                pack(padded[top : top + side, left : left + side].tobytes())
                for top in range(0, HEIGHT, side)
                for left in range(0, WIDTH, side)
            ]
            yield f"{packing} tiles of {side} {order}", _tiled(tiles, side, number, order)
    plane = NOISE.tobytes()
    colours = [tiff.tag(tiff.BITS, 8, 8, 8, kind=3), tiff.tag(tiff.PHOTOMETRIC, 2), tiff.tag(tiff.SAMPLES, 3)]
    places = [tiff.PIXELS_AT + number * len(plane) for number in range(3)]
    three = [tiff.tag(tiff.STRIP_OFFSETS, *places), tiff.tag(tiff.STRIP_BYTES, *[len(plane)] * 3)]
    apart = tiff.plane(WIDTH, HEIGHT, *colours, *three, tiff.tag(tiff.ROWS, HEIGHT), tiff.tag(284, 2))
    yield "planes apart", tiff.write([apart], plane * 3)


def _of_numbers() -> Iterator[tuple[str, bytes]]:
    for bits in (1, 2, 4, 8, 16):
        row = NOISE.tobytes()[: -(-WIDTH * bits // 8)] if bits < 16 else NOISE.tobytes()[: 2 * WIDTH]
        for photometric in (0, 1) if bits < 16 else (1,):
            tags = [tiff.tag(tiff.BITS, bits), tiff.tag(tiff.PHOTOMETRIC, photometric), *_strip(row * HEIGHT)]
            yield (
                f"{bits} bits, {('white', 'black')[photometric]} is 0",
                tiff.write([tiff.plane(WIDTH, HEIGHT, *tags)], row * HEIGHT),
            )
    for kind in (3, 4):
        tags = [tiff.tag(tiff.WIDTH_TAG, WIDTH, kind=kind), tiff.tag(tiff.HEIGHT_TAG, HEIGHT, kind=kind)]
        data = tiff.write([tiff.plane(WIDTH, HEIGHT, *tags, *_strip(NOISE.tobytes()))], NOISE.tobytes())
        yield f"size of type {kind}", data
    big = tiff.plane(
        WIDTH, HEIGHT, tiff.tag(tiff.STRIP_OFFSETS, 16, kind=16), tiff.tag(tiff.STRIP_BYTES, NOISE.size, kind=16)
    )
    yield "BigTIFF of long numbers", tiff.write([[*big, tiff.tag(tiff.ROWS, HEIGHT)]], NOISE.tobytes(), big=True)


def _strip(pixels: bytes) -> list[tiff.Tag]:
    return [
        tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT),
        tiff.tag(tiff.ROWS, HEIGHT),
        tiff.tag(tiff.STRIP_BYTES, len(pixels)),
    ]


def _striped(strips: list[bytes], rows: int, compression: int, order: str) -> bytes:
    tags = tiff.plane(
        WIDTH,
        HEIGHT,
        tiff.tag(tiff.COMPRESSION, compression, order=order),
        tiff.tag(tiff.STRIP_OFFSETS, *_places(strips), order=order),
        tiff.tag(tiff.ROWS, rows, order=order),
        tiff.tag(tiff.STRIP_BYTES, *map(len, strips), order=order),
        order=order,
    )
    return tiff.write([tags], b"".join(strips), order=order)


def _tiled(tiles: list[bytes], side: int, compression: int, order: str) -> bytes:
    tags = tiff.plane(
        WIDTH,
        HEIGHT,
        tiff.tag(tiff.COMPRESSION, compression, order=order),
        tiff.tag(tiff.TILE_WIDTH, side, order=order),
        tiff.tag(tiff.TILE_HEIGHT, side, order=order),
        tiff.tag(tiff.TILE_OFFSETS, *_places(tiles), order=order),
        tiff.tag(tiff.TILE_BYTES, *map(len, tiles), order=order),
        order=order,
    )
    return tiff.write([tags], b"".join(tiles), order=order)


def _places(pieces: list[bytes]) -> list[int]:
    return [tiff.PIXELS_AT + sum(map(len, pieces[:number])) for number in range(len(pieces))]
