"""Encodes images as PNG files, quickly. A response holds three, and Pillow took longer for these than the network.

Pillow tries five filters on each row. This module uses one filter for all rows, the difference to the pixel on the
left. On ultrasound, with a map or without, the files are no larger (measured on phantoms: half the time and 2 % fewer
bytes for the overlay; a third of the time for grey; a third fewer bytes for the heatmap than without a filter).
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3  # colour types (PNG, 3rd edition, 11.2.1)
_SUB = 1  # filter (9.2)
_FASTEST = 1  # of zlib's levels


def encode(pixels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8] | None = None) -> bytes:
    """Return an image as a PNG file.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8. RGB of shape (height, width, 3), or grey levels or palette indices, shape (height, width).
    palette : numpy.ndarray, optional
        RGB of each index, uint8, shape (256, 3).
    """
    if palette is not None:
        return _file(pixels, _PALETTE, zlib.Z_DEFAULT_STRATEGY, _chunk(b"PLTE", palette.tobytes()))
    if pixels.ndim == 2:
        # Speckle has hardly any repeated strings, and the search for them would take most of the time.
        return _file(pixels, _GREY, zlib.Z_RLE)
    return _file(pixels, _RGB, zlib.Z_DEFAULT_STRATEGY)


def _file(pixels: npt.NDArray[np.uint8], colour: int, strategy: int, more: bytes = b"") -> bytes:
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    packed = packer.compress(_rows(pixels).data) + packer.flush()
    return _SIGNATURE + _chunk(b"IHDR", header) + more + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _rows(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the filtered rows: the filter's number, then each pixel minus the one on its left, modulo 256."""
    height, width = pixels.shape[:2]
    values = pixels.reshape(height, -1)
    step = values.shape[1] // width
    rows = np.empty((height, 1 + values.shape[1]), np.uint8)
    rows[:, 0] = _SUB
    rows[:, 1:] = values
    rows[:, 1 + step :] -= values[:, :-step]
    return rows


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
