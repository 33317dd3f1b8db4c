"""Generated images that are not B-mode ultrasound: the input check's rule is fitted on some kinds and tested on others.

Each kind has a generator; each seed gives another image, of another size, in grey or colour, some compressed as JPEG.
The rule is fitted on `FITTED_KINDS` and never sees `HELD_OUT_KINDS`, so its result on them holds for unexpected images.
Each of the two groups has kinds that look similar to ultrasound and kinds that do not.
"""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float64]
Random = np.random.Generator

_TEXT = "report patient of the and thyroid lobe right left with normal seen in no mm size date findings a is"
_WORDS = _TEXT.split()


def make(kind: str, seed: int) -> Pixels:
    """Generate an image of a kind.

    Parameters
    ----------
    kind : str
        A name of `FITTED_KINDS` or `HELD_OUT_KINDS`.
    seed : int
        The same seed gives the same image.

    Returns
    -------
    numpy.ndarray
        uint8 RGB, shape (height, width, 3); height from 240 to 719 and width from 240 to 900.
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    height = int(rng.integers(240, 720))
    width = int(np.clip(height * rng.uniform(0.7, 1.6), 240, 900))
    return vary_format(rng, (FITTED_KINDS | HELD_OUT_KINDS)[kind](rng, height, width))


def vary_format(rng: Random, image: Image.Image) -> Pixels:
    """Convert half of all images to grey, and compress two thirds as JPEG, as the images that users send.

    Returns
    -------
    numpy.ndarray
        uint8 RGB, shape (height, width, 3).
    """
    if rng.random() < 0.5:
        image = image.convert("L")
    image = image.convert("RGB")
    if rng.random() < 0.67:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(50, 96)))
        image = Image.open(file)
    return np.asarray(image)


# --- pages and screens -----------------------------------------------------------------------------------------------


def _draw_text(rng: Random, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], size: int, ink: str) -> None:
    """Fill a box with lines of text."""
    left, top, right, bottom = box
    font = ImageFont.load_default(size=size)
    while top + size < bottom:
        line = " ".join(rng.choice(_WORDS, size=40))
        fits = max(1, int((right - left) / (0.52 * size)))
        draw.text((left, top), line[: max(1, int(fits * rng.uniform(0.5, 1.0)))], fill=ink, font=font)
        top += int(1.4 * size)


def _document(rng: Random, height: int, width: int) -> Image.Image:
    paper = int(rng.integers(225, 256))
    page = Image.new("RGB", (width, height), (paper, paper, int(paper * rng.uniform(0.9, 1.0))))
    _draw_text(
        rng, ImageDraw.Draw(page), (width // 12, height // 12, width * 11 // 12, height), height // 40 + 8, "black"
    )
    return page


def _dark_terminal(rng: Random, height: int, width: int) -> Image.Image:
    page = Image.new("RGB", (width, height), (int(rng.integers(0, 40)),) * 3)
    ink = str(rng.choice(["white", "lime", "lightgray", "orange"]))
    _draw_text(rng, ImageDraw.Draw(page), (8, 8, width, height), int(rng.integers(10, 18)), ink)
    return page


def _chart(rng: Random, height: int, width: int) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = width // 8, height // 10, width * 19 // 20, height * 17 // 20
    for line in range(6):
        y = top + (bottom - top) * line // 5
        draw.line((left, y, right, y), fill="lightgray")
        draw.text((4, y - 5), str(line * 20), fill="black")
    points_per_line = int(rng.integers(5, 25))
    for _ in range(int(rng.integers(1, 4))):
        colour = tuple(int(c) for c in rng.integers(0, 220, 3))
        values = np.clip(rng.uniform(0.2, 0.8) + np.cumsum(rng.normal(0, 0.1, points_per_line)), 0, 1)
        points = [
            (left + (right - left) * index // points_per_line, bottom - int((bottom - top) * value))
            for index, value in enumerate(values)
        ]
        if rng.random() < 0.5:
            draw.line(points, fill=colour, width=3)
        else:
            for x, y in points:
                draw.rectangle((x, y, x + (right - left) // (2 * points_per_line), bottom), fill=colour)
    draw.line((left, top, left, bottom, right, bottom), fill="black", width=2)
    return image


def _screenshot(rng: Random, height: int, width: int) -> Image.Image:
    dark = rng.random() < 0.4
    image = Image.new("RGB", (width, height), "#202124" if dark else "#f4f5f7")
    draw = ImageDraw.Draw(image)
    ink, bar = (
        ("white", "#3c4043") if dark else ("black", str(rng.choice(["#1a73e8", "#2d2d2d", "#00897b", "#c62828"])))
    )
    draw.rectangle((0, 0, width, height // 14), fill=bar)
    draw.rectangle((0, height // 14, width // 5, height), fill="#303134" if dark else "#e3e6ea")
    for row in range(3):
        for column in range(3):
            x, y = width * (22 + column * 26) // 100, height * (12 + row * 29) // 100
            draw.rounded_rectangle((x, y, x + width * 24 // 100, y + height * 26 // 100), 8, fill=bar)
            _draw_text(rng, draw, (x + 8, y + 8, x + width * 22 // 100, y + height * 22 // 100), 11, "white")
    _draw_text(rng, draw, (8, height // 8, width // 5, height * 9 // 10), 12, ink)
    return image


def _qr_code(rng: Random, height: int, width: int) -> Image.Image:
    cells = int(rng.integers(21, 60))
    code = (rng.random((cells, cells)) < 0.5).astype(np.uint8) * 255
    side = min(height, width) * 8 // 10
    image = Image.new("RGB", (width, height), "white")
    image.paste(
        Image.fromarray(code).resize((side, side), Image.Resampling.NEAREST),
        ((width - side) // 2, (height - side) // 2),
    )
    return image


def _checkerboard(rng: Random, height: int, width: int) -> Image.Image:
    size = int(rng.integers(6, 60))
    y, x = np.mgrid[:height, :width]
    low, high = sorted(int(level) for level in rng.choice(256, 2, replace=False))
    return Image.fromarray(np.where((y // size + x // size) % 2, high, low).astype(np.uint8))


# --- noise and gradients ---------------------------------------------------------------------------------------------


def _uniform_noise(rng: Random, height: int, width: int) -> Image.Image:
    low, high = sorted(rng.choice(256, 2, replace=False))
    return Image.fromarray(rng.integers(low, high + 1, (height, width, 3), dtype=np.uint8))


def _gaussian_noise(rng: Random, height: int, width: int) -> Image.Image:
    plane = rng.normal(rng.uniform(30, 220), rng.uniform(10, 70), (height, width))
    return _grey(plane)


def _salt_and_pepper(rng: Random, height: int, width: int) -> Image.Image:
    plane = np.full((height, width), rng.uniform(20, 230))
    share = rng.uniform(0.03, 0.5)
    chance = rng.random((height, width))
    plane[chance < share / 2], plane[chance > 1 - share / 2] = 0, 255
    return _grey(plane)


def _blurred_noise(rng: Random, height: int, width: int) -> Image.Image:
    """Noise with grains as large as speckle, but round and without structure."""
    noise = _blur(rng.normal(size=(height, width)), rng.uniform(0.8, 5.0))
    return _grey(rng.uniform(60, 180) + rng.uniform(15, 60) * noise / noise.std())


def _gradient(rng: Random, height: int, width: int) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    radius = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1)) if rng.random() < 0.5 else None
    plane = x * np.cos(angle) + y * np.sin(angle) if radius is None else radius
    plane = (plane - plane.min()) / np.ptp(plane)
    colours = rng.integers(0, 256, (2, 3))
    return Image.fromarray((colours[0] + plane[..., np.newaxis] * (colours[1] - colours[0])).astype(np.uint8))


def _clouds(rng: Random, height: int, width: int) -> Image.Image:
    """1/f noise: the spectrum of photographs, without objects."""
    plane = _fractal(rng, height, width, rng.uniform(0.9, 2.0))
    return _tinted(rng, rng.uniform(90, 160) + rng.uniform(25, 60) * plane)


# --- other medical images --------------------------------------------------------------------------------------------


def _chest_x_ray(rng: Random, height: int, width: int) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    body = _step((0.95 - np.hypot(x, 0.7 * y - 0.3)) / 0.06)
    plane = 25 + 150 * body
    for side in (-1, 1):
        lung = _step((1 - np.hypot((x - side * rng.uniform(0.40, 0.46)) / 0.30, (y + 0.05) / 0.62)) / 0.12)
        plane -= rng.uniform(80, 110) * lung
        for rib in range(8):
            arc = y + 0.62 - 0.17 * rib - 0.35 * (x - side * 0.1) * side
            plane += 14 * lung * np.exp(-((arc / 0.03) ** 2))
    plane += 40 * np.exp(-((x / 0.07) ** 2)) * body + 45 * _step((0.33 - np.hypot(x - 0.12, y - 0.35)) / 0.08)
    plane += rng.uniform(1, 7) * rng.normal(size=plane.shape)
    return _grey(plane)


def _hand_x_ray(rng: Random, height: int, width: int) -> Image.Image:
    image = Image.new("L", (width, height), int(rng.integers(5, 30)))
    draw = ImageDraw.Draw(image)
    unit = min(height, width) / 100
    for finger in range(5):
        angle = np.deg2rad(-90 + (finger - 2) * 17 + rng.normal(0, 3))
        x, y, thick = width / 2 + (finger - 2) * 7 * unit, height * 0.62, int(4.5 * unit)
        for bone in range(4):
            length = (17 - 3 * bone) * unit * rng.uniform(0.9, 1.1)
            x2, y2 = x + length * np.cos(angle), y + length * np.sin(angle)
            draw.line((x, y, x2, y2), fill=100, width=2 * thick)
            draw.line((x, y, x2, y2), fill=int(rng.integers(170, 225)), width=thick)
            x, y = x2 + 2 * unit * np.cos(angle), y2 + 2 * unit * np.sin(angle)
    for _ in range(9):
        x, y = width / 2 + rng.normal(0, 9) * unit, height * 0.72 + rng.normal(0, 5) * unit
        draw.ellipse((x - 5 * unit, y - 5 * unit, x + 5 * unit, y + 5 * unit), fill=int(rng.integers(140, 210)))
    draw.line((width / 2, height * 0.8, width / 2, height), fill=190, width=int(12 * unit))
    image = image.filter(ImageFilter.GaussianBlur(0.8 * unit))
    plane = np.asarray(image, dtype=np.float64)
    return _grey(plane + rng.uniform(1, 8) * rng.normal(size=plane.shape))


def _ct_slice(rng: Random, height: int, width: int) -> Image.Image:
    """Ellipses of even grey in a black surround, as in the phantom of Shepp and Logan, with the grain of a scanner."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    plane = np.zeros((height, width))
    plane[np.hypot(x / 0.85, y / 0.75) < 1] = rng.uniform(180, 250)
    plane[np.hypot(x / 0.78, y / 0.68) < 1] = base = rng.uniform(70, 140)
    for _ in range(int(rng.integers(6, 16))):
        cx, cy = rng.uniform(-0.5, 0.5, 2)
        inside = np.hypot((x - cx) / rng.uniform(0.05, 0.3), (y - cy) / rng.uniform(0.05, 0.3)) < 1
        plane[inside] = base + rng.uniform(-60, 60)
    plane = _blur(plane, 1.0) + (plane > 0) * rng.uniform(2, 14) * _blur(rng.normal(size=plane.shape), 0.7)
    return _grey(plane)


