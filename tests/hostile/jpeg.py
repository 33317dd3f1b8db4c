"""JPEG files: segments, scans, and where their parts begin."""

import re
import struct
from collections.abc import Iterator

_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})
_NEXT = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
FRAMES = (0xC0, 0xC1, 0xC2)


def segment(marker: int, data: bytes = b"") -> bytes:
    """Return a segment with its length."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(data: bytes, segments: bytes) -> bytes:
    """Put segments behind JFIF's own, or behind the start where there is none."""
    at = 20 if data[3] == 0xE0 else 2
    return data[:at] + segments + data[at:]


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning."""
    at = number = 0
    while at + 2 <= len(data):
        marker = data[at + 1]
        name = f"{number} {marker:02X}"
        yield f"{name} marker", at
        number += 1
        if marker in _ALONE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            yield f"{name} length", at + 2
            yield f"{name} data", at + 4
            yield f"{name} middle", at + 2 + length // 2
            at += 2 + length
        if marker == SOS:
            found = _NEXT.search(data, at)
            end = found.start() if found else len(data)
            yield f"{name} pixels", at
            yield f"{name} half of its pixels", (at + end) // 2
            at = end


def frame(data: bytes) -> int:
    """Return where the frame's segment begins, which tells size and components."""
    return next(at for name, at in parts(data) if name.endswith("marker") and data[at + 1] in FRAMES)


def scans(width: int, height: int, count: int) -> bytes:
    """Write a progressive file of one component, whose passes over all of its pixels take a few bytes each."""
    blocks = -(-width // 8) * -(-height // 8)
    lengths = bytes([1, *[0] * 15])  # one code, of one bit
    start = (
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *[1] * 64]))
        + segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0]))
        + segment(0xC4, bytes([0x00]) + lengths + bytes([0x00]))  # of DC: no difference
        + segment(0xC4, bytes([0x10]) + lengths + bytes([0xE0]))  # of AC: no more until 2¹⁴ + so many blocks on
    )
    first = segment(SOS, bytes([1, 1, 0x00, 0, 0, 0])) + _bits("0" * blocks)
    again = segment(SOS, bytes([1, 1, 0x00, 1, 63, 0])) + _bits(("0" + "1" * 14) * -(-blocks // 32_767))
    return start + first + again * (count - 1) + b"\xff\xd9"


def _bits(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
