"""Draws and erases captions, to test that a field of view does not depend on what is written around it.

The captions are like those of machines and their users: words, settings, rulers, grey scales, logos. They stay out of
the field of view with a margin, since a caption that touches tissue cannot be told from it.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Region = tuple[int, int, int, int]  # left, top, right, bottom; the last two exclusive

_REFERENCE_HEIGHT = 360  # pixels, of a frame; all lengths below are for it and grow with the frame
_MARGIN = 3  # pixels between the field of view and the nearest caption
_MIN_LINE_HEIGHT, _MAX_LINE_HEIGHT = 6.0, 40.0  # pixels, from one line to the next
_MAX_CAPTIONS = 4  # in one frame
_MAX_LINES = 5

_WORDS = (
    *("TIRADS 2", "TIRADS 3 (4A)", "TIRADS 4A", "TIRADS 4C (5)", "TIRADS 5", "PAT BETHESDA 2", "PAT: CA PAPILAR"),
    *("BENIGN", "MALIGNANT?", "FNA 12/03", "DER", "IZQ - ITSMO", "LOBE RIGHT", "LT TRV", "Vol 4.1 ml", "D1 1.24 cm"),
    *("P100", "12L6", "9.0", "31fps", "DR52", "2DG", "Gn 92", "MI 0.9", "TIs 0.3", "10 MHz", "4 cm", "THYROID"),
)
_WHITE, _YELLOW, _BLUE, _GREY, _BLACK = (255, 255, 255), (255, 220, 0), (40, 90, 255), (140, 140, 140), (0, 0, 0)
_COLOURS = (_WHITE, _YELLOW, _BLUE, _GREY)


def paint(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    """Draw one to four captions around a field of view.

    Each is text, a ruler, a grey scale, a logo or a filled rectangle with dark text; position, size and colour are
    random. For a frame 360 pixels high, text is 6 to 40 pixels high; all sizes grow with the frame.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3). Not changed.
    box : Box
        The field of view, in pixels: neither it nor a margin of 3 pixels (of 360) around it is drawn on.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    numpy.ndarray
        8-bit RGB, shape (height, width, 3). An unchanged copy where nothing is around the field of view.
    """
    scale = pixels.shape[0] / _REFERENCE_HEIGHT
    kept = _grown(box, round(_MARGIN * scale) + 1, pixels)
    strips = _strips(kept, pixels)
    if not strips:
        return pixels.copy()
    frame = Image.fromarray(pixels)
    draw = ImageDraw.Draw(frame)
    drawers = (_text, _text, _ruler, _grey_scale, _logo, _inverted_text)  # text is the most frequent
    for _ in range(int(rng.integers(1, _MAX_CAPTIONS + 1))):
        strip = strips[int(rng.integers(len(strips)))]
        drawers[int(rng.integers(len(drawers)))](draw, strip, scale, rng)
    painted = np.array(frame)
    kept.crop(painted)[...] = kept.crop(pixels)  # whatever was too long for its strip
    return painted


def write(pixels: Pixels, region: Region, rng: np.random.Generator) -> Pixels:
    """Write one to five lines of text.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3). Not changed.
    region : tuple of int
        Left, top, right and bottom of where the text may begin, in pixels; the last two exclusive. The text may extend
        past them, and is cut off at the border of the image.
    rng : numpy.random.Generator
        The only source of randomness. Size is as in `paint`, for a frame as high as the image.

    Returns
    -------
    numpy.ndarray
        8-bit RGB, shape (height, width, 3).
    """
    image = Image.fromarray(pixels)
    _text(ImageDraw.Draw(image), region, pixels.shape[0] / _REFERENCE_HEIGHT, rng)
    return np.array(image)


def erase(pixels: Pixels, box: Box) -> Pixels:
    """Paint over everything around a field of view.

    Parameters
    ----------
    pixels : numpy.ndarray
        8-bit RGB, shape (height, width, 3). Not changed.
    box : Box
        The field of view, in pixels: it stays as it is.

    Returns
    -------
    numpy.ndarray
        8-bit RGB, shape (height, width, 3): outside the box the median colour of what was there.
    """
    outside = np.ones(pixels.shape[:2], dtype=np.bool_)
    outside[box.top : box.bottom, box.left : box.right] = False
    erased = pixels.copy()
    if outside.any():
        erased[outside] = np.median(pixels[outside], axis=0).astype(np.uint8)
    return erased


def measure(images: Iterable[Pixels], draws: int, seed: int) -> dict[str, int]:
    """Count how often the field of view changes when captions around it are erased or painted in.

    Where box and pixels stay the same, so does the score, bit for bit.

    Parameters
    ----------
    images : iterable of numpy.ndarray
        8-bit RGB, each of shape (height, width, 3).
    draws : int
        How many times other captions are painted into each image.
    seed : int
        Of the random captions.

    Returns
    -------
    dict
        ``images``; ``cropped``, those whose field of view is smaller than the image; ``changed_by_erasing``, of
        the images; ``painted``, images × draws; ``changed_by_painting``, of these; ``surviving_pixels``, painted
        pixels that lie in the fields of view found afterwards; ``own_crop_changed``, images whose crop is cropped
        again.
    """
    rng = np.random.default_rng(seed)
    names = ("images", "cropped", "changed_by_erasing", "painted", "changed_by_painting", "surviving_pixels")
    counts = dict.fromkeys((*names, "own_crop_changed"), 0)
    for pixels in images:
        box = field_of_view.find(pixels)
        crop = box.crop(pixels)
        counts["images"] += 1
        counts["cropped"] += crop.shape != pixels.shape
        counts["own_crop_changed"] += field_of_view.find(crop) != Box(0, 0, box.width, box.height)
        counts["changed_by_erasing"] += field_of_view.find(erase(pixels, box)) != box
        for _ in range(draws):
            painted = paint(pixels, box, rng)
            found = field_of_view.find(painted)
            counts["painted"] += 1
            counts["changed_by_painting"] += found != box
            counts["surviving_pixels"] += int(np.any(found.crop(painted) != found.crop(pixels), axis=2).sum())
    return counts


def _grown(box: Box, margin: int, pixels: Pixels) -> Box:
    """Return the box with a margin around it, as far as the image goes."""
    height, width = pixels.shape[:2]
    return Box(
        max(0, box.left - margin),
        max(0, box.top - margin),
        min(width, box.right + margin),
        min(height, box.bottom + margin),
    )


def _strips(kept: Box, pixels: Pixels) -> list[Region]:
    """Return the free regions above, below, left and right of the box."""
    height, width = pixels.shape[:2]
    strips = [
        (0, 0, width, kept.top),
        (0, kept.bottom, width, height),
        (0, 0, kept.left, height),
        (kept.right, 0, width, height),
    ]
    return [strip for strip in strips if strip[2] > strip[0] and strip[3] > strip[1]]


def _corner(region: Region, rng: np.random.Generator) -> tuple[int, int]:
    """Return a random position in a region: x, y, in pixels."""
    return int(rng.integers(region[0], region[2])), int(rng.integers(region[1], region[3]))


def _colour(rng: np.random.Generator) -> Colour:
    return _COLOURS[int(rng.integers(len(_COLOURS)))]


def _lines(rng: np.random.Generator) -> str:
    """Return one to five lines of a few words each."""
    lines = (rng.choice(_WORDS, int(rng.integers(1, 4))) for _ in range(int(rng.integers(1, _MAX_LINES + 1))))
    return "\n".join("  ".join(words) for words in lines)


def _font(scale: float, rng: np.random.Generator) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=scale * rng.uniform(_MIN_LINE_HEIGHT, _MAX_LINE_HEIGHT))


def _text(draw: ImageDraw.ImageDraw, region: Region, scale: float, rng: np.random.Generator) -> None:
    draw.multiline_text(_corner(region, rng), _lines(rng), fill=_colour(rng), font=_font(scale, rng), spacing=2)


def _inverted_text(draw: ImageDraw.ImageDraw, region: Region, scale: float, rng: np.random.Generator) -> None:
    """Draw black text on a filled rectangle."""
    corner, text, font = _corner(region, rng), _lines(rng), _font(scale, rng)
    draw.rectangle(draw.multiline_textbbox(corner, text, font=font, spacing=2), fill=_colour(rng))
    draw.multiline_text(corner, text, fill=_BLACK, font=font, spacing=2)


def _ruler(draw: ImageDraw.ImageDraw, region: Region, scale: float, rng: np.random.Generator) -> None:
    """Draw ticks at equal distances, with or without a line along them, down or across."""
    x, y = _corner(region, rng)
    apart, length, thickness = scale * rng.uniform(4, 40), scale * rng.uniform(2, 12), scale * rng.uniform(1, 3)
    ticks, colour, down = int(rng.integers(4, 40)), _colour(rng), rng.random() < 0.5
    for tick in range(ticks):
        along = tick * apart
        far = (x + length, y + along + thickness) if down else (x + along + thickness, y + length)
        draw.rectangle(((x, y + along) if down else (x + along, y), far), fill=colour)
    if rng.random() < 0.5:
        end = (x, y + ticks * apart) if down else (x + ticks * apart, y)
        draw.line(((x, y), end), fill=colour, width=max(1, round(thickness)))


def _grey_scale(draw: ImageDraw.ImageDraw, region: Region, scale: float, rng: np.random.Generator) -> None:
    x, y = _corner(region, rng)
    width, height = scale * rng.uniform(4, 25), max(2, int(scale * rng.uniform(60, 250)))
    for row in range(height):
        level = 255 - 255 * row // (height - 1)
        draw.line((x, y + row, x + width, y + row), fill=(level, level, level))


def _logo(draw: ImageDraw.ImageDraw, region: Region, scale: float, rng: np.random.Generator) -> None:
    """Draw a filled rectangle or ellipse."""
    x, y = _corner(region, rng)
    corners = ((x, y), (x + scale * rng.uniform(10, 120), y + scale * rng.uniform(10, 120)))
    if rng.random() < 0.5:
        draw.rectangle(corners, fill=_colour(rng))
    else:
        draw.ellipse(corners, fill=_colour(rng))