def _brain_slice(rng: Random, height: int, width: int) -> Image.Image:
    """Folded bright and dark matter within a skull, smooth, in a black surround."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    far = np.hypot(x / 0.72, y / 0.88)
    folds = np.tanh(2.5 * _band(rng, height, width, 0.06 * min(height, width)))
    plane = _step((0.86 - far) / 0.02) * (110 + 45 * folds) + 160 * np.exp(-(((far - 0.97) / 0.025) ** 2))
    plane -= 70 * _step((0.12 - np.hypot(np.abs(x) - 0.14, 0.4 * y)) / 0.03)
    return _grey(np.maximum(plane, 6) + rng.uniform(1, 6) * rng.normal(size=plane.shape))


def _stained_cells(rng: Random, height: int, width: int) -> Image.Image:
    ground = np.array([235, 205, 225]) - rng.integers(0, 40, 3)
    image = Image.new("RGB", (width, height), tuple(int(c) for c in ground))
    draw = ImageDraw.Draw(image)
    radius = rng.uniform(6, 18)
    for _ in range(int(height * width / (7 * radius**2))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), radius * rng.uniform(0.6, 1.3)
        wide = r * rng.uniform(0.8, 1.3)
        draw.ellipse((x - 1.8 * wide, y - 1.8 * r, x + 1.8 * wide, y + 1.8 * r), fill=(220, 150, 190))
        draw.ellipse((x - wide, y - r, x + wide, y + r), fill=(90, 50, 130))
    plane = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float64)
    plane = plane + 8 * _fractal(rng, height, width, 1.0)[..., np.newaxis]
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))


def _grey_cells(rng: Random, height: int, width: int) -> Image.Image:
    """Phase contrast: rings with bright halos on an even grey ground."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    plane = np.full((height, width), rng.uniform(100, 160))
    for _ in range(int(rng.integers(15, 60))):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(8, 30)
        far = np.hypot(x - cx, (y - cy) * rng.uniform(0.7, 1.4)) - r
        plane += 70 * np.exp(-((far / 2.5) ** 2)) - 45 * _step(-far / 1.5) * rng.uniform(0.4, 1)
    return _grey(plane + rng.uniform(1, 5) * rng.normal(size=plane.shape))


