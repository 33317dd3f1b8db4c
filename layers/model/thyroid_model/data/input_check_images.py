"""The pictures that the input check is chosen with, and those that it is measured on.

Of DDTI and BUS-BRA the even cases are chosen with and the odd ones measured on, of the phantoms the even and odd seeds;
BrEaST is only measured on. A picture is yielded with the group that it is reported under.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from thyroid import phantom
from thyroid_model.data import breast, bus_bra, ddti
from thyroid_model.data import other_images as other_pictures
from thyroid_model.data.findings import DataError, Findings, Kind
from thyroid_model.data.image_files import digest
from thyroid_model.data.lesions import Lesion
from thyroid_model.data.other_images import Pixels

Picture = ddti.Frame | Lesion
Sets = Mapping[str, Sequence[Picture]]
Grouped = Iterator[tuple[str, Pixels]]

_TOLD = (Kind.MISSING, Kind.UNREADABLE, Kind.EXTRA)  # labels and outlines do not matter here
_HALVED = ("ddti", "bus-bra")
_NUMBER = re.compile(r"\d+")


def read_sets(data: Path) -> Sets:
    """List the pictures of the sets: ``ddti``, and ``bus-bra`` and ``breast`` where the folder has them.

    A line on the standard error names each set that is left out, and each file that is missing, unreadable or not of
    its set.

    Raises
    ------
    DataError
        If there is no DDTI, a set is damaged by more than the rule in `thyroid_model.data.findings` allows, a half has
        no picture, or a case no number.
    """
    findings = Findings()
    sets: dict[str, Sequence[Picture]] = {"ddti": ddti.read_all(data, findings)}
    for name, find, read in (
        ("bus-bra", bus_bra.find_root, bus_bra.read),
        ("breast", breast.find_table, breast.read),
    ):
        try:
            find(data)
        except DataError as error:
            _tell(f"{name} is left out. {error}")
        else:
            sets[name] = read(data, findings)
    for name in _HALVED:
        if name in sets:
            _halves(name, sets[name])
    for finding in findings.findings:
        if finding.kind in _TOLD:
            _tell(f"{finding.of}: {finding.name}: {finding.sentence}")
    return sets


def ultrasound(sets: Sets, *, chosen_with: bool) -> Grouped:
    """Yield the pictures of one half; each third one also at another size and in JPEG.

    Parameters
    ----------
    sets : mapping
        As `read_sets` returns them.
    chosen_with : bool
        Whether the half that the rule is chosen with; otherwise the other one, and BrEaST.

    Yields
    ------
    tuple
        Set, or set and ``, resized``, and 8-bit RGB of shape (height, width, 3).
    """
    rng = np.random.default_rng(0)
    for name in _HALVED:
        if name in sets:
            for place, pixels in enumerate(_half(name, sets[name], chosen_with=chosen_with)):
                yield name, pixels
                if place % 3 == 0:
                    yield f"{name}, resized", _resized(rng, pixels)
    if not chosen_with:
        for picture in sets.get("breast", ()):
            yield "breast", picture.pixels()


def phantoms(*, chosen_with: bool) -> Grouped:
    """Yield the project's own phantoms, of even seeds or of odd ones, in many sizes."""
    rng = np.random.default_rng(1)
    for seed in range(0 if chosen_with else 1, 20, 2):
        for suspicious in (False, True):
            height = int(rng.integers(240, 700))
            width = height * 3 // 2
            yield "phantom", phantom.make(seed, suspicious=suspicious, height=height, width=width)
            yield "phantom in a frame", phantom.make_frame(seed, suspicious=suspicious, height=height, width=width)


def others(kinds: Sequence[str], count: int) -> Grouped:
    """Yield pictures of each kind of `other_pictures`, as many of each."""
    for kind in kinds:
        for seed in range(count):
            yield kind, other_pictures.make(kind, seed)


def _half(name: str, pictures: Sequence[Picture], *, chosen_with: bool) -> Iterator[Pixels]:
    """Yield the pictures of the even cases, or those of the odd ones that no even case has, too, in order of file name.

    The order decides which of them are resized and how, and so it decides the rule.
    """
    even, odd = _halves(name, pictures)
    if chosen_with:
        yield from (picture.pixels() for picture in even)
        return
    known = {digest(picture.pixels()) for picture in even}  # DDTI has the same picture under several cases
    for picture in odd:
        pixels = picture.pixels()
        if digest(pixels) not in known:
            yield pixels


def _halves(name: str, pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Return the pictures of even and of odd cases, each in order of file name."""
    even: list[Picture] = []
    odd: list[Picture] = []
    for picture in sorted(pictures, key=lambda picture: picture.path.name):
        (odd if _case(name, picture) % 2 else even).append(picture)
    if not even or not odd:
        raise DataError(f"{name}: no picture is of an {'odd' if even else 'even'} case, so the set has no two halves.")
    return even, odd


def _case(name: str, picture: Picture) -> int:
    """Return the number of a picture's case: it depends on nothing but the case, so no case comes on both sides."""
    if isinstance(picture, ddti.Frame):
        return picture.case
    found = _NUMBER.search(picture.group)
    if found is None:
        raise DataError(f"{name}: the case {picture.group!r} of {picture.path.name} has no number, even or odd.")
    return int(found[0])


def _resized(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Do what is done to pictures before they are sent: another size, and JPEG."""
    scale = rng.uniform(0.6, 2.0)
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels).resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))


def _tell(line: str) -> None:
    tqdm.write(line, file=sys.stderr)  # the standard output is for the figures
