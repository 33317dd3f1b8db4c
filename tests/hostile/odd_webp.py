"""WebP files that are odd and sound: lossless, transparent, animated, with chunks that nobody knows."""

from collections.abc import Iterator

from tests.hostile import webp
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import HEIGHT, WIDTH, XMP, exif, sample_image
from tests.images import saved

FAMILY = "odd but valid: WebP"


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in _files():
        yield case(FAMILY, f"WebP {name}", data, ANSWERED)


def _files() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "P", "RGB", "RGBA"):
        for lossless in (False, True):
            for quality in (0, 80, 100):
                name = f"{mode}{' lossless' * lossless} of quality {quality}"
                yield name, saved(sample_image(mode), "WEBP", lossless=lossless, quality=quality)
    for method in range(7):
        yield f"method {method}", saved(sample_image(), "WEBP", method=method)
    for exact in (False, True):
        image = sample_image("RGBA")
        image.putalpha(0)
        yield f"wholly transparent, {exact}", saved(image, "WEBP", lossless=True, exact=exact)
    for frames in (2, 40):
        images = [sample_image(seed=seed) for seed in range(frames)]
        for mixed in (False, True):
            file = saved(images[0], "WEBP", save_all=True, append_images=images[1:], allow_mixed=mixed)
            yield f"animated, {frames} frames, mixed {mixed}", file
    plain = saved(sample_image(), "WEBP")
    bits = plain[12:]
    head = webp.extended(0, WIDTH, HEIGHT)
    yield "extended for nothing", webp.riff(head + bits)
    yield "with a chunk that nobody knows", webp.riff(head + bits + webp.chunk(b"xyzw", b"anything"))
    yield "with bytes behind its end", plain + bytes(1_000_000)
    yield "with tags", saved(sample_image(), "WEBP", exif=exif(), xmp=XMP, icc_profile=b"none")
