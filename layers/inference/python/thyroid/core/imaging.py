"""Decodes image files to pixels. No other module opens a file of unknown origin.

A file counts as hostile until it is decoded. Its format is one of an allow-list and is told by its bytes, never by its
name. Its size is read from the header and checked before any pixel is decoded.
"""

import io
import logging
import warnings
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, TiffImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base

from thyroid.core import formats, structure
from thyroid.errors import InvalidRequestError, PayloadTooLargeError, UnreadableImageError, UnsupportedMediaTypeError

MIN_SIDE = 32  # pixels

# A big-endian BigTIFF. Pillow looks for its tags where a classic TIFF has them; libtiff, which decodes it, looks
# elsewhere. What is checked would not be what is decoded.
AMBIGUOUS_TIFF = b"MM\x00+"

# Imported one by one: Pillow would otherwise import all of its forty formats to find TIFF and WebP.
for _format in formats.FORMATS:
    import_module(_format.plugin)

# Pillow's name of a format to what its pixels cost. Pillow also names MPO, several JPEGs in a file.
_PIXEL_COST = {image_format.pillow_name: image_format.pixel_cost for image_format in formats.FORMATS}

# At DEBUG Pillow logs the tags of a file, a patient's name among them; Lambda sets the level of all loggers at once.
logging.getLogger("PIL").setLevel(logging.WARNING)

# Pillow's warnings of damage quote what is written in a file, and one file can raise tens of thousands of them.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Pillow's own limits would come before ours and warn or raise where a larger `max_pixels` is wanted.
Image.MAX_IMAGE_PIXELS = None

# A 16-bit value v is 257 · v₈ when it stands for the 8-bit value v₈: 65535 = 257 · 255.
SIXTEEN_BIT_STEP = 257.0

# Pixels that are converted in one piece: those of a whole image, or of each band of a larger one.
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
class DecodedImage:
    """A decoded image.

    Attributes
    ----------
    pixels : numpy.ndarray of uint8, shape (height, width) or (height, width, 3)
        Upright. Grey levels if nothing in the image has colour, as in nearly all ultrasound: a third of the memory and
        of the work. RGB otherwise.
    format : str
        Pillow's name of the file format, such as ``PNG``.
    """

    pixels: npt.NDArray[np.uint8]
    format: str


def decode(data: bytes, *, max_pixels: int) -> DecodedImage:
    """Decode an image file into grey levels, or into RGB if it has colour.

    The EXIF orientation is applied. Of an animation the first frame is taken. 16-bit grey is scaled by 1/257.
    Transparent pixels are drawn over black.

    Parameters
    ----------
    data : bytes
        A whole file of one of `thyroid.core.formats.FORMATS`.
    max_pixels : int
        Largest width × height that is decoded, divided by the format's ``pixel_cost`` (2 for WebP).

    Raises
    ------
    InvalidRequestError
        If `data` is empty.
    UnsupportedMediaTypeError
        If the bytes have none of these formats.
    PayloadTooLargeError
        If the header gives more pixels than the limit, for the image or for a tile of it.
    UnreadableImageError
        If the file is truncated or damaged, has too many parts (`thyroid.core.structure`), more than 16 bits per value,
        or a side under 32 pixels.
    """
    if not data:
        raise InvalidRequestError("The image is empty; send the bytes of an image file.")
    structure.check(data)
    if data.startswith(AMBIGUOUS_TIFF):
        raise _unreadable()
    try:
        with Image.open(io.BytesIO(data), formats=formats.PILLOW_NAMES) as image:
            name = image.format or ""
            _check_size(*image.size, max_pixels // _PIXEL_COST.get(name, 1))
            _check_tile(image, max_pixels)
            return DecodedImage(_pixels(image), name)
    except (UnsupportedMediaTypeError, PayloadTooLargeError, UnreadableImageError):
        raise
    except UnidentifiedImageError as error:
        if _has_known_signature(data):
            raise _unreadable() from error
        raise UnsupportedMediaTypeError(
            f"The file is not an image of a supported format; send {formats.SENTENCE}."
        ) from error
    except Exception as error:
        # A damaged file makes Pillow raise nearly anything: OSError, SyntaxError, ValueError, struct.error, zlib.error,
        # EOFError, MemoryError, …
        raise _unreadable() from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PayloadTooLargeError(f"The image has more than {max_pixels} pixels; send a smaller one.")
    if min(width, height) < MIN_SIDE:
        raise UnreadableImageError(
            f"The image has {width} × {height} pixels and is too small to be processed; "
            f"send one of at least {MIN_SIDE} pixels a side."
        )


def _check_tile(image: Image.Image, max_pixels: int) -> None:
    """Refuse a TIFF whose tiles exceed the limit: a tile is decoded whole, however small the image is."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        width, height = (image.tag_v2.get(tag, 0) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH))
        if not (isinstance(width, int) and isinstance(height, int)):
            raise _unreadable()
        if width * height > max_pixels:
            raise PayloadTooLargeError(f"The image has tiles of more than {max_pixels} pixels; send smaller ones.")


def _unreadable() -> UnreadableImageError:
    return UnreadableImageError("The image is damaged or incomplete; send the whole file again.")


def _has_known_signature(data: bytes) -> bool:
    for name in formats.PILLOW_NAMES:
        accept = Image.OPEN[name][1]
        if accept is not None and accept(data[:16]) is True:
            return True
    return False


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    image.load()  # the first frame, where Pillow starts; for TIFF this also applies the orientation
    orientation = _orientation(image)
    upright = image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image
    if upright.mode in {"I", "F"}:
        raise UnreadableImageError(
            "The image has 32 bits per value, for which no white level is defined; save it with 8 or 16 bits."
        )
    width, height = upright.size
    if width * height <= BAND_PIXELS:
        return _converted(upright)
    # Each step of a conversion makes a copy. A large image is converted band by band, so that these copies stay small:
    # the whole image is held as decoded, as turned upright, and as returned.
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
    return _grey_if_possible(image)


def _grey_if_possible(image: Image.Image) -> npt.NDArray[np.uint8]:
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
        return None  # damaged EXIF data around sound pixels: the image is used as it is
