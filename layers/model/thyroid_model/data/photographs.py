"""Photographs that installed packages contain; the input check is measured on them beside generated images.

None of the packages is a dependency for this, so which photographs there are depends on what is installed. Reports
therefore name the packages (`find`). The files are read; no code of the packages is imported or run.
"""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from thyroid_model.data import other_images
from thyroid_model.data.image_files import DECODE_ERRORS, read_pixels
from thyroid_model.data.other_images import Pixels

# By name: the module that locates the package, and its folder of images.
PACKAGES = {
    "scikit-image": ("skimage", "data"),
    "scikit-learn": ("sklearn", "datasets/images"),
    "Matplotlib": ("matplotlib", "mpl-data/sample_data"),
}
CROPS = 12  # per photograph
MIN_SIDE = 128  # pixels a side
_SUFFIXES = (".png", ".jpg", ".jpeg")


def find() -> dict[str, list[Path]]:
    """List the photographs of each package of `PACKAGES`; an empty list where the package is missing or has none.

    A file that cannot be decoded, or is under `MIN_SIDE` pixels a side, is left out.
    """
    found: dict[str, list[Path]] = {}
    for package, (module, folder) in PACKAGES.items():
        spec = importlib.util.find_spec(module)
        roots = (spec.submodule_search_locations or []) if spec else []
        files = sorted(path for root in roots for path in (Path(root) / folder).glob("*"))
        found[package] = [path for path in files if path.suffix.lower() in _SUFFIXES and _is_large_enough(path)]
    return found


def crops(found: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, Pixels]]:
    """Yield `CROPS` crops of each photograph that `find` returned, at several sizes, half of them grey.

    Yields
    ------
    tuple
        ``package: file``; and uint8 RGB, shape (height, width, 3), at least `MIN_SIDE` pixels a side.
    """
    for package, paths in found.items():
        for path in paths:
            # A generator for each photograph: its crops do not depend on what else is installed.
            rng = np.random.default_rng([2, *path.name.encode()])
            pixels = read_pixels(path)
            for _ in range(CROPS):
                yield f"{package}: {path.name}", _crop(rng, pixels)


def _is_large_enough(path: Path) -> bool:
    try:
        height, width, _ = read_pixels(path).shape
    except DECODE_ERRORS:
        return False
    return bool(min(height, width) >= MIN_SIDE)


def _crop(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    share = rng.uniform(0.5, 1.0)
    tall, wide = max(MIN_SIDE, int(share * height)), max(MIN_SIDE, int(share * width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    image = Image.fromarray(pixels[top : top + tall, left : left + wide])
    if min(tall, wide) > 2 * MIN_SIDE and rng.random() < 0.4:
        image = image.resize((wide // 2, tall // 2))
    return other_images.vary_format(rng, image)
