"""How many parts a picture file is made of, counted before a decoder walks through them.

A few megabytes can hold more parts than any picture needs, each of which costs its reader something: half a million
segments to be joined one by one, ten thousand colour profiles to be inflated, a hundred thousand passes over the same
pixels. The decoders have no limit of their own for these. Here only parts are counted, and nothing else is judged:
whatever is odd about a file otherwise is the decoder's to say.
"""

import re
import struct
from collections.abc import Callable

from thyroid.errors import UnreadableImageError

# Each is far above what is met in real files, and costs a decoder less than a second.
MOST_CHUNKS = 65_536  # of PNG; 32 MB in chunks of 8 kB are 4,096
MOST_PROFILES = 16  # of PNG, which may have one; each inflates to a megabyte
MOST_SEGMENTS = 1_000  # of JPEG; the largest colour profile takes 255, and a scan some four
JUNK = 1_000  # bytes between segments of JPEG, which are read one by one, count as a segment
MOST_SCANS = 100  # of JPEG, each a pass over all of the picture; progressive files have about ten
MOST_BLOCKS = 65_536  # of GIF, before its first frame
MOST_TAGS = 512  # of TIFF; some twenty are the rule, and libtiff may print a line for each
MOST_STRIPS = 65_536  # or tiles of TIFF
MOST_READ = 16  # times the bytes of a TIFF, by all of its strips; they are not to overlap, but some writers err

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # restart markers are a part of the scan
_MARKERS_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # no length stands behind them
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA

_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B
_LENGTHS = frozenset({279, 325})  # of strips and of tiles
_PARTS = frozenset({273, 324, *_LENGTHS})
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 16: "Q", 17: "Q"}  # TIFF's types; a sign makes it too many


def check(data: bytes) -> None:
    """Refuse a file of more parts than any picture has.

    Parameters
    ----------
    data : bytes
        A file of any format, or of none.

    Raises
    ------
    UnreadableImageError
        If it has too many; a file that is cut off or damaged has as many as can be found.
    """
    for signatures, has_too_many in _RULES.items():
        if data.startswith(signatures) and has_too_many(data):
            raise UnreadableImageError("The picture's file is made of too many parts; save the picture anew.")


def _png_has_too_many(data: bytes) -> bool:
    chunks = profiles = 0
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks += 1
        profiles += kind == b"iCCP"
        if chunks > MOST_CHUNKS or profiles > MOST_PROFILES:
            return True
        if kind == b"IEND":  # what follows is not looked at
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
        if segments > MOST_SEGMENTS or scans > MOST_SCANS:
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
                if blocks > MOST_BLOCKS:
                    return True
            at += 1
        if blocks > MOST_BLOCKS:
            return True
    return False


def _tiff_has_too_many(data: bytes) -> bool:
    order = "<" if data.startswith(b"I") else ">"
    big = data[2:3] == b"+"  # of the other byte order Pillow reads no BigTIFF, but takes it for TIFF
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
    if tags > MOST_TAGS:
        return True
    at += count.size
    whole = min(tags, (len(data) - at) // entry.size)
    for tag, kind, values, place in entry.iter_unpack(data[at : at + whole * entry.size]):
        if tag in _PARTS and values > MOST_STRIPS:
            return True
        if tag in _LENGTHS and kind in _INTEGERS and values > MOST_READ:  # fewer cannot be too long together
            integer = struct.Struct(order + _INTEGERS[kind])
            there = data[place : place + values * integer.size]
            lengths = integer.iter_unpack(there[: len(there) // integer.size * integer.size])
            if sum(min(length, len(data)) for (length,) in lengths) > MOST_READ * len(data):
                return True
    return False


_RULES: dict[tuple[bytes, ...], Callable[[bytes], bool]] = {
    (b"\x89PNG\r\n\x1a\n",): _png_has_too_many,
    (b"\xff\xd8\xff",): _jpeg_has_too_many,
    (b"GIF87a", b"GIF89a"): _gif_has_too_many,
    (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+"): _tiff_has_too_many,
}
