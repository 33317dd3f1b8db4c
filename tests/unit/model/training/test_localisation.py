import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.training.localisation import (
    Localisation,
    centre_prior,
    localise,
    outline_prior,
    random_map,
    resize_map,
)


def left_half(size: int = 8) -> npt.NDArray[np.bool_]:
    mask = np.zeros((size, size), np.bool_)
    mask[:, : size // 2] = True
    return mask


def plane(*rows: list[float]) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32)


def test_the_highest_point_decides_about_a_hit_and_all_positive_evidence_about_the_energy() -> None:
    evidence = np.zeros((8, 8), np.float32)
    evidence[1, 1], evidence[6, 6] = 3, 1

    assert localise(evidence, left_half()) == Localisation(hit=True, energy=0.75)
    assert localise(evidence, ~left_half()) == Localisation(hit=False, energy=0.25)


def test_evidence_against_does_not_count() -> None:
    evidence = np.zeros((8, 8), np.float32)
    evidence[1, 1], evidence[2, 2], evidence[6, 6] = 1, -50, 1

    assert localise(evidence, left_half()).energy == 0.5


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_map_without_evidence_for_misses(value: float) -> None:
    assert localise(np.full((4, 4), value, np.float32), np.ones((8, 8), np.bool_)) == Localisation(False, 0.0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_how_strong_a_map_is_does_not_matter(scale: float) -> None:
    evidence = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)

    scaled, as_it_is = localise(scale * evidence, left_half()), localise(evidence, left_half())

    assert scaled.hit == as_it_is.hit
    assert scaled.energy == pytest.approx(as_it_is.energy, abs=1e-5)


def test_a_coarse_map_is_laid_over_the_whole_image() -> None:
    """GIVEN 2 × 2 cells, the left ones full THEN most of the energy is left; the rest was spilt."""
    found = localise(plane([1, 0], [1, 0]), left_half(64))

    assert found.hit
    assert 0.8 < found.energy < 0.95


def test_a_mirrored_map_has_the_rest_of_the_energy() -> None:
    evidence = np.random.default_rng(1).random((4, 4)).astype(np.float32)

    one, other = localise(evidence, left_half(32)), localise(evidence[:, ::-1], left_half(32))

    assert one.energy + other.energy == pytest.approx(1, abs=1e-5)


def test_spreading_takes_height_and_width_and_keeps_what_is_flat() -> None:
    flat = resize_map(np.full((2, 3), 0.25, np.float32), 10, 20)

    assert flat.shape == (10, 20)
    assert flat.dtype == np.float32
    np.testing.assert_allclose(flat, 0.25)


def test_spreading_is_bilinear_about_the_cells_middles() -> None:
    """Two cells over four pixels: the outer ones lie beyond the middles, the inner ones a quarter of the way."""
    np.testing.assert_allclose(resize_map(plane([0, 1]), 1, 4), [[0, 0.25, 0.75, 1]])


@pytest.mark.parametrize("size", [15, 16])
def test_the_centre_prior_is_highest_in_the_middle_and_knows_no_direction(size: int) -> None:
    prior = centre_prior(size)

    assert prior.shape == (size, size)
    assert prior[size // 2, size // 2] == prior.max()
    np.testing.assert_allclose(prior, prior[::-1], atol=1e-6)
    np.testing.assert_allclose(prior, prior.T)


def test_a_standard_deviation_of_the_centre_prior_is_a_quarter_of_the_side() -> None:
    """A quarter of 101 pixels from the middle, the bell is at exp(-½) of its height."""
    row = centre_prior(101)[50]

    assert np.interp(50 + 25.25, np.arange(101), row) == pytest.approx(np.exp(-0.5), abs=1e-3)


def test_the_outline_prior_is_the_share_of_images_with_an_outline_there() -> None:
    masks = np.zeros((4, 2, 2), np.bool_)
    masks[:, 0, 0] = True
    masks[0, 1, 1] = True

    prior = outline_prior(masks)

    np.testing.assert_array_equal(prior, [[1, 0], [0, 0.25]])
    assert prior.dtype == np.float32


def test_random_maps_are_the_generators_and_each_another() -> None:
    rng = np.random.default_rng(0)

    one, other = random_map(16, rng), random_map(16, rng)

    np.testing.assert_array_equal(one, random_map(16, np.random.default_rng(0)))
    assert not np.array_equal(one, other)
    assert 0 <= one.min() < 0.1 < 0.9 < one.max() < 1