# --- surfaces and scenes ---------------------------------------------------------------------------------------------


def _bricks(rng: Random, height: int, width: int) -> Image.Image:
    tall, wide = int(rng.integers(18, 60)), int(rng.integers(50, 140))
    y, x = np.mgrid[:height, :width]
    row = y // tall
    column = (x + (row % 2) * wide // 2) // wide
    shade = rng.uniform(-25, 25, (row.max() + 1, column.max() + 2))[row, column]
    joint = (y % tall < 4) | ((x + (row % 2) * wide // 2) % wide < 4)
    plane = np.where(joint, 190.0, 120 + shade) + rng.uniform(5, 20) * _fractal(rng, height, width, 0.7)
    return _tinted(rng, plane)


def _wood(rng: Random, height: int, width: int) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    if rng.random() < 0.5:
        x, y = y, x
    rings = x * rng.uniform(10, 30) + 1.5 * _fractal(rng, height, width, 2.2) + 0.5 * y
    plane = 140 + 40 * np.sin(rings) + 8 * _fractal(rng, height, width, 0.5)
    return _tinted(rng, plane)


def _grass(rng: Random, height: int, width: int) -> Image.Image:
    image = Image.new("L", (width, height), 60)
    draw = ImageDraw.Draw(image)
    for _ in range(height * width // 60):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        length, angle = rng.uniform(8, 28), rng.normal(-np.pi / 2, 0.5)
        end = (x + length * np.cos(angle), y + length * np.sin(angle))
        draw.line((x, y, *end), fill=int(rng.integers(40, 220)), width=int(rng.integers(1, 3)))
    return _tinted(rng, np.asarray(image, dtype=np.float64))


def _fabric(rng: Random, height: int, width: int) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    thread = rng.uniform(4, 14)
    weave = np.abs(np.sin(np.pi * x / thread)) * (np.sin(np.pi * y / thread) > 0)
    weave = weave + np.abs(np.sin(np.pi * y / thread)) * (np.sin(np.pi * y / thread) <= 0)
    return _tinted(rng, 60 + 110 * weave + 10 * rng.normal(size=(height, width)))


def _leaves(rng: Random, height: int, width: int) -> Image.Image:
    """Overlapping shapes of all sizes ("dead leaves"), with the edges and spectrum of photographs."""
    image = Image.new("RGB", (width, height), "gray")
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(400, 1500))):
        radius = 4 / max(rng.random(), 0.02)
        x, y = rng.uniform(-20, width + 20), rng.uniform(-20, height + 20)
        colour = tuple(int(c) for c in np.clip(rng.uniform(10, 245) + rng.normal(0, 25, 3), 0, 255))
        wide = radius * rng.uniform(0.5, 1.5)
        shape = draw.rectangle if rng.random() < 0.4 else draw.ellipse
        shape((x - wide, y - radius, x + wide, y + radius), fill=colour)
    plane = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5))), dtype=np.float64)
    grain = rng.uniform(0, 14) * _fractal(rng, height, width, rng.uniform(0, 1.2))
    return Image.fromarray(np.clip(plane + grain[..., np.newaxis], 0, 255).astype(np.uint8))


