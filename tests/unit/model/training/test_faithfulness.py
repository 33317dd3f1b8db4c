from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.training.faithfulness import STEPS, blur, measure

Plane = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]
SIDE = 32


@pytest.fixture
def image() -> Plane:
    """A chequered patch at the upper left of grey: its detail is what a blur takes away."""
    image = np.full((SIDE, SIDE), 0.5, np.float32)
    image[:8, :8] = np.indices((8, 8)).sum(axis=0) % 2
    return image


@pytest.fixture
def evidence() -> Plane:
    """A map that points at the patch and at nothing else."""
    evidence = np.zeros((SIDE, SIDE), np.float32)
    evidence[:8, :8] = 1
    return evidence


def contrast(images: Plane) -> Scores:
    """How much detail of the patch is left: 1 for all of it."""
    return np.asarray(4 * images[:, :8, :8].var(axis=(1, 2)), np.float64)


def test_a_map_of_what_the_score_sees_takes_it_away_at_once_and_brings_it_back_at_once(
    image: Plane, evidence: Plane
) -> None:
    """The patch is a sixteenth of the image: gone, or back, after the first of eight steps."""
    rest = float(contrast(blur(image)[np.newaxis])[0])

    measured = measure(image, evidence, contrast)

    assert measured.deletion == pytest.approx((0.5 + 7.5 * rest) / STEPS, abs=1e-6)
    assert measured.insertion == pytest.approx((7.5 + 0.5 * rest) / STEPS, abs=1e-6)


def test_a_map_of_anything_else_does_so_last(image: Plane, evidence: Plane) -> None:
    rest = float(contrast(blur(image)[np.newaxis])[0])

    measured = measure(image, -evidence, contrast)

    assert measured.deletion == pytest.approx((7.5 + 0.5 * rest) / STEPS, abs=1e-6)
    assert measured.insertion == pytest.approx((0.5 + 7.5 * rest) / STEPS, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.3, 1.0])
def test_a_score_that_sees_nothing_has_itself_under_both_curves(image: Plane, evidence: Plane, constant: float) -> None:
    measured = measure(image, evidence, lambda images: np.full(len(images), constant))

    assert measured.deletion == pytest.approx(constant)
    assert measured.insertion == pytest.approx(constant)


def seen_by(keep: list[Plane]) -> Callable[[Plane], Scores]:
    def score(images: Plane) -> Scores:
        keep.append(images)
        return np.zeros(len(images))

    return score


def test_the_curves_begin_and_end_with_the_image_and_its_blur(image: Plane, evidence: Plane) -> None:
    asked: list[Plane] = []

    measure(image, evidence, seen_by(asked))

    (images,) = asked
    assert images.shape == (2 * (STEPS + 1), SIDE, SIDE)
    assert images.dtype == np.float32
    for place, expected in ((0, image), (STEPS, blur(image)), (STEPS + 1, blur(image)), (-1, image)):
        np.testing.assert_array_equal(images[place], expected)


def test_each_step_changes_an_eighth_of_the_pixels_the_most_important_first() -> None:
    """Noise, so that the blur changes every pixel, and a map that falls from left to right."""
    image = np.random.default_rng(0).choice(np.array([0.0, 1.0], np.float32), (SIDE, SIDE))
    falling = np.repeat(np.linspace(1, 0, SIDE, dtype=np.float32)[np.newaxis], SIDE, axis=0)
    asked: list[Plane] = []

    measure(image, falling, seen_by(asked))

    for step in range(STEPS + 1):
        changed = asked[0][step] != image
        assert changed[:, : step * SIDE // STEPS].all()
        assert not changed[:, step * SIDE // STEPS :].any()
        np.testing.assert_array_equal(asked[0][STEPS + 1 + step] == image, changed)


def test_a_blur_takes_the_detail_and_keeps_the_brightness() -> None:
    chequers = np.asarray(np.indices((SIDE, SIDE)).sum(axis=0) % 2, np.float32)

    softened = blur(chequers)

    assert softened.dtype == np.float32
    np.testing.assert_allclose(softened, 0.5, atol=0.1)
    np.testing.assert_allclose(blur(np.full((SIDE, SIDE), 0.2, np.float32)), 0.2, atol=1e-6)
