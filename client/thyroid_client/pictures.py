"""Whatever a caller has as a picture to the bytes of a picture file.

A file goes as it is: a path, its bytes, or an open binary file. Pixels go as PNG, which loses nothing: a PIL image or a
NumPy array. No name ever goes with them.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from PIL import Image, ImageOps

from thyroid_client.errors import BadPicture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class BinaryFile(Protocol):
    """An open file."""

    def read(self) -> bytes | bytearray | memoryview:
        """Return all that is left of it; or so many bytes at most, where it takes their number as a file does."""


Picture: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | Image.Image | npt.NDArray[Any]"
)

# The service tells the format by the bytes, so any picture may be sent as this.
CONTENT_TYPE = "application/octet-stream"

# Of a picture file in a request of its own. Lambda takes events of 6,291,456 bytes, of which the gateway makes base64.
LARGEST = 4_669_440

# Of one that comes by a link.
LARGEST_UPLOAD = 33_554_432

# Pillow's modes, and the one of PNG's that says the same. Of any other it is not known what black and white are.
SENT_AS = {mode: mode for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")}
SENT_AS |= dict.fromkeys(("CMYK", "HSV", "LAB", "RGBX", "YCbCr"), "RGB")
SENT_AS |= {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}

# Other orders of the two bytes of 16-bit grey, and Pillow's decoders of them; its `convert` makes all over 255 white.
SIXTEEN_BITS = {"I;16B": "I;16B", "I;16L": "I;16", "I;16N": "I;16N"}


def file_of(picture: Picture, largest: int = LARGEST) -> bytes:
    """Return a picture as the bytes of a picture file.

    Parameters
    ----------
    picture : str, path, bytes, binary file, PIL.Image.Image or numpy.ndarray
        A text is a path. An array is grey, shape (height, width) or (height, width, 1), or RGB, (height, width, 3); its
        values are uint8, or floats in [0, 1] that become the nearest of 256 levels. Others are refused rather than
        guessed at: a 12-bit picture in uint16 would come out nearly black.
    largest : int
        Bytes that the file may have. No more of a larger one is read than shows that it is.

    Raises
    ------
    BadPicture
        If an array or an image is none of these, or the file is larger; the sentence names the limit and the way.
    TypeError
        If it is nothing that can be a picture.
    OSError
        If a path cannot be read.
    """
    data = _bytes_of(picture, largest + 1)
    if len(data) > largest:
        way = "make it smaller" if largest >= LARGEST_UPLOAD else "send it with `upload`, or make it smaller"
        raise BadPicture(f"The picture file has more than the {largest} bytes that can be sent like this; {way}.")
    return data


def _bytes_of(picture: Picture, enough: int) -> bytes:
    if isinstance(picture, str | os.PathLike):
        with Path(picture).open("rb") as file:
            return _read(file.read, enough)
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, Image.Image):
        return _png(picture)
    numpy = sys.modules.get("numpy")  # where it was never imported, nobody has an array
    if numpy is not None and isinstance(picture, numpy.ndarray):
        return _png(_image(picture))
    if isinstance(picture, io.TextIOBase):  # not read: no picture is the text that it would be decoded as
        raise TypeError("the file is open as text; open it as binary (`open(path, 'rb')`)")
    if hasattr(picture, "read"):
        return _read(picture.read, enough)
    raise TypeError(
        f"a picture is a path, bytes, a binary file, a PIL image or a NumPy array, no {type(picture).__name__}"
    )


def _read(read: Callable[..., object], enough: int) -> bytes:
    """Return what is left of a file, or its first `enough` bytes; a file may give fewer at a time than it is asked for.

    Raises
    ------
    TypeError
        If it gives no bytes.
    """
    try:
        first = read(enough)
    except TypeError:  # it takes no number
        return _checked(read())
    data = bytearray(part := _checked(first))
    while part and len(data) < enough:
        part = _checked(read(enough - len(data)))
        data += part
    return bytes(data)


def _checked(part: object) -> bytes:
    if not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(
            f"the file's `read` gave {type(part).__name__} and no bytes; open it as binary (`open(path, 'rb')`)"
        )
    return bytes(part)


def _image(array: "npt.NDArray[Any]") -> Image.Image:
    if hasattr(array, "mask"):  # a masked array's least and largest values are of what is not masked
        raise BadPicture("An array with a mask has no level where it is masked; fill it before, with `filled`.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not array.size or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise BadPicture(f"An array of shape {array.shape} is no picture; give (height, width) or (height, width, 3).")
    return Image.fromarray(_levels(array))


def _levels(array: "npt.NDArray[Any]") -> "npt.NDArray[np.uint8]":
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # not the other way round: NaN is neither
            raise BadPicture("An array of floats has to be in [0, 1], all of it; scale it before.")
        return (array.astype("float64") * 255).round().astype("uint8")
    if array.dtype != "uint8":
        raise BadPicture(f"An array of {array.dtype} has no scale that is known; give uint8, or floats in [0, 1].")
    return array


def _png(image: Image.Image) -> bytes:
    """Encode pixels, upright as the file that they came from says, and nothing else of that file."""
    if 0 in image.size:
        raise BadPicture(f"An image of size {image.size} holds no pixels; give one that does.")
    if image.mode not in SENT_AS and image.mode not in SIXTEEN_BITS:
        raise BadPicture(f"An image of mode {image.mode} has no scale that is known; convert it to L or RGB before.")
    buffer = io.BytesIO()
    _as_png_has_it(ImageOps.exif_transpose(image)).save(buffer, "PNG", exif=None, icc_profile=None)
    return buffer.getvalue()


def _as_png_has_it(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BITS:
        return Image.frombytes("I;16", image.size, image.tobytes(), "raw", SIXTEEN_BITS[image.mode])
    mode = SENT_AS[image.mode]
    return image if image.mode == mode else image.convert(mode)
