from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from thyroid import phantom
from thyroid_model.evaluation import text

Pixels = npt.NDArray[np.uint8]


def written(what: str, size: float = 16, fill: tuple[int, int, int] = (255, 255, 255), quality: int = 85) -> Pixels:
    """A phantom with text at (150, 250), as JPEG shows it."""
    image = Image.fromarray(phantom.make(0, suspicious=True))
    ImageDraw.Draw(image).text((150, 250), what, fill=fill, font=ImageFont.load_default(size=size))
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_on_speckle(seed: int) -> None:
    assert text.find(phantom.make(seed, suspicious=bool(seed % 2))) == []


@pytest.mark.parametrize("size", [9, 16, 30])
@pytest.mark.parametrize("fill", [(255, 255, 255), (255, 220, 0)])
def test_text_on_speckle_is_found_where_it_is(size: float, fill: tuple[int, int, int]) -> None:
    rows = text.find(written("MALIGNANT TIRADS", size, fill))

    assert rows
    assert all(row.left >= 148 and row.top >= 248 and row.bottom <= 252 + 1.5 * size for row in rows)


def test_each_line_is_a_row() -> None:
    pixels = np.zeros((120, 300, 3), np.uint8)
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).text((20, 20), "TIRADS\nTIRADS", font=ImageFont.load_default(size=20))

    upper, lower = sorted(text.find(np.array(image)), key=lambda row: row.top)

    assert upper.bottom <= lower.top


def test_two_characters_are_no_row() -> None:
    assert text.find(written("TH")) == []


def test_a_black_image_has_no_text() -> None:
    assert text.find(np.zeros((40, 60, 3), np.uint8)) == []


def test_blurred_letters_are_taken_for_tissue() -> None:
    image = Image.fromarray(written("TIRADS"))
    blurred = np.array(image.resize((75, 50)).resize(image.size, Image.Resampling.BICUBIC))

    assert text.find(blurred) == []
