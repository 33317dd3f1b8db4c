"""An ultrasound phantom made by code: sample images that belong to no patient.

A transverse neck: skin, fat, strap muscles, a thyroid lobe between trachea and carotid, and a nodule in it with or
without the traits that TI-RADS calls suspicious. It is for tests, examples and the README. It looks like ultrasound,
but the score that a network gives it means nothing.

The image is made as in textbooks: a map of echo amplitudes, random scatterers, blurred by the pulse of the
probe, whose envelope has Rayleigh speckle (Wagner et al., IEEE Trans. Sonics Ultrason. 30, 1983), log-compressed.
Lengths are in units of the image's height: depth ``y`` runs from 0 at the probe to 1, ``x`` is 0 in the middle.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Plane = npt.NDArray[np.float64]
ComplexPlane = npt.NDArray[np.complex128]
Pixels = npt.NDArray[np.uint8]

_DYNAMIC_RANGE = 58.0  # dB from black to white
_LOOKS = 2  # images of other speckle that are averaged, as spatial compounding does
_CAPTION = ("LOBE", "SAMPLE PHANTOM")
_SETTINGS = ("P100", "12L6", "9.0", "31fps", "DR52", "2DG", "92")


def make(seed: int, *, suspicious: bool, height: int = 400, width: int = 600) -> Pixels:
    """Make a field of view, without caption or border.

    Parameters
    ----------
    seed : int
        Decides the anatomy and every grain of speckle: the same seed gives the same bytes.
    suspicious : bool
        True: a nodule darker than its surroundings, taller than wide, of irregular margin, with bright
        microcalcifications. False: a smooth oval as bright as its surroundings, in a thin dark halo.
    height, width : int
        In pixels, each at least 64.

    Returns
    -------
    numpy.ndarray
        8-bit RGB, all three channels the same, shape (height, width, 3).
    """
    if min(height, width) < 64:
        raise ValueError(f"A phantom needs 64 pixels a side, not {height} × {width}.")
    rng = np.random.default_rng(seed)
    amplitude = _anatomy(rng, height, width, suspicious=suspicious)
    return np.repeat(_image(rng, amplitude)[..., np.newaxis], 3, axis=2)


def make_frame(
    seed: int, *, suspicious: bool, height: int = 480, width: int = 720, caption: Sequence[str] = _CAPTION
) -> Pixels:
    """Make a whole machine frame: the phantom in a black border, with caption, settings, rulers and grey scale.

    Parameters
    ----------
    seed, suspicious
        As for `make`.
    height, width : int
        Of the frame, in pixels, each at least 240. `frame_box` returns where in it the phantom is.
    caption : sequence of str
        Written below the phantom, side by side.

    Returns
    -------
    numpy.ndarray
        8-bit RGB, shape (height, width, 3).
    """
    if min(height, width) < 240:
        raise ValueError(f"A machine frame needs 240 pixels a side, not {height} × {width}.")
    left, top, right, bottom = frame_box(height, width)
    frame = Image.new("RGB", (width, height))
    frame.paste(
        Image.fromarray(make(seed, suspicious=suspicious, height=bottom - top, width=right - left)), (left, top)
    )

    draw = ImageDraw.Draw(frame)
    unit = height // 30
    font = ImageFont.load_default(size=unit)
    for column, text in enumerate(caption):
        draw.text((left + unit + column * (right - left) // 3, bottom + unit), text, fill="white", font=font)
    for line, text in enumerate(_SETTINGS):
        draw.text((width - 3 * unit, top + line * 1.3 * unit), text, fill="white", font=font)
    for tick in range(9):
        depth = top + (bottom - 1 - top) * tick // 8
        draw.rectangle((left - unit // 2 - 2, depth, left - unit // 2, depth + 1), fill="white")
    scale_top, scale_bottom = top + (bottom - top) // 3, top + (bottom - top) * 2 // 3
    for row in range(scale_top, scale_bottom):
        level = 255 - 255 * (row - scale_top) // (scale_bottom - scale_top)
        draw.line((unit, row, unit + unit // 2, row), fill=(level, level, level))
    return np.asarray(frame)


def frame_box(height: int = 480, width: int = 720) -> tuple[int, int, int, int]:
    """Return where the phantom is in a frame of this size: left, top, right, bottom (the last two exclusive)."""
    return width * 15 // 100, height * 4 // 100, width * 88 // 100, height * 86 // 100


def _anatomy(rng: np.random.Generator, height: int, width: int, *, suspicious: bool) -> Plane:
    """Return the mean echo amplitude of each pixel; that of thyroid tissue is 1."""
    aspect = width / height
    y = (np.arange(height)[:, np.newaxis] + 0.5) / height
    x = (np.arange(width)[np.newaxis, :] + 0.5) / height - aspect / 2
    y, x = np.broadcast_arrays(y, x)
    soft = 1.5 / height  # edges are this blurred

    def below(depth: Plane | float) -> Plane:
        return _step((y - depth) / soft)

    def line(depth: Plane | float, thickness: float) -> Plane:
        return np.exp(-(((y - depth) / thickness) ** 2))

    def wave(size: float) -> Plane:
        return _wave(rng, x, size)

    # From the probe inwards: skin, fat with its septa, strap muscle with its fibres, the deep muscles.
    fat, muscle, fascia = 0.045 + wave(0.004), 0.12 + wave(0.012), 0.235 + wave(0.014)
    amplitude = np.full((height, width), 1.9)
    amplitude += (0.55 * np.exp(0.35 * _texture(rng, height, width, 0.006, 0.10)) - amplitude) * below(fat)
    amplitude += 1.1 * line(0.083 + wave(0.012), 0.004) * _step(_wave(rng, x, 2.0))
    amplitude += (0.30 * np.exp(0.5 * _texture(rng, height, width, 0.0045, 0.08)) - amplitude) * below(muscle)
    amplitude += 1.9 * line(muscle, 0.005) + 1.5 * line(0.182 + wave(0.008), 0.003) + 1.2 * line(fascia, 0.004)
    deep = 0.26 * np.exp(0.5 * _texture(rng, height, width, 0.007, 0.09))
    amplitude += (deep - amplitude) * below(fascia + 0.01)

    # The lobe, from near the trachea to under the carotid, in its bright capsule.
    lobe_x, lobe_y = rng.uniform(-0.03, 0.05), rng.uniform(0.46, 0.49)
    across = 0.40 * aspect * rng.uniform(0.92, 1.0)
    lobe = (np.abs((x - lobe_x) / across) ** 2.6 + np.abs((y - lobe_y - wave(0.012)) / 0.225) ** 2.6) ** (1 / 2.6) - 1
    tissue = np.exp(0.13 * _texture(rng, height, width, 0.035, 0.05))
    amplitude += (tissue - amplitude) * _step(-lobe * 0.225 / soft)
    amplitude += 1.5 * np.exp(-((lobe * 0.225 / 0.005) ** 2)) * np.abs(np.cos(np.arctan2(x, y - lobe_y)))
    amplitude += 1.6 * line(0.80 + wave(0.02), 0.006) * (0.6 + 0.4 * _texture(rng, height, width, 0.004, 0.15))

    gain = np.ones_like(amplitude)  # of the tissue behind: shadow below 1, enhancement above

    # Carotid: no echo inside, a bright wall, more light behind.
    vessel_x, vessel_y, vessel_r = lobe_x + across * 0.98, rng.uniform(0.52, 0.58), rng.uniform(0.085, 0.10)
    vessel = np.hypot(x - vessel_x, y - vessel_y) - vessel_r
    amplitude += (0.035 - amplitude) * _step(-vessel / soft)
    amplitude += 1.3 * np.exp(-(((vessel - 0.006) / 0.006) ** 2)) * np.abs(y - vessel_y) / vessel_r
    gain *= 1 + 0.7 * np.exp(-(((x - vessel_x) / (0.7 * vessel_r)) ** 2)) * below(vessel_y + vessel_r)

    # Trachea: a bright wall, and behind it air, that is reverberations fading into black.
    air_x, air_y, air_r = lobe_x - across * 1.08, rng.uniform(0.60, 0.64), rng.uniform(0.20, 0.23)
    air = np.hypot(x - air_x, y - air_y) - air_r
    arch = air_y - np.sqrt(np.maximum(air_r**2 - (x - air_x) ** 2, 0))
    behind = below(arch) * _step((air_r - np.abs(x - air_x)) / (12 * soft))
    gain *= 1 - behind * (1 - 0.9 * np.exp(-np.maximum(y - arch, 0) / 0.07))
    amplitude += (
        behind * 1.2 * np.exp(-np.maximum(y - arch, 0) / 0.10) * (0.5 + 0.5 * np.cos(2 * np.pi * air / 0.032)) ** 4
    )
    amplitude += 3.0 * np.exp(-((air / 0.007) ** 2)) * _step((air_y - 0.06 - y) / soft)

    nodule_x = lobe_x + rng.uniform(-0.25, 0.2) * across
    return _nodule(rng, x, y, amplitude, gain, (nodule_x, lobe_y + rng.uniform(-0.015, 0.015)), suspicious=suspicious)


def _nodule(
    rng: np.random.Generator,
    x: Plane,
    y: Plane,
    amplitude: Plane,
    gain: Plane,
    centre: tuple[float, float],
    *,
    suspicious: bool,
) -> Plane:
    """Return the amplitudes with the nodule in place and with what it does to the tissue behind it."""
    height, width = amplitude.shape
    soft = 1.5 / height
    right, down = x - centre[0], y - centre[1]
    angle = np.arctan2(down, right)
    half_width, half_height = (
        (rng.uniform(0.105, 0.120), rng.uniform(0.155, 0.170))
        if suspicious
        else (rng.uniform(0.19, 0.22), rng.uniform(0.125, 0.145))
    )
    margin = np.ones_like(angle)
    if suspicious:
        for lobes in (3, 5, 8, 13):  # lobulated, then spiculated
            margin += rng.uniform(0.04, 0.07) * np.sin(lobes * angle + rng.uniform(0, 2 * np.pi))
    radius = np.hypot(right / half_width, down / half_height) / margin
    outside = (radius - 1) * min(half_width, half_height)  # about the distance from the margin
    inside = _step(-outside / soft)

    if suspicious:
        dark = 0.24 * np.exp(0.3 * _texture(rng, height, width, 0.02, 0.02))
        amplitude = amplitude + (dark - amplitude) * inside
        shadow = np.exp(-((right / (0.6 * half_width)) ** 2)) * _step((down - half_height) / 0.02)
        gain = gain * (1 - 0.35 * shadow)
        for _ in range(int(rng.integers(12, 18))):
            turn, far = rng.uniform(0, 2 * np.pi), 0.8 * np.sqrt(rng.uniform())
            speck_x, speck_y = far * half_width * np.cos(turn), far * half_height * np.sin(turn)
            size = rng.uniform(0.0028, 0.0045)
            speck = np.exp(-(((right - speck_x) / (1.5 * size)) ** 2) - ((down - speck_y) / size) ** 2)
            amplitude = amplitude + rng.uniform(5, 9) * speck
    else:
        inner = 1.05 * np.exp(0.16 * _texture(rng, height, width, 0.02, 0.025))
        amplitude = amplitude + (inner - amplitude) * inside
        amplitude = amplitude * (1 - 0.72 * np.exp(-(((outside - 0.002) / 0.0065) ** 2)))
        edges = np.exp(-(((np.abs(right) - half_width) / 0.012) ** 2)) * _step(down / 0.03)
        gain = gain * (1 - 0.25 * edges)
    return np.maximum(amplitude, 0.0) * gain


def _image(rng: np.random.Generator, amplitude: Plane) -> Pixels:
    """Return what the probe shows of the amplitudes: speckle, attenuation, noise, log compression."""
    unit = amplitude.shape[0] / 400
    margin = 2 * int(4 * unit + 1)  # the blur wraps round: what it carries over is cut off again
    amplitude = np.pad(amplitude, margin, mode="edge")
    height, width = amplitude.shape
    depth = np.linspace(0, 1, height)[:, np.newaxis]
    unfocused = np.clip(np.abs(depth - 0.42) * 1.8, 0, 1)
    envelope = np.zeros_like(amplitude)
    for _ in range(_LOOKS):
        scatterers = rng.standard_normal((height, width)) + 1j * rng.standard_normal((height, width))
        # The pulse is short along the beam; across, the beam widens away from its focus.
        narrow = _blur(scatterers * amplitude, 0.9 * unit, 1.3 * unit)
        wide = _blur(scatterers * amplitude, 1.0 * unit, 2.6 * unit)
        envelope += np.abs((1 - unfocused) * narrow / narrow.std() + unfocused * wide / wide.std()) / _LOOKS
    envelope *= 1.05 - 0.55 * depth**1.6
    noise = np.abs(_blur(rng.standard_normal((height, width)) + 1j * rng.standard_normal((height, width)), unit, unit))
    envelope = np.hypot(envelope, 0.012 * noise / noise.mean())
    envelope = envelope[margin:-margin, margin:-margin]
    decibels = 20 * np.log10(np.maximum(envelope, 1e-6) / np.quantile(envelope, 0.9995))
    grey = np.clip(1 + decibels / _DYNAMIC_RANGE, 0, 1) ** 1.6
    # No pixel of tissue is black: black is the border of an image.
    return np.asarray(np.round(14 + 241 * grey), dtype=np.uint8)


def _step(value: Plane) -> Plane:
    """Return 0 far below 0, 1 far above, smoothly."""
    return 0.5 * (1 + np.tanh(value))


def _wave(rng: np.random.Generator, x: Plane, size: float) -> Plane:
    """Return a gentle random curve over ``x``, within ± ``size``."""
    curve = np.zeros_like(x)
    for cycles in (0.5, 1.1, 2.3):
        curve += np.sin(2 * np.pi * (cycles * x + rng.uniform())) / (1 + cycles)
    return size * curve / 1.45


def _texture(rng: np.random.Generator, height: int, width: int, axial: float, lateral: float) -> Plane:
    """Return smooth noise of mean 0 and deviation 1, with grains of the given size in units of the height."""
    noise = _blur(rng.standard_normal((height, width)), axial * height, lateral * height).real
    return np.asarray((noise - noise.mean()) / noise.std())


def _blur(plane: Plane | ComplexPlane, axial: float, lateral: float) -> ComplexPlane:
    """Blur with a Gaussian of the given deviations, in pixels down and across; edges wrap round."""
    down, across = np.fft.fftfreq(plane.shape[0])[:, np.newaxis], np.fft.fftfreq(plane.shape[1])
    pulse = np.exp(-2 * np.pi**2 * ((axial * down) ** 2 + (lateral * across) ** 2))
    return np.asarray(np.fft.ifft2(np.fft.fft2(plane) * pulse))
