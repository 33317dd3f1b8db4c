"""TIFF files: a writer of any tags, and where their parts begin."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
SHORT, LONG, RATIONAL = 3, 4, 5
WIDTH_TAG, HEIGHT_TAG, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS, STRIP_BYTES = 273, 277, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325


@dataclass(frozen=True)
class Tag:
    """A tag: its number, type, count, and its value as the file has it, or where that lies."""

    number: int
    kind: int
    count: int
    value: bytes


def tag(number: int, *values: int, kind: int = LONG, order: str = "<") -> Tag:
    """Return a tag of whole numbers."""
    letter = {1: "B", 3: "H", 4: "I", 16: "Q"}[kind]
    return Tag(number, kind, len(values), struct.pack(f"{order}{len(values)}{letter}", *values))


def plane(width: int, height: int, *more: Tag, order: str = "<") -> list[Tag]:
    """Return the tags of a plain grey image of 8 bits, with others, or others' values in their place."""
    usual = {WIDTH_TAG: width, HEIGHT_TAG: height, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: 1, SAMPLES: 1}
    tags = {number: tag(number, value, order=order) for number, value in usual.items()}
    return list((tags | {one.number: one for one in more}).values())


def write(pages: Sequence[Sequence[Tag]], pixels: bytes = b"", *, order: str = "<", big: bool = False) -> bytes:
    """Write a file: its pixels first, at byte 16, then each page's values and directory."""
    offset, entry = (order + "Q", order + "HHQ") if big else (order + "I", order + "HHI")
    inline = 8 if big else 4
    body = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42))
    body += struct.pack(order + "HHQ", 8, 0, 0) if big else bytes(12)
    pointer = 8 if big else 4
    body += pixels
    for tags in pages:
        entries = b""
        for one in sorted(tags, key=lambda one: one.number):
            value = one.value
            if len(value) > inline:
                body += bytes(len(body) % 2)
                value, at = b"", len(body)
                body += one.value
                value = struct.pack(offset, at)
            entries += struct.pack(entry, one.number, one.kind, one.count) + value.ljust(inline, b"\x00")
        body += bytes(len(body) % 2)
        struct.pack_into(offset, body, pointer, len(body))
        body += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries
        pointer = len(body)
        body += bytes(inline)
    return bytes(body)


PIXELS_AT = 16


@dataclass(frozen=True)
class Entry:
    """A tag where it stands in a file."""

    number: int
    kind: int
    count: int
    at: int
    value_at: int


def entries(data: bytes) -> Iterator[Entry]:
    """Yield the tags of the first directory of a file that is no BigTIFF."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        number, kind, values, value = struct.unpack_from(order + "HHII", data, at)
        inline = SIZES.get(kind, 1) * values <= 4
        yield Entry(number, kind, values, at, at + 8 if inline else value)


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning, of the first page."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    yield from (("order", 0), ("version", 2), ("directory's place", 4), ("first byte", 8), ("directory", start))
    end = start + 2
    for one in entries(data):
        name = f"tag {one.number}"
        yield f"{name} number", one.at
        yield f"{name} type", one.at + 2
        yield f"{name} count", one.at + 4
        yield f"{name} value", one.at + 8
        if one.value_at != one.at + 8:
            yield f"{name} value elsewhere", one.value_at
            yield f"{name} end of its value", one.value_at + SIZES.get(one.kind, 1) * one.count
        if one.number in (STRIP_OFFSETS, TILE_OFFSETS) and one.count == 1:
            yield f"{name} pixels", struct.unpack_from(order + "I", data, one.at + 8)[0]
        end = one.at + 12
    yield "next directory's place", end
    yield "end of the directory", end + 4


def changed(data: bytes, number: int, **to: int) -> bytes:
    """Change type, count or value of a tag as it stands in its directory."""
    order = "<" if data[:2] == b"II" else ">"
    one = next(one for one in entries(data) if one.number == number)
    (value,) = struct.unpack_from(order + "I", data, one.at + 8)
    new = replace(one, kind=to.get("kind", one.kind), count=to.get("count", one.count))
    field = struct.pack(order + "HHII", new.number, new.kind, new.count, to.get("value", value))
    return data[: one.at] + field + data[one.at + 12 :]
