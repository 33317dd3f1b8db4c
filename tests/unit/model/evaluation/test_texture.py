import numpy as np
import numpy.typing as npt
import pytest

from thyroid_model.evaluation import texture

Plane = npt.NDArray[np.float32]
LEVELS, EDGES, PATTERNS = slice(0, 32), slice(32, 48), slice(48, 58)
THUMBNAIL = slice(58, 58 + 256)


def noise(seed: int, side: int = 32) -> Plane:
    return np.random.default_rng(seed).random((side, side), dtype=np.float32)


def test_an_image_has_32_levels_16_edges_10_patterns_and_256_pixels() -> None:
    described = texture.features(noise(0))

    assert described.shape == (314,)
    assert described.dtype == np.float64


def test_squares_of_a_histogram_are_shares_of_the_pixels() -> None:
    described = texture.features(noise(0) * np.float32(0.1)) ** 2

    assert described[LEVELS].sum() == pytest.approx(1)
    assert described[EDGES].sum() == pytest.approx(1)
    assert described[PATTERNS].sum() == pytest.approx(30 * 30 / 32**2), "the border has no eight neighbours"


def test_a_flat_image_has_one_level_no_edge_and_one_pattern() -> None:
    """All neighbours are as bright as the centre: eight of eight, without a change on the circle."""
    described = texture.features(np.full((32, 32), 0.4, np.float32))

    assert np.flatnonzero(described[LEVELS]).tolist() == [12]
    assert np.flatnonzero(described[EDGES]).tolist() == [0]
    assert np.flatnonzero(described[PATTERNS]).tolist() == [8]
    np.testing.assert_allclose(described[THUMBNAIL], 0.4, atol=1e-6)


def test_a_bright_dot_and_a_straight_edge_have_the_patterns_that_they_should() -> None:
    """A dot: no neighbour is as bright. Right of an edge: the left three of eight are darker, five are not."""
    dot = np.zeros((3, 3), np.float32)
    dot[1, 1] = 1
    step = np.zeros((3, 3), np.float32)
    step[:, 1:] = 1

    assert np.flatnonzero(texture.features(dot)[PATTERNS]).tolist() == [0]
    assert np.flatnonzero(texture.features(step)[PATTERNS]).tolist() == [5]


def test_what_changes_often_on_the_circle_is_the_tenth_pattern() -> None:
    """Neighbours bright, dark, bright, dark …: eight changes."""
    corners = np.array([[1, 0, 1], [0, 0.5, 0], [1, 0, 1]], np.float32)

    assert np.flatnonzero(texture.features(corners)[PATTERNS]).tolist() == [9]


def test_patterns_do_not_turn_with_the_image() -> None:
    image = noise(1)

    np.testing.assert_allclose(
        texture.features(image)[PATTERNS], texture.features(np.ascontiguousarray(np.rot90(image)))[PATTERNS]
    )


def test_the_thumbnail_is_means_of_cells() -> None:
    image = noise(2)

    cells = image.reshape(16, 2, 16, 2).mean(axis=(1, 3))

    np.testing.assert_allclose(texture.features(image)[THUMBNAIL], cells.ravel(), atol=1e-6)


def clouds(seed: int, count: int = 60, apart: float = 3.0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    values = rng.normal(size=(count, 50))
    values[:, 7] += apart * labels
    return values, labels.astype(np.int64)


def test_classes_that_differ_are_told_apart_on_images_that_were_not_fitted() -> None:
    (train, labels), (test, truth) = clouds(0), clouds(1)

    scores = texture.scores(train, labels, test)

    assert scores.shape == (60,)
    assert 0 <= scores.min() <= scores.max() <= 1
    assert np.mean(scores[truth == 1]) > 0.6 > 0.4 > np.mean(scores[truth == 0])


def test_exchanged_labels_turn_the_scores_around() -> None:
    (train, labels), (test, _) = clouds(0), clouds(1)

    np.testing.assert_allclose(
        texture.scores(train, 1 - labels, test), 1 - texture.scores(train, labels, test), atol=1e-9
    )


def test_units_do_not_matter() -> None:
    (train, labels), (test, _) = clouds(0), clouds(1)
    units, origin = np.geomspace(0.1, 100, 50), np.linspace(-5, 5, 50)

    moved = texture.scores(train * units + origin, labels, test * units + origin)

    np.testing.assert_allclose(moved, texture.scores(train, labels, test), atol=1e-3)


def test_both_classes_weigh_the_same_however_many_there_are() -> None:
    """GIVEN nothing to tell the classes by, and four of five positive THEN the scores say even odds."""
    train, test = np.ones((100, 5)), np.ones((3, 5))
    labels = (np.arange(100) % 5 > 0).astype(np.int64)

    np.testing.assert_allclose(texture.scores(train, labels, test), 0.5, atol=1e-6)


def test_an_image_is_scored_alike_in_any_company() -> None:
    (train, labels), (test, _) = clouds(0), clouds(1)

    together = texture.scores(train, labels, test)

    np.testing.assert_allclose(texture.scores(train, labels, test[3:4]), together[3:4])
