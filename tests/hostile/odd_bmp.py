"""BMP files of every header, depth and order of rows that there is."""

from collections.abc import Iterator

from tests.hostile import bmp
from tests.hostile.case import ANSWERED, Case, case

FAMILY = "odd but valid: BMP"
TOP_DOWN = (bmp.WIDTH, -bmp.HEIGHT)
RGB565, RGB555 = (0xF800, 0x07E0, 0x001F), (0x7C00, 0x03E0, 0x001F)


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in _files():
        yield case(FAMILY, f"BMP {name}", data, ANSWERED)


def _files() -> Iterator[tuple[str, bytes]]:
    for bits in (1, 4, 8, 24):
        yield f"OS/2 of {bits} bits", bmp.write(bits, header=12)
    for header in (40, 64, 108, 124):
        for bits in (1, 4, 8, 16, 24, 32):
            yield f"header {header} of {bits} bits", bmp.write(bits, header=header)
            yield f"header {header} of {bits} bits, top row first", bmp.write(bits, header=header, size=TOP_DOWN)
    for name, masks in (("565", RGB565), ("555", RGB555)):
        yield f"masks {name}", bmp.write(16, header=52, compression=bmp.MASKS, masks=masks)
        yield f"masks {name} and one of alpha", bmp.write(16, header=56, compression=bmp.MASKS, masks=(*masks, 0))
    wide = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield "masks of 32 bits", bmp.write(32, header=124, compression=bmp.MASKS, masks=wide)
    yield "masks of 32 bits, no alpha", bmp.write(32, header=124, compression=bmp.MASKS, masks=(*wide[:3], 0))
    end = b"\x00\x01"
    lines = {
        "runs": bytes([bmp.WIDTH, 7]),
        "short runs": bytes([1, 7]) * bmp.WIDTH,
        "one by one": bytes([0, bmp.WIDTH]) + bytes(range(bmp.WIDTH)),
        "jumps": bytes([8, 7, 0, 2, 40, 0, 8, 9]),
    }
    for name, line in lines.items():
        pixels = (line + b"\x00\x00") * bmp.HEIGHT + end
        yield f"eight bits in {name}", bmp.write(8, compression=bmp.RLE8, pixels=pixels)
    halves = bytes([bmp.WIDTH, 0x12])
    yield "four bits in runs", bmp.write(4, compression=bmp.RLE4, pixels=(halves + b"\x00\x00") * bmp.HEIGHT + end)
    yield "with bytes behind its end", bmp.write(24) + bytes(1_000_000)
