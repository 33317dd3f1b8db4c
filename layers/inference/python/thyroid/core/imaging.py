"""Bytes to pixels: the one place where a stranger's file is opened.

The picture is taken as hostile until it is decoded: the format comes from an allow-list, never from its name, and the
size is read from the header and judged before any pixel is decoded.
"""

import io
import logging
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# The plugins are imported by name: Pillow would otherwise import all of its forty formats to find TIFF and WebP.
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)
from PIL.ExifTags import Base

from thyroid.core import structure
from thyroid.errors import InvalidRequestError, PayloadTooLargeError, UnreadableImageError, UnsupportedMediaTypeError

PLUGINS = (PngImagePlugin, JpegImagePlugin, WebPImagePlugin, BmpImagePlugin, TiffImagePlugin, GifImagePlugin)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SMALLEST_SIDE = 32

# A BigTIFF of big-endian numbers: Pillow looks for its tags where a classic TIFF has them, and libtiff, which decodes
# it, elsewhere. What is checked would not be what is decoded.
AMBIGUOUS_TIFF = b"MM\x00+"

# Of as many pixels a WebP takes twice the memory of other formats: its decoder holds two canvases beside the picture.
WEBP_SHARE = 2

# At DEBUG Pillow logs the tags of a file, a patient's name among them; Lambda sets the level of all loggers at once.
logging.getLogger("PIL").setLevel(logging.WARNING)

# Pillow's warnings of damage quote what is written in a file, and one file can raise tens of thousands of them.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Pillow's own limits would come before ours and warn or raise where a larger `max_pixels` is wanted.
Image.MAX_IMAGE_PIXELS = None

# A 16-bit value v is 257 · v₈ when it stands for the 8-bit value v₈: 65535 = 257 · 255.
SIXTEEN_BIT_STEP = 257.0

# Of a picture that is converted in one piece, and of each band of a larger one.
BAND_PIXELS = 1_000_000

# What undoes each EXIF orientation (EXIF 2.32, tag 0x0112); 1 is upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    pixels : numpy.ndarray of uint8, shape (height, width) or (height, width, 3)
        Upright. Grey levels where nothing in the picture has colour, as in nearly all ultrasound: a third of the memory
        and of the work. RGB otherwise.
    format : str
        Pillow's name of the file format, such as ``PNG``.
    """

    pixels: npt.NDArray[np.uint8]
    format: str


def decode(data: bytes, *, max_pixels: int) -> Picture:
    """Decode a picture file into grey levels, or into RGB where it has colour.

    The EXIF orientation is applied, the first frame of an animation is taken, 16-bit grey is scaled by 1/257, and what
    is transparent lies over black.

    Parameters
    ----------
    data : bytes
        A whole PNG, JPEG, WebP, BMP, TIFF or GIF file.
    max_pixels : int
        Largest width × height that is decoded; of WebP half of it.

    Raises
    ------
    InvalidRequestError
        If there are no bytes.
    UnsupportedMediaTypeError
        If the bytes are none of these formats.
    PayloadTooLargeError
        If the header names more than `max_pixels`, for the picture or for a tile of it.
    UnreadableImageError
        If the file is truncated or broken, is made of more parts than any picture, has more than 16 bits a value, or a
        side under 32 pixels.
    """
    if not data:
        raise InvalidRequestError("The picture is empty; send the bytes of a picture file.")
    structure.check(data)
    if data.startswith(AMBIGUOUS_TIFF):
        raise _unreadable()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size, max_pixels // WEBP_SHARE if image.format == "WEBP" else max_pixels)
            _check_tile(image, max_pixels)
            picture = Picture(_pixels(image), image.format or "")
    except (UnsupportedMediaTypeError, PayloadTooLargeError, UnreadableImageError):
        raise
    except UnidentifiedImageError as error:
        if _has_known_signature(data):
            raise _unreadable() from error
        raise UnsupportedMediaTypeError(
            "The image is not a picture format that is taken; send PNG, JPEG, WebP, BMP, TIFF or GIF."
        ) from error
    except Exception as error:
        # A broken file makes Pillow raise nearly anything: OSError, SyntaxError, ValueError, struct.error, zlib.error,
        # EOFError, MemoryError, …
        raise _unreadable() from error
    return picture


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PayloadTooLargeError(f"The picture has more than {max_pixels} pixels; send a smaller one.")
    if min(width, height) < SMALLEST_SIDE:
        raise UnreadableImageError(
            f"The picture is {width} × {height} pixels, too small to be judged; "
            f"send one of at least {SMALLEST_SIDE} pixels a side."
        )


def _check_tile(image: Image.Image, max_pixels: int) -> None:
    """Refuse a TIFF whose tiles are larger than a picture may be: one is decoded whole, however small the picture."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        width, height = (image.tag_v2.get(tag, 0) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH))
        if not (isinstance(width, int) and isinstance(height, int)):
            raise _unreadable()
        if width * height > max_pixels:
            raise PayloadTooLargeError(f"The picture has tiles of more than {max_pixels} pixels; send smaller ones.")


def _unreadable() -> UnreadableImageError:
    return UnreadableImageError("The picture is damaged or incomplete; send the whole file again.")


def _has_known_signature(data: bytes) -> bool:
    for name in FORMATS:
        accept = Image.OPEN[name][1]
        if accept is not None and accept(data[:16]) is True:
            return True
    return False


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    image.load()  # An opened image stands at its first frame. TIFF applies its orientation here itself.
    orientation = _orientation(image)
    upright = image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image
    if upright.mode in {"I", "F"}:
        raise UnreadableImageError("The picture has 32 bits a value, which name no white; save it with 8 or 16 bits.")
    width, height = upright.size
    if width * height <= BAND_PIXELS:
        return _converted(upright)
    # Each step of a conversion makes a picture of its own. A large one is converted band by band, so that none of them
    # is of all of it: it is held as it was decoded, turned if it has to be, and as it is returned.
    pixels = np.empty((height, width), np.uint8)
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _converted(upright.crop((0, top, width, bottom)))
        if band.ndim > pixels.ndim:  # the first band with colour
            pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
        pixels[top:bottom] = band if band.ndim == pixels.ndim else band[..., np.newaxis]
    return pixels


def _converted(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32)
        return np.asarray(np.rint(values / SIXTEEN_BIT_STEP), np.uint8)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        image = Image.new("RGB", image.size)  # black
        image.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return _without_needless_colour(image)


def _without_needless_colour(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.mode in {"1", "L"}:
        return np.asarray(image.convert("L"))
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    red, green, blue = rgb.split()
    alike = not any(ImageChops.difference(red, other).getbbox() for other in (green, blue))
    return np.asarray(red if alike else rgb)


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(Base.Orientation)
    except Exception:
        return None  # Broken EXIF data around sound pixels: the picture is taken as it is.
