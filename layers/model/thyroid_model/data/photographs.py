"""Photographs that come with installed packages, on which the input check is tried beside pictures made by code.

Which ones there are depends on what is installed: none of the packages is a dependency for this. So whoever reports
what was measured says which packages it was (`find`). Their files are read, and nothing of them is imported or run.
"""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from thyroid_model.data import other_images as other_pictures
from thyroid_model.data.image_files import DECODE_ERRORS, read_pixels
from thyroid_model.data.other_images import Pixels

# By name: the module that tells where the package is, and its folder of pictures.
PACKAGES = {
    "scikit-image": ("skimage", "data"),
    "scikit-learn": ("sklearn", "datasets/images"),
    "Matplotlib": ("matplotlib", "mpl-data/sample_data"),
}
CROPS = 12  # of each photograph
SMALLEST = 128  # pixels a side
_SUFFIXES = (".png", ".jpg", ".jpeg")


def find() -> dict[str, list[Path]]:
    """List the photographs by package, every package of `PACKAGES`: none where it is not installed or has none.

    What cannot be decoded, or is under `SMALLEST` pixels a side, is left out.
    """
    found: dict[str, list[Path]] = {}
    for package, (module, folder) in PACKAGES.items():
        spec = importlib.util.find_spec(module)
        roots = (spec.submodule_search_locations or []) if spec else []
        files = sorted(path for root in roots for path in (Path(root) / folder).glob("*"))
        found[package] = [path for path in files if path.suffix.lower() in _SUFFIXES and _is_large_enough(path)]
    return found


def crops(found: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, Pixels]]:
    """Yield crops at several sizes, half of them grey, of what `find` found.

    Yields
    ------
    tuple
        ``package: file``, and 8-bit RGB of shape (height, width, 3), at least `SMALLEST` pixels a side.
    """
    for package, paths in found.items():
        for path in paths:
            # Of its own for each, so that the crops of one do not depend on what else is installed.
            rng = np.random.default_rng([2, *path.name.encode()])
            pixels = read_pixels(path)
            for _ in range(CROPS):
                yield f"{package}: {path.name}", _crop(rng, pixels)


def _is_large_enough(path: Path) -> bool:
    try:
        height, width, _ = read_pixels(path).shape
    except DECODE_ERRORS:
        return False
    return bool(min(height, width) >= SMALLEST)


def _crop(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    share = rng.uniform(0.5, 1.0)
    tall, wide = max(SMALLEST, int(share * height)), max(SMALLEST, int(share * width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    picture = Image.fromarray(pixels[top : top + tall, left : left + wide])
    if min(tall, wide) > 2 * SMALLEST and rng.random() < 0.4:
        picture = picture.resize((wide // 2, tall // 2))
    return other_pictures.finished(rng, picture)
