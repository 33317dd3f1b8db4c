"""Images that the input check's rule is fitted on, and images that it is measured on.

The rule is fitted on the even cases of DDTI and BUS-BRA and on phantoms with even seeds. It is measured on the odd
cases, on phantoms with odd seeds, and on BrEaST. Each image is yielded with the group that it is reported under.
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
from thyroid_model.data import breast, bus_bra, ddti, other_images
from thyroid_model.data.findings import DataError, Findings, Kind
from thyroid_model.data.image_files import digest
from thyroid_model.data.lesions import Lesion
from thyroid_model.data.other_images import Pixels

DatasetImage = ddti.Frame | Lesion
Datasets = Mapping[str, Sequence[DatasetImage]]
Grouped = Iterator[tuple[str, Pixels]]

_REPORTED = (Kind.MISSING, Kind.UNREADABLE, Kind.EXTRA)  # labels and outlines do not matter here
_SPLIT_SETS = ("ddti", "bus-bra")
_NUMBER = re.compile(r"\d+")


def read_sets(data: Path) -> Datasets:
    """List the images of the datasets: ``ddti``, and ``bus-bra`` and ``breast`` where the folder has them.

    Standard error gets a line for each dataset that is left out, and for each file that is missing, unreadable or not
    of its dataset.

    Raises
    ------
    DataError
        If there is no DDTI, a dataset is more damaged than the rule in `thyroid_model.data.findings` allows, a half has
        no image, or a case has no number.
    """
    findings = Findings()
    sets: dict[str, Sequence[DatasetImage]] = {"ddti": ddti.read_all(data, findings)}
    for name, find, read in (
        ("bus-bra", bus_bra.find_root, bus_bra.read),
        ("breast", breast.find_table, breast.read),
    ):
        try:
            find(data)
        except DataError as error:
            _print(f"{name} is left out. {error}")
        else:
            sets[name] = read(data, findings)
    for name in _SPLIT_SETS:
        if name in sets:
            _halves(name, sets[name])
    for finding in findings.findings:
        if finding.kind in _REPORTED:
            _print(f"{finding.dataset}: {finding.name}: {finding.sentence}")
    return sets


def ultrasound(sets: Datasets, *, for_fitting: bool) -> Grouped:
    """Yield the images of one half; every third one also resized and compressed as JPEG.

    Parameters
    ----------
    sets : mapping
        As `read_sets` returns them.
    for_fitting : bool
        The half that the rule is fitted on; otherwise the other half, and BrEaST.

    Yields
    ------
    tuple
        Dataset, or dataset and ``, resized``; and uint8 RGB, shape (height, width, 3).
    """
    rng = np.random.default_rng(0)
    for name in _SPLIT_SETS:
        if name in sets:
            for index, pixels in enumerate(_half(name, sets[name], for_fitting=for_fitting)):
                yield name, pixels
                if index % 3 == 0:
                    yield f"{name}, resized", _resized(rng, pixels)
    if not for_fitting:
        for image in sets.get("breast", ()):
            yield "breast", image.pixels()


def phantoms(*, for_fitting: bool) -> Grouped:
    """Yield the project's phantoms in many sizes: those with even seeds, or those with odd ones."""
    rng = np.random.default_rng(1)
    for seed in range(0 if for_fitting else 1, 20, 2):
        for suspicious in (False, True):
            height = int(rng.integers(240, 700))
            width = height * 3 // 2
            yield "phantom", phantom.make(seed, suspicious=suspicious, height=height, width=width)
            yield "phantom in a frame", phantom.make_frame(seed, suspicious=suspicious, height=height, width=width)


def generated(kinds: Sequence[str], count: int) -> Grouped:
    """Yield ``count`` images of each of these kinds of `other_images`."""
    for kind in kinds:
        for seed in range(count):
            yield kind, other_images.make(kind, seed)


def _half(name: str, images: Sequence[DatasetImage], *, for_fitting: bool) -> Iterator[Pixels]:
    """Yield the images of the even cases, or those of the odd cases without duplicates of even ones, by file name.

    The order decides which images are resized, and how, so the rule depends on it.
    """
    even, odd = _halves(name, images)
    if for_fitting:
        yield from (image.pixels() for image in even)
        return
    even_digests = {digest(image.pixels()) for image in even}  # DDTI has the same image in several cases
    for image in odd:
        pixels = image.pixels()
        if digest(pixels) not in even_digests:
            yield pixels


def _halves(name: str, images: Sequence[DatasetImage]) -> tuple[list[DatasetImage], list[DatasetImage]]:
    """Return the images of even cases and of odd cases, each in order of file name."""
    even: list[DatasetImage] = []
    odd: list[DatasetImage] = []
    for image in sorted(images, key=lambda image: image.path.name):
        (odd if _case(name, image) % 2 else even).append(image)
    if not even or not odd:
        raise DataError(
            f"{name}: no image is of an {'odd' if even else 'even'} case, so the set cannot be split into halves."
        )
    return even, odd


def _case(name: str, image: DatasetImage) -> int:
    """Return the number of an image's case; it depends on the case alone, so no case is in both halves."""
    if isinstance(image, ddti.Frame):
        return image.case
    found = _NUMBER.search(image.group)
    if found is None:
        raise DataError(f"{name}: the case {image.group!r} of {image.path.name} has no number.")
    return int(found[0])


def _resized(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Resize and compress, as images often are before they are sent."""
    scale = rng.uniform(0.6, 2.0)
    height, width = pixels.shape[:2]
    resized = Image.fromarray(pixels).resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    resized.save(file, "JPEG", quality=int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))


def _print(line: str) -> None:
    tqdm.write(line, file=sys.stderr)  # standard output is for the results
