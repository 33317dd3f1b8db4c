"""PNG files: a writer of every kind there is, and where their parts begin."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16)]
KINDS += [(6, 8), (6, 16)]  # colour type and depth: all of the specification's
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk with its length and its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, depth: int = 8, colour: int = 0, interlace: int = 0) -> bytes:
    """Return the first chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def write(
    colour: int, depth: int, *, interlace: bool = False, before: bytes = b"", filtering: int = 0, level: int = 6
) -> bytes:
    """Write noise of a colour type and depth.

    Parameters
    ----------
    before : bytes
        Chunks between the palette and the pixels.
    filtering : int
        The filter that each row says that it has; the rows are noise whichever it is.
    """
    height, width, channels = 40, 56, CHANNELS[colour]
    values = np.random.default_rng(colour * 100 + depth).integers(0, 2**depth, (height, width, channels))
    passes = [values[y::down, x::across] for y, x, down, across in ADAM7] if interlace else [values]
    rows = b"".join(bytes([filtering]) + _packed(row, depth) for plane in passes for row in plane)
    palette = chunk(b"PLTE", bytes(range(3 * 2**depth)) if depth < 8 else bytes(768)) if colour == 3 else b""
    return (
        SIGNATURE
        + header(width, height, depth, colour, int(interlace))
        + palette
        + before
        + chunk(b"IDAT", zlib.compress(rows, level))
        + chunk(b"IEND")
    )


def _packed(row: npt.NDArray[np.int64], depth: int) -> bytes:
    flat = row.reshape(-1)
    if depth == 16:
        return flat.astype(">u2").tobytes()
    bits = (flat[:, np.newaxis] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def with_chunks(data: bytes, chunks: bytes) -> bytes:
    """Put chunks behind the header."""
    return data[:33] + chunks + data[33:]


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning."""
    yield "signature", 0
    at, number = len(SIGNATURE), 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        name = f"{number} {kind.decode()}"
        yield f"{name} length", at
        yield f"{name} type", at + 4
        yield f"{name} data", at + 8
        yield f"{name} middle", at + 8 + length // 2
        yield f"{name} sum", at + 8 + length
        at, number = at + 12 + length, number + 1


def mended(data: bytes) -> bytes:
    """Put right the sums of all chunks that can still be found, so that damage gets past them."""
    whole, at = bytearray(data), len(SIGNATURE)
    while at + 12 <= len(whole):
        (length,) = struct.unpack_from(">I", whole, at)
        end = at + 8 + length
        if end + 4 > len(whole):
            break
        struct.pack_into(">I", whole, end, zlib.crc32(whole[at + 4 : end]))
        at = end + 4
    return bytes(whole)
