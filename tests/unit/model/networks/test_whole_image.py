import keras
import numpy as np
import pytest

from tests.tiny import SIZE, smallest_network
from thyroid import phantom
from thyroid_model.networks import whole_image
from thyroid_model.networks.layers import PictureStatistics, Standardized
from thyroid_model.training.calibration import logit

COUNT = 32 + 5 * 12 + 16 * 16


@pytest.fixture(scope="module")
def images() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    made = [phantom.make(seed, suspicious=bool(seed % 2), height=64, width=64)[::2, ::2] for seed in range(12)]
    return (np.stack(made) / 255).astype(np.float32)


def test_a_grey_image_has_one_level_no_detail_and_a_flat_thumbnail() -> None:
    features = whole_image.statistics(np.full((1, SIZE, SIZE, 3), 15 / 31, np.float32))[0]

    levels, details, thumbnail = np.split(features, [32, 32 + 60])
    assert levels[15] == pytest.approx(1, abs=1e-3)
    assert np.delete(levels, 15).max() < 1e-2
    for histogram in details.reshape(5, 12):
        assert histogram[0] == pytest.approx(1, abs=1e-3)
        assert histogram[1:].max() < 1e-2
    np.testing.assert_allclose(thumbnail, 15 / 31, atol=1e-6)


def test_a_value_between_two_bins_counts_for_both() -> None:
    features = whole_image.statistics(np.full((1, SIZE, SIZE, 3), 3.25 / 31, np.float32))[0]

    np.testing.assert_allclose(features[:32] ** 2, [0] * 3 + [0.75, 0.25] + [0] * 27, atol=1e-5)


def test_every_histogram_counts_every_pixel_once(images: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    features = whole_image.statistics(images)

    assert features.shape == (12, COUNT)
    np.testing.assert_allclose(np.sum(features[:, :32] ** 2, axis=1), 1, atol=1e-5)
    for place in range(5):
        part = features[:, 32 + 12 * place : 44 + 12 * place]
        np.testing.assert_allclose(np.sum(part**2, axis=1), 1, atol=1e-5)


def test_steps_across_and_down_are_told_apart() -> None:
    stripes = np.zeros((1, SIZE, SIZE, 3), np.float32)
    stripes[:, :, ::2] = 0.3

    features = whole_image.statistics(stripes)[0]

    across, down = features[32:44], features[44:56]
    assert across[-1] == pytest.approx(1, abs=1e-3)
    assert down[0] == pytest.approx(1, abs=1e-3)


def test_the_line_parts_classes_that_a_number_parts() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    features = rng.normal(size=(40, 5)) + 3 * labels[:, np.newaxis] * np.array([1, 0, 0, 0, 0])

    said = whole_image.fit(features, labels)(features)

    assert said[labels == 1].min() > said[labels == 0].max()


def test_both_classes_weigh_the_same_however_many_they_are() -> None:
    """GIVEN each image of one class five times THEN the weights have the direction of each of them once."""
    rng = np.random.default_rng(2)
    few, many = rng.normal(size=(8, 3)), rng.normal((2, 1, 0), size=(8, 3))
    features = np.concatenate([few, *[many] * 5])
    labels = np.array([0] * 8 + [1] * 40)
    evenly = whole_image.fit(np.concatenate([few, many]), np.array([0] * 8 + [1] * 8))

    score = whole_image.fit(features, labels)

    one, other = (fitted.weights / fitted.deviation for fitted in (score, evenly))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.98
    assert np.linalg.norm(one) / np.linalg.norm(other) == pytest.approx(1, abs=0.25)


def test_numbers_that_say_nothing_leave_a_line_that_leans_to_neither_class() -> None:
    labels = np.array([1] * 30 + [0] * 6)

    score = whole_image.fit(np.zeros((36, 3)), labels)

    np.testing.assert_allclose(score(np.zeros((36, 3))), 0, atol=1e-9)


def test_what_is_far_out_is_no_stronger_a_sign() -> None:
    labels = np.arange(40) % 2
    features = np.random.default_rng(1).normal(size=(40, 4)) + labels[:, np.newaxis]
    score = whole_image.fit(features, labels)

    far, farther = (score(score.mean + times * score.deviation * np.ones((1, 4))) for times in (4, 400))

    np.testing.assert_allclose(far, farther)


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        whole_image.fit(np.zeros((4, 2)), np.ones(4, int))


def test_the_models_logit_is_the_sum_of_networks_and_lines(
    images: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    network, labels = smallest_network(), np.arange(12) % 2
    features = whole_image.statistics(images)
    score = whole_image.fit(features, labels)
    alone = logit(np.asarray(network(images), np.float64)[:, 0])

    model = whole_image.add_statistics(network, score)

    together = logit(np.asarray(model(images, training=False), np.float64)[:, 0])
    np.testing.assert_allclose(together, alone + score(features), atol=2e-4)
    assert model.input_shape == network.input_shape


def test_a_model_with_statistics_is_read_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, images: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    score = whole_image.fit(whole_image.statistics(images), np.arange(12) % 2)
    model = whole_image.add_statistics(smallest_network(), score)
    model.save(path)

    read = keras.models.load_model(path, compile=False)

    np.testing.assert_array_equal(np.asarray(read(images)), np.asarray(model(images)))


def test_the_shapes_are_told_before_an_image_comes() -> None:
    image = keras.Input((SIZE, SIZE, 3))

    features = PictureStatistics()(image)

    assert features.shape == (None, COUNT)
    assert Standardized()(features).shape == (None, COUNT)
