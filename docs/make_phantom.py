"""Makes the sample picture of the page at ``/app``: a phantom that shows nobody, small enough to be a file of it.

``python -m docs.make_phantom`` writes it anew, after a change of :mod:`thyroid.phantom`.
"""

import io

from PIL import Image

from thyroid import phantom
from thyroid.web.page import FOLDER

SEED, HEIGHT, WIDTH = 3, 320, 480
QUALITY = 80
SAMPLE = FOLDER / "phantom.jpg"  # a JPEG: of speckle a PNG would be three times as large


def make() -> bytes:
    """Return the file."""
    file = io.BytesIO()
    picture = Image.fromarray(phantom.make(SEED, suspicious=True, height=HEIGHT, width=WIDTH)).convert("L")
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


if __name__ == "__main__":
    SAMPLE.write_bytes(make())
