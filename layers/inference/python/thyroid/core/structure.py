"""Limits the number of parts of an image file, before a decoder reads them.

A file of a few megabytes can hold far more parts than an image needs, and each part costs the decoder time: half a
million segments that are joined one by one, ten thousand colour profiles that are inflated, a hundred thousand passes
over the same pixels. The decoders themselves have no such limit. This module only counts parts. The decoder checks
everything else.
"""

import re
import struct
from collections.abc import Callable

from thyroid.core import formats
from thyroid.errors import UnreadableImageError

# Each limit is far above what real files have, and costs a decoder less than a second.
MAX_CHUNKS = 65_536  # of PNG; 32 MB in chunks of 8 kB are 4,096
MAX_PROFILES = 16  # of PNG, which may have one; each inflates to a megabyte
MAX_SEGMENTS = 1_000  # of JPEG; the largest colour profile takes 255, and a scan some four
JUNK = 1_000  # bytes between segments of JPEG count as one segment; decoders read them one by one
MAX_SCANS = 100  # of JPEG, each a pass over the whole image; progressive files have about ten
MAX_BLOCKS = 65_536  # of GIF, before its first frame
MAX_TAGS = 512  # of TIFF; about twenty are usual, and libtiff may print a line for each
MAX_STRIPS = 65_536  # or tiles of TIFF
MAX_READ = 16  # times the bytes of a TIFF, by all of its strips; strips should not overlap, but some writers err

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # restart markers are a part of the scan
_MARKERS_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # no length follows them
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA

_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B
_LENGTHS = frozenset({279, 325})  # of strips and of tiles
_PARTS = frozenset({273, 324, *_LENGTHS})
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 16: "Q", 17: "Q"}  # TIFF's types; signed ones as unsigned


def check(data: bytes) -> None:
    """Refuse a file of more parts than any image needs.

    Parameters
    ----------
    data : bytes
        A file of any format, or of none.

    Raises
    ------
    UnreadableImageError
        If the file has too many parts. Of a truncated or damaged file those that can be found are counted.
    """
    for image_format in formats.FORMATS:
        has_too_many = _RULES.get(image_format.name)
        if has_too_many and data.startswith(image_format.signatures) and has_too_many(data):
            raise UnreadableImageError("The image file has too many parts; save the image again.")


def _png_has_too_many(data: bytes) -> bool:
    chunks = profiles = 0
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks += 1
        profiles += kind == b"iCCP"
        if chunks > MAX_CHUNKS or profiles > MAX_PROFILES:
            return True
        if kind == b"IEND":  # what follows is not read
            break
        at += 12 + length
    return False


def _jpeg_has_too_many(data: bytes) -> bool:
    segments = scans = 0
    at = 2
    while found := (_MARKER_IN_SCAN if scans else _MARKER).search(data, at):
        segments += 1 if scans else 1 + (found.start() - at) // JUNK
        marker, at = data[found.end() - 1], found.end()
        scans += marker == _START_OF_SCAN
        if segments > MAX_SEGMENTS or scans > MAX_SCANS:
            return True
        if marker == _END_OF_IMAGE:
            break
        if marker not in _MARKERS_ALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return False


def _gif_has_too_many(data: bytes) -> bool:
    blocks = 0
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    while at < len(data) and data[at] not in (_GIF_IMAGE, _GIF_TRAILER):
        blocks += 1
        at += 1
        if data[at - 1] == _GIF_EXTENSION:
            at += 1
            while at < len(data) and data[at]:
                blocks += 1
                at += 1 + data[at]
                if blocks > MAX_BLOCKS:
                    return True
            at += 1
        if blocks > MAX_BLOCKS:
            return True
    return False


def _tiff_has_too_many(data: bytes) -> bool:
    order = "<" if data.startswith(b"I") else ">"
    big = data[2:3] == b"+"  # Pillow takes a BigTIFF of the other byte order for a TIFF
    start, count, entry = (
        (struct.Struct(order + "8xQ"), struct.Struct(order + "Q"), struct.Struct(order + "HHQQ"))
        if big
        else (struct.Struct(order + "4xI"), struct.Struct(order + "H"), struct.Struct(order + "HHII"))
    )
    if len(data) < start.size:
        return False
    (at,) = start.unpack_from(data)
    if at + count.size > len(data):
        return False
    (tags,) = count.unpack_from(data, at)
    if tags > MAX_TAGS:
        return True
    at += count.size
    whole = min(tags, (len(data) - at) // entry.size)
    for tag, kind, values, offset in entry.iter_unpack(data[at : at + whole * entry.size]):
        if tag in _PARTS and values > MAX_STRIPS:
            return True
        if tag in _LENGTHS and kind in _INTEGERS and values > MAX_READ:  # fewer cannot be too long together
            integer = struct.Struct(order + _INTEGERS[kind])
            there = data[offset : offset + values * integer.size]
            lengths = integer.iter_unpack(there[: len(there) // integer.size * integer.size])
            if sum(min(length, len(data)) for (length,) in lengths) > MAX_READ * len(data):
                return True
    return False


# Name of a format to its rule. Formats without one have no parts that a decoder repeats work for.
_RULES: dict[str, Callable[[bytes], bool]] = {
    "PNG": _png_has_too_many,
    "JPEG": _jpeg_has_too_many,
    "GIF": _gif_has_too_many,
    "TIFF": _tiff_has_too_many,
}
