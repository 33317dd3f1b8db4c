"""JPEG files that are odd and sound: four colours, passes, several images, filling."""

from collections.abc import Iterator

from tests.hostile import jpeg
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import exif, sample_image
from tests.images import saved

FAMILY = "odd but valid: JPEG"


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, data in _files():
        yield case(FAMILY, f"JPEG {name}", data, ANSWERED)


def _files() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "RGB", "CMYK"):
        for progressive in (False, True):
            for quality in (1, 75, 100):
                name = f"{mode}{' progressive' * progressive} of quality {quality}"
                yield name, saved(sample_image(mode), "JPEG", progressive=progressive, quality=quality)
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield f"sampled {sampling}", saved(sample_image(), "JPEG", subsampling=sampling)
        yield f"RGB kept, {sampling}", saved(sample_image(), "JPEG", keep_rgb=True, subsampling=0, quality=90)
    four = saved(sample_image("CMYK"), "JPEG")
    at = four.index(b"Adobe")
    for transform in (0, 1, 2, 3):
        changed = four[: at + 11] + bytes([transform]) + four[at + 12 :]
        yield f"four colours, transform {transform}", changed
    plain = saved(sample_image(), "JPEG")
    for rows in (1, 3):
        yield f"restarts each {rows} rows", saved(sample_image(), "JPEG", restart_marker_rows=rows)
    yield "of one pass for many", jpeg.scans(64, 64, 90)
    yield "with filling between its segments", jpeg.with_segments(plain, b"\xff" * 300)
    yield "with junk between its segments", jpeg.with_segments(plain, bytes(300))
    yield "with bytes behind its end", plain + bytes(1_000_000)
    yield "with another behind its end", plain + plain
    yield "with many comments", jpeg.with_segments(plain, jpeg.segment(jpeg.COM, b"x" * 100) * 300)
    yield "without JFIF's segment", plain[:2] + plain[20:]
    small = jpeg.segment(0xE0, b"JFXX\0\x13\x08\x08" + bytes(192))
    yield "with a small image of JFIF", jpeg.with_segments(plain, small)
    for marker in range(0xE0, 0xF0):
        yield f"with an empty segment {marker:02X}", jpeg.with_segments(plain, jpeg.segment(marker))
        yield (
            f"with a segment {marker:02X} of anything",
            jpeg.with_segments(plain, jpeg.segment(marker, b"anything" * 9)),
        )
    for count in (2, 5):
        others = [sample_image(seed=seed) for seed in range(1, count)]
        yield f"of {count} images", saved(sample_image(), "MPO", save_all=True, append_images=others)
        yield (
            f"of {count} images, turned",
            saved(sample_image(), "MPO", save_all=True, append_images=others, exif=exif(6)),
        )