def _landscape(rng: Random, height: int, width: int) -> Image.Image:
    """Sky above rows of hills, each with its own texture."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    plane = np.stack([150 + 50 * y, 180 + 40 * y, 235 - 10 * y], axis=-1)
    plane += 15 * _fractal(rng, height, width, 1.8)[..., np.newaxis]
    for hill in range(int(rng.integers(2, 5))):
        ridge = 0.3 + 0.17 * hill + 0.06 * np.sin(2 * np.pi * (x * rng.uniform(0.6, 2.5) + rng.random()))
        ridge += 0.015 * _fractal(rng, 1, width, 1.2)
        surface = np.array([70, 95, 55]) * rng.uniform(0.5, 1.5)
        texture = surface + rng.uniform(8, 25) * _fractal(rng, height, width, rng.uniform(0.6, 1.3))[..., np.newaxis]
        plane = np.where((y > ridge)[..., np.newaxis], texture, plane)
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))


def _portrait(rng: Random, height: int, width: int) -> Image.Image:
    """Draw a head and shoulders before a blurred room, lit from one side."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    plane = 110 + 45 * _fractal(rng, height, width, 2.4)
    light = rng.uniform(-50, 50)
    for shape, level in (
        (np.hypot(x / 0.8, (y - 1.1) / 0.7), rng.uniform(40, 200)),
        (np.hypot(x / 0.44, (y + 0.18) / 0.55), rng.uniform(20, 90)),
        (np.hypot(x / 0.36, (y + 0.1) / 0.46), rng.uniform(140, 210)),
    ):
        inside = _step((1 - shape) / 0.015)
        plane += (level + light * x + 5 * _fractal(rng, height, width, 1.0) - plane) * inside
    for cx, cy, wide, tall in ((-0.14, -0.18, 0.06, 0.025), (0.14, -0.18, 0.06, 0.025), (0.0, 0.15, 0.12, 0.03)):
        plane += (50 - plane) * _step((1 - np.hypot((x - cx) / wide, (y - cy) / tall)) / 0.15)
    return _tinted(rng, plane + rng.uniform(0, 5) * rng.normal(size=plane.shape))


