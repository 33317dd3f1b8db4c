"""The image formats that the service accepts: one record for each.

Code takes its lists from here. The page's script, the template, the client and the documents cannot: a test,
``tests/unit/core/test_formats.py``, compares their lists with this one.

Nothing here imports Pillow, so that a list costs no start-up time.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFormat:
    """An image format.

    Attributes
    ----------
    name : str
        As people write it, such as ``WebP``.
    pillow_name : str
        Pillow's name of it, such as ``WEBP``.
    plugin : str
        The module of Pillow that decodes it.
    media_types : tuple of str
        Media types that a file may be sent as; the registered one first.
    suffixes : tuple of str
        Ends of file names, in lower case.
    signatures : tuple of bytes
        How files begin, including what Pillow accepts beyond the standard. A WebP file is a RIFF file, whose kind comes
        later.
    pixel_cost : int
        Memory that decoding takes per pixel, as a multiple of the other formats'. The limit of pixels is divided by it.
    """

    name: str
    pillow_name: str
    plugin: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...]
    pixel_cost: int = 1


FORMATS = (
    ImageFormat(
        name="PNG",
        pillow_name="PNG",
        plugin="PIL.PngImagePlugin",
        media_types=("image/png",),
        suffixes=(".png",),
        signatures=(b"\x89PNG\r\n\x1a\n",),
    ),
    ImageFormat(
        name="JPEG",
        pillow_name="JPEG",
        plugin="PIL.JpegImagePlugin",
        media_types=("image/jpeg", "image/jpg"),
        suffixes=(".jpg", ".jpeg"),
        signatures=(b"\xff\xd8\xff",),
    ),
    ImageFormat(
        name="WebP",
        pillow_name="WEBP",
        plugin="PIL.WebPImagePlugin",
        media_types=("image/webp",),
        suffixes=(".webp",),
        signatures=(b"RIFF",),
        pixel_cost=2,  # the decoder holds two canvases beside the image
    ),
    ImageFormat(
        name="BMP",
        pillow_name="BMP",
        plugin="PIL.BmpImagePlugin",
        media_types=("image/bmp",),
        suffixes=(".bmp",),
        signatures=(b"BM",),
    ),
    ImageFormat(
        name="TIFF",
        pillow_name="TIFF",
        plugin="PIL.TiffImagePlugin",
        media_types=("image/tiff",),
        suffixes=(".tif", ".tiff"),
        signatures=(b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+"),
    ),
    ImageFormat(
        name="GIF",
        pillow_name="GIF",
        plugin="PIL.GifImagePlugin",
        media_types=("image/gif",),
        suffixes=(".gif",),
        signatures=(b"GIF87a", b"GIF89a"),
    ),
)

# Says nothing of the format, which the bytes tell in any case.
UNSPECIFIED = "application/octet-stream"

MEDIA_TYPES = (*(media_type for image_format in FORMATS for media_type in image_format.media_types), UNSPECIFIED)
SUFFIXES = tuple(suffix for image_format in FORMATS for suffix in image_format.suffixes)
PILLOW_NAMES = tuple(image_format.pillow_name for image_format in FORMATS)

# What a browser's file dialog offers.
ACCEPT = ",".join((*(image_format.media_types[0] for image_format in FORMATS), *SUFFIXES))

# For sentences: "PNG, JPEG, WebP, BMP, TIFF or GIF".
SENTENCE = f"{', '.join(image_format.name for image_format in FORMATS[:-1])} or {FORMATS[-1].name}"
