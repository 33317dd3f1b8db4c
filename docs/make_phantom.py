"""Makes the sample image of the page at ``/app``: a phantom, which shows no patient, as a small file.

``python -m docs.make_phantom`` rewrites it, after a change of :mod:`thyroid.phantom`.
"""

import io

from PIL import Image

from thyroid import phantom
from thyroid.web.page import FOLDER

SEED, HEIGHT, WIDTH = 3, 320, 480
QUALITY = 80
SAMPLE = FOLDER / "phantom.jpg"  # a JPEG: a PNG of speckle is three times as large


def make() -> bytes:
    """Return the bytes of the JPEG file."""
    file = io.BytesIO()
    image = Image.fromarray(phantom.make(SEED, suspicious=True, height=HEIGHT, width=WIDTH)).convert("L")
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


if __name__ == "__main__":
    SAMPLE.write_bytes(make())
