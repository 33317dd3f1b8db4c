"""Files with a bit, a byte or a stretch of them changed, at places that a seed chooses."""

from collections.abc import Iterator

import numpy as np

from tests.hostile import png
from tests.hostile.case import ANY, Case, case
from tests.hostile.samples import all_samples

FAMILY = "damaged"
BITS, BYTES, STRETCHES = 16, 8, 4  # of each sample


def cases() -> Iterator[Case]:
    """Yield all of them; a damaged PNG comes once with sums that tell of it, and once with sums that do not."""
    for kind, samples in all_samples().items():
        for number, (sample, data) in enumerate(samples.items()):
            for name, broken in damaged(data, seed=number):
                yield case(FAMILY, f"{kind} {sample}, {name}", broken, ANY)
                if kind == "PNG":
                    yield case(FAMILY, f"{kind} {sample}, {name}, sums mended", png.mended(broken), ANY)


def damaged(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged copies by name, half of them damaged near their beginning, where the structure is."""
    rng = np.random.default_rng([seed, len(data)])
    for number in range(BITS):
        near = min(len(data), 128) if number % 2 else len(data)
        at, bit = int(rng.integers(near)), int(rng.integers(8))
        yield f"bit {bit} of byte {at} ({number})", data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    for number in range(BYTES):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 2 ** (number % 5)):
            broken[at] = int(rng.integers(256))
        yield f"bytes at random ({number})", bytes(broken)
    for number in range(STRETCHES):
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 64))
        filling = (bytes(length), b"\xff" * length, rng.bytes(length), b"")[number]
        yield f"{length} bytes from byte {at} on replaced ({number})", data[:at] + filling + data[at + length :]
