"""Where the parts of a file of any format begin."""

from collections.abc import Iterator

from tests.hostile import bmp, gif, jpeg, png, tiff, webp

PARTS = {
    "PNG": png.parts,
    "JPEG": jpeg.parts,
    "WEBP": webp.parts,
    "BMP": bmp.parts,
    "TIFF": tiff.parts,
    "GIF": gif.parts,
}


def boundaries(kind: str, data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of each, each place once."""
    seen = set()
    for name, at in PARTS[kind](data):
        if at not in seen:
            seen.add(at)
            yield name, at
