"""WebP files: chunks, and where their parts begin."""

import struct
from collections.abc import Iterator


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk with its length, filled up to an even one."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def riff(chunks: bytes) -> bytes:
    """Return a file of these chunks."""
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def extended(flags: int, width: int, height: int) -> bytes:
    """Return the chunk that says what others there are, and how large the canvas is."""
    return chunk(
        b"VP8X", struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )


def chunks(data: bytes, at: int = 12, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, place and length of each chunk."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, at, length
        at += 8 + length + length % 2


def parts(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each part's beginning."""
    yield from (("RIFF", 0), ("length", 4), ("WEBP", 8))
    yield from _parts(data, 12, len(data), "")


def _parts(data: bytes, start: int, end: int, outer: str) -> Iterator[tuple[str, int]]:
    for number, (kind, at, length) in enumerate(chunks(data, start, end)):
        name = f"{outer}{number} {kind.decode()}"
        yield f"{name} type", at
        yield f"{name} length", at + 4
        yield f"{name} data", at + 8
        yield f"{name} middle", at + 8 + length // 2
        if kind == b"ANMF":
            yield from _parts(data, at + 24, at + 8 + length, f"{name} ")
