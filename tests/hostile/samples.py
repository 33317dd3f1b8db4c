"""Small sound images of every format: what all mutations begin with. A name stands wherever one can."""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image, MpoImagePlugin  # noqa: F401 - writes files of several JPEGs
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tests.hostile import bmp, png
from tests.hostile.canary import CANARY
from tests.images import saved

WIDTH, HEIGHT = 56, 40
XMP = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>{CANARY}</dc:creator></x:xmpmeta>".encode()


def sample_image(mode: str = "RGB", seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """A few soft spots with grain on them; in colour where the mode has any."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.integers(-20, 21, (size[1], size[0], 3))
    rgb = Image.fromarray(np.clip(np.asarray(soft).astype(int) + grain, 0, 255).astype(np.uint8))
    return rgb.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """Return tags that name the patient."""
    tags = Image.Exif()
    tags[Base.Orientation] = orientation
    tags[Base.ImageDescription] = tags[Base.Artist] = CANARY
    return tags


def texts() -> PngInfo:
    """Return a PNG's texts of each kind."""
    info = PngInfo()
    info.add_text("Description", CANARY)
    info.add_text("Comment", CANARY, zip=True)
    info.add_itxt("Author", CANARY, zip=True)
    return info


def tags() -> ImageFileDirectory_v2:
    """Return a TIFF's texts."""
    directory = ImageFileDirectory_v2()
    for number in (Base.ImageDescription, Base.Artist, Base.Make, Base.DocumentName):
        directory[number] = CANARY
    return directory


@cache
def all_samples() -> dict[str, dict[str, bytes]]:
    """Return the files by format and name."""
    return {"PNG": _png(), "JPEG": _jpeg(), "WEBP": _webp(), "BMP": _bmp(), "TIFF": _tiff(), "GIF": _gif()}


def frames() -> list[Image.Image]:
    """Return three different images."""
    return [sample_image(seed=seed) for seed in range(3)]


def _png() -> dict[str, bytes]:
    first, *others = frames()
    return {
        "grey": saved(sample_image("L"), "PNG", pnginfo=texts(), exif=exif()),
        "colour": saved(sample_image(), "PNG", pnginfo=texts()),
        "palette": saved(sample_image("P"), "PNG", transparency=3, pnginfo=texts()),
        "transparent": saved(sample_image("RGBA"), "PNG", dpi=(96, 96)),
        "sixteen bits": png.write(0, 16),
        "interlaced": png.write(2, 8, interlace=True),
        "animated": saved(first, "PNG", save_all=True, append_images=others),
    }


def _jpeg() -> dict[str, bytes]:
    named: dict[str, Any] = {"exif": exif(), "comment": CANARY.encode(), "xmp": XMP}
    return {
        "grey": saved(sample_image("L"), "JPEG", **named),
        "colour": saved(sample_image(), "JPEG", **named),
        "progressive": saved(sample_image(), "JPEG", progressive=True, **named),
        "four colours": saved(sample_image("CMYK"), "JPEG", **named),
        "restarting": saved(sample_image(), "JPEG", restart_marker_rows=1, subsampling=0),
        "several": saved(sample_image(), "MPO", save_all=True, append_images=[sample_image(seed=1)]),
    }


def _webp() -> dict[str, bytes]:
    first, *others = frames()
    return {
        "lossy": saved(sample_image(), "WEBP"),
        "lossless": saved(sample_image(), "WEBP", lossless=True),
        "named": saved(sample_image(), "WEBP", exif=exif(), xmp=XMP),
        "transparent": saved(sample_image("RGBA"), "WEBP", alpha_quality=50),
        "animated": saved(first, "WEBP", save_all=True, append_images=others),
    }


def _bmp() -> dict[str, bytes]:
    runs = (bytes([56, 7]) + b"\x00\x00") * HEIGHT + b"\x00\x01"
    return {
        "colour": bmp.write(24),
        "palette": bmp.write(8),
        "black and white": bmp.write(1),
        "runs": bmp.write(8, compression=bmp.RLE8, pixels=runs),
        "OS/2": bmp.write(24, header=12),
        "masks": bmp.write(16, header=56, compression=bmp.MASKS, masks=(0xF800, 0x07E0, 0x001F, 0)),
    }


def _tiff() -> dict[str, bytes]:
    first, *others = frames()
    return {
        "grey": saved(sample_image("L"), "TIFF", tiffinfo=tags()),
        "colour": saved(sample_image(), "TIFF", tiffinfo=tags(), compression="tiff_lzw"),
        "deflate": saved(sample_image("L"), "TIFF", tiffinfo=tags(), compression="tiff_adobe_deflate"),
        "JPEG": saved(sample_image(), "TIFF", tiffinfo=tags(), compression="jpeg"),
        "packed": saved(sample_image("1"), "TIFF", tiffinfo=tags(), compression="packbits"),
        "fax": saved(sample_image("1"), "TIFF", compression="group4"),
        "sixteen bits": saved(Image.fromarray(np.asarray(sample_image("L")).astype(np.uint16) * 257), "TIFF"),
        "pages": saved(first, "TIFF", save_all=True, append_images=others, compression="tiff_lzw"),
    }


def _gif() -> dict[str, bytes]:
    first, *others = frames()
    return {
        "plain": saved(sample_image("P"), "GIF", comment=CANARY.encode(), interlace=0),
        "interlaced": saved(sample_image("L"), "GIF", comment=CANARY.encode(), interlace=1),
        "transparent": saved(sample_image("P"), "GIF", transparency=3),
        "animated": saved(first, "GIF", save_all=True, append_images=others, loop=0),
    }