# --- building blocks -------------------------------------------------------------------------------------------------


def _step(value: Plane) -> Plane:
    return 0.5 * (1 + np.tanh(value))


def _grey(plane: Plane) -> Image.Image:
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))


def _tinted(rng: Random, plane: Plane) -> Image.Image:
    return Image.fromarray(np.clip(plane[..., np.newaxis] * rng.uniform(0.6, 1.1, 3), 0, 255).astype(np.uint8))


def _filtered(plane: Plane, gain: Callable[[Plane], Plane]) -> Plane:
    """Multiply a plane's spectrum by `gain` of the frequency, in cycles per pixel; the plane is periodic."""
    frequency = np.hypot(np.fft.fftfreq(plane.shape[0])[:, np.newaxis], np.fft.fftfreq(plane.shape[1]))
    return np.asarray(np.fft.ifft2(np.fft.fft2(plane) * gain(frequency)).real)


def _blur(plane: Plane, size: float) -> Plane:
    return _filtered(plane, lambda frequency: np.exp(-2 * (np.pi * size * frequency) ** 2))


def _fractal(rng: Random, height: int, width: int, power: float) -> Plane:
    """Noise with mean 0 and standard deviation 1, whose amplitudes are the frequency to the power of ``-power``."""
    noise = _filtered(rng.normal(size=(height, width)), lambda frequency: np.maximum(frequency, 1e-3) ** -power)
    return np.asarray((noise - noise.mean()) / noise.std())


def _band(rng: Random, height: int, width: int, size: float) -> Plane:
    """Band-pass noise with standard deviation 1 and structures of one size, in pixels."""
    noise = _filtered(rng.normal(size=(height, width)), lambda f: np.exp(-(((f * size - 0.5) / 0.15) ** 2)))
    return np.asarray(noise / noise.std())


MakeImage = Callable[[Random, int, int], Image.Image]

FITTED_KINDS: dict[str, MakeImage] = {
    "document": _document,
    "chart": _chart,
    "checkerboard": _checkerboard,
    "uniform_noise": _uniform_noise,
    "blurred_noise": _blurred_noise,
    "clouds": _clouds,
    "chest_x_ray": _chest_x_ray,
    "brain_slice": _brain_slice,
    "stained_cells": _stained_cells,
    "bricks": _bricks,
    "fabric": _fabric,
    "leaves": _leaves,
}
HELD_OUT_KINDS: dict[str, MakeImage] = {
    "dark_terminal": _dark_terminal,
    "screenshot": _screenshot,
    "qr_code": _qr_code,
    "gaussian_noise": _gaussian_noise,
    "salt_and_pepper": _salt_and_pepper,
    "gradient": _gradient,
    "hand_x_ray": _hand_x_ray,
    "ct_slice": _ct_slice,
    "grey_cells": _grey_cells,
    "wood": _wood,
    "grass": _grass,
    "landscape": _landscape,
    "portrait": _portrait,
}
