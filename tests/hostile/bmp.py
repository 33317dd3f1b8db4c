"""BMP files: a writer of every header, and where their parts begin."""

import struct
from collections.abc import Iterator

import numpy as np

WIDTH, HEIGHT = 56, 40
HEADERS = (12, 40, 52, 56, 64, 108, 124)  # OS/2's first, Windows', with masks, OS/2's second, versions 4 and 5
PLAIN, RLE8, RLE4, MASKS = range(4)


def write(
    bits: int,
    *,
    header: int = 40,
    compression: int = PLAIN,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    masks: tuple[int, ...] = (),
    pixels: bytes | None = None,
) -> bytes:
    """Write an image, of noise where no pixels are given; a negative height says that its top row comes first."""
    width, height = size
    colours = 2**bits if bits <= 8 else 0
    palette = (
        b"".join(bytes([level] * 3 + [0])[: 3 if header == 12 else 4] for level in range(0, 256, 256 // colours))
        if colours
        else b""
    )
    if pixels is None:
        row = -(-width * bits // 32) * 4
        pixels = np.random.default_rng(bits).integers(0, 256, row * abs(height), dtype=np.uint8).tobytes()
    told = struct.pack("<I", header)
    if header == 12:
        told += struct.pack("<HHHH", width, height, 1, bits)
    else:
        told += struct.pack("<iiHHIIiiII", width, height, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
    told += b"".join(struct.pack("<I", mask) for mask in masks)
    told = told.ljust(header, b"\x00")
    start = 14 + len(told) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + told + palette + pixels


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning."""
    yield from (("signature", 0), ("file size", 2), ("reserved", 6), ("offset", 10), ("header", 14), ("size", 18))
    yield from (("planes", 26), ("compression", 30), ("resolution", 38), ("colours", 46))
    start, header = struct.unpack_from("<II", data, 10)
    yield "palette", 14 + header
    for share in range(8):
        yield f"pixels {share} eighths", start + (len(data) - start) * share // 8
