"""GIF files that are odd and sound: interlaced, animated, frames beside their screen, comments."""

from collections.abc import Iterator

from tests.hostile import gif
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import sample_image
from tests.images import saved

FAMILY = "odd but valid: GIF"


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in _files():
        yield case(FAMILY, f"GIF {name}", data, ANSWERED)


def _files() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB"):
        for interlace in (0, 1):
            yield f"{mode}{' interlaced' * interlace}", saved(sample_image(mode), "GIF", interlace=interlace)
    for colours in (2, 3, 16, 255):
        yield f"of {colours} colours", saved(sample_image().quantize(colours), "GIF")
    plain = saved(sample_image("P"), "GIF", interlace=0)
    yield "of the first version", b"GIF87a" + plain[6:]
    for frames in (2, 40):
        images = [sample_image(seed=seed) for seed in range(frames)]
        for disposal in range(4):
            options = {"save_all": True, "append_images": images[1:], "disposal": disposal, "loop": 0}
            yield f"animated, {frames} frames, disposal {disposal}", saved(images[0], "GIF", **options)
    start = gif.palette_end(plain)
    at = next(at for name, at in gif.parts(plain) if name.endswith("2C introducer"))
    width, height = plain[at + 5] + 256 * plain[at + 6], plain[at + 7] + 256 * plain[at + 8]
    for left, top in ((0, 0), (5, 7), (100, 200)):
        moved = plain[:at] + gif.image(left, top, width, height, plain[at + 9]) + plain[at + 10 :]
        yield f"frame at {left}, {top}", moved
    wide = plain[:6] + (300).to_bytes(2, "little") + (200).to_bytes(2, "little") + plain[10:]
    yield "frame smaller than its screen", wide
    narrow = plain[:6] + (8).to_bytes(2, "little") * 2 + plain[10:]
    yield "frame larger than its screen", narrow
    yield "no palette at all", plain[:10] + bytes([plain[10] & 0x70]) + plain[11:13] + plain[start:]
    yield "no trailer", plain[:-1]
    yield "with bytes behind its end", plain + bytes(1_000_000)
    for label in (0x01, 0x77, 0xF9, 0xFE, 0xFF):
        block = bytes([gif.EXTENSION, label]) + gif.blocks(b"anything at all" * 30)
        yield f"with an extension {label:02X}", gif.with_blocks(plain, block)
    yield "with many comments", gif.with_blocks(plain, (b"\x21\xfe" + gif.blocks(b"comment")) * 1000)
