"""Makes the README's result image: a phantom, its heatmap and the overlay, as the service returns them.

``python docs/make_result_image.py`` with a compiled model in place (``make model``).
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from thyroid import phantom
from thyroid.core.analyzer import Analyzer
from thyroid.core.options import ExplainOptions
from thyroid.settings import get_settings

SEED = 3
SIZE = 420
GAP = 12


def main() -> None:
    """Write ``docs/result.png``."""
    file = io.BytesIO()
    Image.fromarray(phantom.make(SEED, suspicious=True)).save(file, "PNG")
    explanation = Analyzer(get_settings()).explain(file.getvalue(), ExplainOptions(size=SIZE)).explanation
    images = (
        (explanation.images.original, explanation.images.heatmap, explanation.images.overlay) if explanation else ()
    )
    panes = [np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in images]
    height, width, _ = panes[0].shape
    sheet = np.full((height, 3 * width + 2 * GAP, 3), 255, np.uint8)
    for number, pane in enumerate(panes):
        left = number * (width + GAP)
        sheet[:, left : left + width] = pane
    Image.fromarray(sheet).save(Path(__file__).with_name("result.png"), optimize=True)


if __name__ == "__main__":
    main()
