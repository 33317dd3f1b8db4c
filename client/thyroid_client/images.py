"""Any kind of image that a caller has, to the bytes of an image file.

A file is sent unchanged: a path, its bytes, or an open binary file. Pixels are encoded as PNG, which is lossless: a PIL
image or a NumPy array. No file name is ever sent with them.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from PIL import Image, ImageOps

from thyroid_client.errors import BadImage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class BinaryFile(Protocol):
    """An open file."""

    def read(self) -> bytes | bytearray | memoryview:
        """Return the rest of the file; or so many bytes at most, if it accepts a number as files do."""


ImageSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | Image.Image | npt.NDArray[Any]"
)

# The service detects the format by the bytes, so any image may be sent as this.
CONTENT_TYPE = "application/octet-stream"

# Of an image file in a request of its own. Lambda accepts events of 6,291,456 bytes, of which the gateway makes base64.
MAX_IMAGE_BYTES = 4_669_440

# Of an image file that is sent by a link.
MAX_UPLOAD_BYTES = 33_554_432

# Pillow's modes, and the mode of PNG that is equivalent. The scale of any other mode is unknown.
SENT_AS = {mode: mode for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")}
SENT_AS |= dict.fromkeys(("CMYK", "HSV", "LAB", "RGBX", "YCbCr"), "RGB")
SENT_AS |= {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}

# Other orders of the two bytes of 16-bit grey, and Pillow's decoders of them; its `convert` makes all over 255 white.
SIXTEEN_BITS = {"I;16B": "I;16B", "I;16L": "I;16", "I;16N": "I;16N"}


def image_bytes(image: ImageSource, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """Return an image as the bytes of an image file.

    Parameters
    ----------
    image : str, path, bytes, binary file, PIL.Image.Image or numpy.ndarray
        A text is a path. An array is grey, shape (height, width) or (height, width, 1), or RGB, (height, width, 3); its
        values are uint8, or floats in [0, 1] that become the nearest of 256 levels. Others are refused rather than
        guessed at: a 12-bit image in uint16 would come out nearly black.
    max_bytes : int
        Bytes that the file may have. Of a larger file one byte more is read, no more.

    Raises
    ------
    BadImage
        If an array or a PIL image is none of these, or the file is larger. The message names the limit and what to do.
    TypeError
        If it is none of these types.
    OSError
        If a path cannot be read.
    """
    data = _read_bytes(image, max_bytes + 1)
    if len(data) > max_bytes:
        way = "make it smaller" if max_bytes >= MAX_UPLOAD_BYTES else "send it with `upload`, or make it smaller"
        raise BadImage(f"The image file has more than the {max_bytes} bytes that can be sent like this; {way}.")
    return data


def _read_bytes(image: ImageSource, enough: int) -> bytes:
    if isinstance(image, str | os.PathLike):
        with Path(image).open("rb") as file:
            return _read(file.read, enough)
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, Image.Image):
        return _png(image)
    numpy = sys.modules.get("numpy")  # where NumPy was never imported, nobody has an array
    if numpy is not None and isinstance(image, numpy.ndarray):
        return _png(_pil_image(image))
    if isinstance(image, io.TextIOBase):  # not read: it would decode the image as text
        raise TypeError("the file is open as text; open it as binary (`open(path, 'rb')`)")
    if hasattr(image, "read"):
        return _read(image.read, enough)
    raise TypeError(
        f"an image is a path, bytes, a binary file, a PIL image or a NumPy array, not {type(image).__name__}"
    )


def _read(read: Callable[..., object], enough: int) -> bytes:
    """Return the rest of a file, or its first `enough` bytes; a read may return fewer bytes than requested.

    Raises
    ------
    TypeError
        If it does not return bytes.
    """
    try:
        first = read(enough)
    except TypeError:  # it accepts no number
        return _checked(read())
    data = bytearray(part := _checked(first))
    while part and len(data) < enough:
        part = _checked(read(enough - len(data)))
        data += part
    return bytes(data)


def _checked(part: object) -> bytes:
    if not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(
            f"the file's `read` returned {type(part).__name__}, not bytes; open it as binary (`open(path, 'rb')`)"
        )
    return bytes(part)


def _pil_image(array: "npt.NDArray[Any]") -> Image.Image:
    if hasattr(array, "mask"):  # the minimum and maximum of a masked array skip what is masked
        raise BadImage("An array with a mask has no level where it is masked; fill it first, with `filled`.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not array.size or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise BadImage(f"An array of shape {array.shape} is not an image; give (height, width) or (height, width, 3).")
    return Image.fromarray(_levels(array))


def _levels(array: "npt.NDArray[Any]") -> "npt.NDArray[np.uint8]":
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # not the other way round: NaN is neither
            raise BadImage("An array of floats has to be in [0, 1] everywhere; scale it first.")
        return (array.astype("float64") * 255).round().astype("uint8")
    if array.dtype != "uint8":
        raise BadImage(f"An array of {array.dtype} has no known scale; give uint8, or floats in [0, 1].")
    return array


def _png(image: Image.Image) -> bytes:
    """Encode the pixels, upright as the EXIF orientation says, and no metadata."""
    if 0 in image.size:
        raise BadImage(f"An image of size {image.size} holds no pixels; give one that has some.")
    if image.mode not in SENT_AS and image.mode not in SIXTEEN_BITS:
        raise BadImage(f"An image of mode {image.mode} has no known scale; convert it to L or RGB first.")
    buffer = io.BytesIO()
    _in_png_mode(ImageOps.exif_transpose(image)).save(buffer, "PNG", exif=None, icc_profile=None)
    return buffer.getvalue()


def _in_png_mode(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BITS:
        return Image.frombytes("I;16", image.size, image.tobytes(), "raw", SIXTEEN_BITS[image.mode])
    mode = SENT_AS[image.mode]
    return image if image.mode == mode else image.convert(mode)
