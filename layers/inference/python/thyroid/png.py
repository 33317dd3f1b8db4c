"""Pictures to PNG files, quickly: an answer holds three of them, and Pillow took longer for these than the network.

Pillow tries five filters on each row. Here one is taken for the whole picture, which on ultrasound gives as few bytes
(measured on phantoms: half the time, 2 % fewer bytes for the overlay; a third of the time for grey).
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3  # colour types (PNG, 3rd edition, 11.2.1)
_AS_IT_IS, _LESS_THE_LEFT, _LESS_THE_UPPER = 0, 1, 2  # filters (9.2)
_FASTEST = 1  # of zlib's levels


def encode(pixels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8] | None = None) -> bytes:
    """Return a picture as a PNG file.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8. RGB of shape (height, width, 3), or grey levels or places in the palette, shape (height, width).
    palette : numpy.ndarray, optional
        RGB of each place, uint8, shape (256, 3).
    """
    if palette is not None:
        # Smooth planes of few colours: whole runs are alike as they are.
        return _file(pixels, _PALETTE, _AS_IT_IS, zlib.Z_DEFAULT_STRATEGY, _chunk(b"PLTE", palette.tobytes()))
    if pixels.ndim == 2:
        # Speckle has no strings that come again; looking for them costs most of the time.
        return _file(pixels, _GREY, _LESS_THE_LEFT, zlib.Z_RLE)
    return _file(pixels, _RGB, _LESS_THE_UPPER, zlib.Z_DEFAULT_STRATEGY)


def _file(pixels: npt.NDArray[np.uint8], colour: int, filtered: int, strategy: int, more: bytes = b"") -> bytes:
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    packed = packer.compress(_rows(pixels, filtered).data) + packer.flush()
    return _SIGNATURE + _chunk(b"IHDR", header) + more + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _rows(pixels: npt.NDArray[np.uint8], filtered: int) -> npt.NDArray[np.uint8]:
    """Return the rows behind the filter's number, less what the filter takes away; that wraps around."""
    height, width = pixels.shape[:2]
    bytes_a_pixel = pixels.size // (height * width)
    rows = np.empty((height, 1 + width * bytes_a_pixel), np.uint8)
    rows[:, 0] = filtered
    values = rows[:, 1:]
    values[:] = pixels.reshape(height, -1)
    if filtered == _LESS_THE_LEFT:
        values[:, bytes_a_pixel:] -= pixels.reshape(height, -1)[:, :-bytes_a_pixel]
    elif filtered == _LESS_THE_UPPER:
        values[1:] -= pixels.reshape(height, -1)[:-1]
    return rows


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
