"""GIF files: blocks, and where their parts begin."""

import struct
from collections.abc import Iterator

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B


def palette_end(data: bytes) -> int:
    """Return where the blocks begin."""
    return 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)


def with_blocks(data: bytes, blocks: bytes) -> bytes:
    """Put blocks before the first frame's."""
    return data[: palette_end(data)] + blocks + data[palette_end(data) :]


def blocks(data: bytes) -> bytes:
    """Return data in blocks of 255 bytes, and the empty one that ends them."""
    pieces = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\x00"


def image(left: int, top: int, width: int, height: int, flags: int = 0) -> bytes:
    """Return the head of a frame, without its pixels."""
    return bytes([IMAGE]) + struct.pack("<HHHHB", left, top, width, height, flags)


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning."""
    yield from (("signature", 0), ("version", 3), ("screen", 6), ("flags", 10), ("palette", 13))
    at, number = palette_end(data), 0
    while at < len(data):
        kind = data[at]
        name = f"{number} {kind:02X}"
        yield f"{name} introducer", at
        number += 1
        if kind == EXTENSION:
            at += 2
        elif kind == IMAGE:
            yield f"{name} size", at + 5
            flags = data[at + 9]
            at += 10 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
            yield f"{name} code size", at
            at += 1
        else:
            return
        count = 0
        while data[at]:
            yield f"{name} block {count}", at
            yield f"{name} middle of block {count}", at + 1 + data[at] // 2
            at, count = at + 1 + data[at], count + 1
        yield f"{name} end", at
        at += 1
