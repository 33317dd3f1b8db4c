"""PNG files of every kind that the specification has, odd as they are."""

from collections.abc import Iterator

from tests.hostile import png
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import sample_image
from tests.images import saved

FAMILY = "odd but valid: PNG"
TRANSPARENT = {0: b"\x00\x01", 2: b"\x00\x01\x00\x02\x00\x03", 3: b"\x00\x80"}  # a level, a colour, of the palette


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in _files():
        yield case(FAMILY, f"PNG {name}", data, ANSWERED)


def _files() -> Iterator[tuple[str, bytes]]:
    for colour, depth in png.KINDS:
        for interlace in (False, True):
            name = f"colour type {colour} of {depth} bits{' interlaced' * interlace}"
            yield name, png.write(colour, depth, interlace=interlace)
            if colour in TRANSPARENT:
                before = png.chunk(b"tRNS", TRANSPARENT[colour])
                yield f"{name}, partly transparent", png.write(colour, depth, interlace=interlace, before=before)
    for filtering in range(5):
        yield f"filter {filtering}", png.write(2, 8, filtering=filtering)
    yield "not compressed", png.write(0, 8, level=0)
    plain = png.write(0, 8)
    yield "with nothing behind its pixels", plain[:-12]
    yield "with bytes behind its end", plain + bytes(1_000_000)
    for kind, data in {
        b"gAMA": bytes(4),
        b"cHRM": bytes(32),
        b"sRGB": b"\x09",
        b"bKGD": bytes(2),
        b"pHYs": b"\xff" * 9,
        b"tIME": b"\xff" * 7,
        b"sBIT": b"\xff",
        b"hIST": bytes(2),
        b"oFFs": bytes(9),
        b"prIv": b"anything",
    }.items():
        yield f"chunk {kind.decode()}", png.with_chunks(plain, png.chunk(kind, data))
    for frames in (1, 2, 40):
        images = [sample_image(seed=seed) for seed in range(frames)]
        file = saved(images[0], "PNG", save_all=True, append_images=images[1:])
        yield f"animated, {frames} frames", file
        hidden = saved(images[0], "PNG", save_all=True, append_images=images, default_image=True)
        yield f"animated, {frames} frames behind another image", hidden
