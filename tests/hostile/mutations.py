"""Mutations that a fuzzer chooses: of bytes, of fields, of whole parts, and of one format with another."""

import struct
from functools import cache

from hypothesis import strategies as st

from tests.hostile import png
from tests.hostile.boundaries import boundaries
from tests.hostile.dressed import SIGNATURES
from tests.hostile.samples import all_samples

BOUNDS = (0, 1, 2, 31, 32, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONGEST = 64  # bytes, of what is put in


@cache
def seeds() -> list[tuple[str, bytes, tuple[int, ...]]]:
    """Return format, bytes and boundaries of each sample."""
    return [
        (kind, data, tuple(sorted(at for _, at in boundaries(kind, data) if at < len(data))))
        for kind, samples in all_samples().items()
        for data in samples.values()
    ]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a sample with one to four mutations."""
    kind, data, places = draw(st.sampled_from(seeds()))
    for _ in range(draw(st.integers(1, 4))):
        mutation = draw(st.sampled_from([_byte, _field, _left_out, _twice, _put_in, _cut, _spliced]))
        data = mutation(draw, data, [at for at in places if at < len(data)] or [0])
        if not data:
            break
    return png.mended(data) if kind == "PNG" and draw(st.booleans()) else data


def anything() -> st.SearchStrategy[bytes]:
    """Draw any bytes, most of them behind the first bytes of a format."""
    return st.builds(bytes.__add__, st.sampled_from([b"", *SIGNATURES.values()]), st.binary(max_size=200))


def _byte(draw: st.DrawFn, data: bytes, _places: list[int]) -> bytes:
    at = draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]


def _field(draw: st.DrawFn, data: bytes, places: list[int]) -> bytes:
    """Set a field of one, two or four bytes, at or near a boundary, to a bound."""
    at = min(draw(st.sampled_from(places)) + draw(st.integers(0, 12)), len(data) - 1)
    size, letter = draw(st.sampled_from([(1, "B"), (2, ">H"), (2, "<H"), (4, ">I"), (4, "<I")]))
    value = draw(st.sampled_from(BOUNDS)) % 256**size
    return data[:at] + struct.pack(letter, value) + data[at + size :]


def _part(draw: st.DrawFn, data: bytes, places: list[int]) -> tuple[int, int]:
    one, other = draw(st.sampled_from(places)), draw(st.sampled_from([*places, len(data)]))
    return min(one, other), max(one, other)


def _left_out(draw: st.DrawFn, data: bytes, places: list[int]) -> bytes:
    start, end = _part(draw, data, places)
    return data[:start] + data[end:]


def _twice(draw: st.DrawFn, data: bytes, places: list[int]) -> bytes:
    start, end = _part(draw, data, places)
    return data[:end] + data[start:]


def _put_in(draw: st.DrawFn, data: bytes, places: list[int]) -> bytes:
    at = draw(st.sampled_from(places))
    return data[:at] + draw(st.binary(max_size=LONGEST)) + data[at:]


def _cut(draw: st.DrawFn, data: bytes, _places: list[int]) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _spliced(draw: st.DrawFn, data: bytes, places: list[int]) -> bytes:
    """Go on with another sample, from one of its boundaries on."""
    _, other, others = draw(st.sampled_from(seeds()))
    return data[: draw(st.sampled_from(places))] + other[draw(st.sampled_from(others)) :]
