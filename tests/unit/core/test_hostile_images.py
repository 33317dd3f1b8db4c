"""What the decoder makes of hostile files. `tests/slow/test_hostile_images.py` sends more of them, to a worker."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.hostile.case import ANSWER
from tests.hostile.every import small_cases
from tests.hostile.mutations import anything, mutated
from thyroid.core.formats import PILLOW_NAMES
from thyroid.core.imaging import MIN_SIDE, decode
from thyroid.errors import ThyroidError
from thyroid.web.problems import KINDS

MAX_PIXELS = 1_000_000

# The service has Pillow's warnings off; here they would be errors, and then refusals.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

# The same files each time, however long each takes: so it takes about as long each time, and what fails fails again.
fuzz = settings(
    derandomize=True, database=None, deadline=None, max_examples=3_000, suppress_health_check=list(HealthCheck)
)


def outcome(data: bytes) -> str:
    """Decode, and check what comes out."""
    try:
        image = decode(data, max_pixels=MAX_PIXELS)
    except ThyroidError as error:
        if KINDS[type(error)].status >= 500:
            raise
        return error.code
    height, width = image.pixels.shape[:2]
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape[2:] in ((), (3,))
    assert min(height, width) >= MIN_SIDE
    assert height * width <= MAX_PIXELS
    assert image.format in {*PILLOW_NAMES, "MPO"}
    return ANSWER


def test_each_small_hostile_file_becomes_what_it_deserves() -> None:
    wrong = {f"{one.family}: {one.name}" for one in small_cases() if outcome(one.make()) not in one.expected}
    assert not wrong


@fuzz
@given(mutated())
def test_a_mutated_image_is_decoded_or_refused(data: bytes) -> None:
    outcome(data)


@fuzz
@given(anything())
@example(b"")
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    outcome(data)
