from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from tests.unit.model.lesion_training import small_network
from thyroid_model.data.examples import Examples
from thyroid_model.data.findings import DataError
from thyroid_model.networks.lesion_network import LesionNetwork
from thyroid_model.training.augment import Limits
from thyroid_model.training.fit import Schedule, Trainer, class_weights, lesion_loss

SCHEDULE = Schedule(epochs=2, learning_rate=1e-3, batch=4)
Weights = list[npt.NDArray[np.float32]]


def examples(count: int = 10) -> Examples:
    """Suspicious images are bright; each has an outline of its left half."""
    rng = np.random.default_rng(0)
    labels = (np.arange(count) % 2).astype(np.float32)
    images = (rng.integers(0, 60, (count, 32, 32)) + 150 * labels[:, np.newaxis, np.newaxis]).astype(np.uint8)
    masks = np.zeros((count, 32, 32), np.uint8)
    masks[:, :, :16] = 255
    return Examples(images, masks, labels, np.arange(count) % 3 == 0)


def network(seed: int = 0) -> LesionNetwork:
    keras.utils.set_random_seed(seed)
    return small_network()


def trained(schedule: Schedule, data: Examples, seed: int = 1) -> Weights:
    made = network()
    Trainer(made, schedule).fit(data, seed, "training")
    weights: Weights = made.training.get_weights()
    return weights


def distance(one: Weights, other: Weights) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def test_chosen_examples_keep_their_masks_and_labels() -> None:
    data = examples(4)

    chosen = data.where(np.array([False, True, False, True]))

    assert len(chosen) == 2
    assert chosen.two_panes.tolist() == [False, True]
    assert chosen.labels.tolist() == [1, 1]
    np.testing.assert_array_equal(chosen.images, data.images[[1, 3]])
    np.testing.assert_array_equal(chosen.masks, data.masks[[1, 3]])


def test_class_weights_make_both_classes_weigh_the_same() -> None:
    """Three to one: .5 / .75 for each of the three, .5 / .25 for the one."""
    weights = class_weights(np.array([1, 1, 1, 0], np.float32))

    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
    assert weights.dtype == np.float32


@pytest.mark.parametrize("label", [0, 1])
def test_a_training_with_one_class_is_refused(label: int) -> None:
    data = replace(examples(), labels=np.full(10, label, np.float32))

    with pytest.raises(DataError, match="training: A training needs images of both classes"):
        Trainer(network(), SCHEDULE).fit(data, 0, "training")


def test_a_training_with_less_than_a_batch_is_refused() -> None:
    with pytest.raises(DataError, match="training: a training needs at least 4 images, not 3"):
        Trainer(network(), SCHEDULE).fit(examples(3), 0, "training")


@pytest.mark.parametrize("stops", [(2, 1), (1, 1), (0, 1), (1, 3)])
def test_stops_that_a_training_never_comes_to_are_refused(stops: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must increase within 1 to 2"):
        Trainer(network(), SCHEDULE).fit(examples(), 0, "training", stops)


def loss_of(mask: float, logit: float, outlined: float = 1.0) -> float:
    masks, logits = np.full((1, 16, 16, 1), mask, np.float32), np.full((1, 2, 2, 1), logit, np.float32)
    return float(lesion_loss(tf.constant(masks), tf.constant(logits), tf.constant([outlined], tf.float32)))


def test_the_lesions_loss_is_cross_entropy_and_half_of_dice() -> None:
    """Four places, all lesion, of which the network knows nothing: log 2, and 1 − (2 · 2 + 1) / (2 + 4 + 1)."""
    assert loss_of(1.0, 0.0) == pytest.approx(np.log(2) + 0.5 * (1 - 5 / 7), abs=1e-5)


def test_a_lesion_that_is_found_costs_nothing_and_a_wrong_one_much() -> None:
    assert loss_of(1.0, 30.0) == pytest.approx(0, abs=1e-5)
    assert loss_of(0.0, -30.0) == pytest.approx(0, abs=1e-5)
    assert loss_of(1.0, -30.0) > 30


def test_images_without_an_outline_do_not_count() -> None:
    assert loss_of(0.0, 30.0, outlined=0.0) == 0


def test_a_lesions_places_are_means_of_the_mask() -> None:
    """GIVEN a mask of every other pixel THEN each place is half lesion, and .5 is the best to say."""
    masks = np.zeros((1, 16, 16, 1), np.float32)
    masks[:, ::2] = 1

    def loss(logit: float) -> float:
        return float(lesion_loss(tf.constant(masks), tf.fill([1, 2, 2, 1], logit), tf.ones(1)))

    crossed = np.log(2)
    assert loss(0.0) == pytest.approx(crossed + 0.5 * (1 - (2 * 1 + 1) / (4 + 1)), abs=1e-5)


def test_one_seed_gives_one_network_and_another_seed_another() -> None:
    one = trained(SCHEDULE, examples())

    assert distance(one, trained(SCHEDULE, examples())) < 1e-5
    assert distance(one, trained(SCHEDULE, examples(), seed=2)) > 1e-5
    assert distance(one, network().training.get_weights()) > 1e-4


def test_a_seed_is_of_dropout_too() -> None:
    """GIVEN networks whose dropout has come to different places THEN one seed trains them alike."""
    one, other = network(), network()
    (state,) = [variable for variable in other.training.variables if "seed_generator_state" in variable.path]
    state.assign([7, 7])

    for made in (one, other):
        Trainer(made, SCHEDULE).fit(examples(), 1, "training")

    assert distance(one.training.get_weights(), other.training.get_weights()) < 1e-5


def test_a_trainer_forgets_the_training_before() -> None:
    """GIVEN the first weights again THEN the second training is the first one: optimizer and average start anew."""
    made = network()
    first = made.training.get_weights()
    trainer = Trainer(made, SCHEDULE)
    trainer.fit(examples(), 1, "one")
    one = made.training.get_weights()

    trainer.fit(examples(), 5, "another")
    made.training.set_weights(first)
    trainer.fit(examples(), 1, "one again")

    assert distance(one, made.training.get_weights()) < 1e-5


def test_the_examples_are_left_as_they_are() -> None:
    data = examples()
    before = data.images.copy()

    trained(SCHEDULE, data)

    np.testing.assert_array_equal(data.images, before)


def test_a_training_learns_the_label() -> None:
    made = network()
    data = examples(32)
    schedule = Schedule(epochs=40, learning_rate=2e-2, batch=8, ema_decay=0.8, limits=Limits(lesion_share=0.0))

    Trainer(made, schedule).fit(data, 0, "training")

    images = np.repeat(data.images[..., np.newaxis] / np.float32(255), 3, axis=-1)
    score = np.asarray(made.training(images)[0])[:, 0]
    assert np.mean((score > 0.5) == (data.labels > 0.5)) > 0.9


def test_a_training_learns_where_the_lesion_is() -> None:
    """GIVEN lesions that are bright, on either side THEN what is bright is called a lesion, and what is dark is not."""
    made, data = network(), examples(32)
    bright = np.where(data.masks > 0, 220, 30).astype(np.uint8)
    schedule = Schedule(epochs=30, learning_rate=2e-2, batch=8, ema_decay=0.8, limits=Limits(lesion_share=0.0))

    Trainer(made, schedule).fit(replace(data, images=bright), 0, "training")

    images = np.repeat(bright[..., np.newaxis] / np.float32(255), 3, axis=-1)
    lesion = np.asarray(made.training(images)[1])[..., 0]
    assert (lesion[:, :, :2] > 0).all()
    assert (lesion[:, :, 2:] < 0).all()


def test_what_is_kept_is_the_moving_average() -> None:
    """GIVEN two steps, the last of rate 0 THEN 1 / 11 and 2 / 12 of what was before are left: 1 / 66, not .99²."""
    two_steps = replace(SCHEDULE, epochs=2, batch=10, learning_rate=0.1)

    def moved(averaging: float) -> npt.NDArray[np.float32]:
        change = trained(replace(two_steps, ema_decay=averaging), examples())[0] - network().training.get_weights()[0]
        return np.asarray(change)

    np.testing.assert_allclose(moved(0.99), moved(0.0) * 65 / 66, rtol=1e-3, atol=1e-6)
    assert np.abs(moved(0.0)).max() > 1e-6


def test_the_learning_rate_rises_and_falls_along_a_cosine_to_zero() -> None:
    trainer = Trainer(network(), replace(SCHEDULE, learning_rate=0.5))

    rates = [trainer._learning_rate(step, 1000) for step in range(1, 1001)]

    assert rates[0] == pytest.approx(0.5 / 50, rel=1e-3)
    assert int(np.argmax(rates)) == 49, "after a twentieth"
    assert rates[499] == pytest.approx(0.25)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert 0.49 < max(rates) <= 0.5


def test_without_weight_on_the_outlines_they_do_not_matter() -> None:
    other = replace(examples(), masks=examples().masks[:, :, ::-1].copy())
    blind = replace(SCHEDULE, lesion_loss_weight=0.0, limits=Limits(lesion_share=0.0, pane_share=0.0))
    sighted = replace(blind, lesion_loss_weight=1.0)

    assert distance(trained(blind, examples()), trained(blind, other)) < 1e-5
    assert distance(trained(sighted, examples()), trained(sighted, other)) > 1e-5


def test_images_may_be_mixed() -> None:
    mixed = trained(replace(SCHEDULE, max_mixup=0.4), examples())

    assert all(np.isfinite(weight).all() for weight in mixed)
    assert distance(mixed, trained(SCHEDULE, examples())) > 1e-6


def test_normalisation_and_biases_do_not_decay() -> None:
    """GIVEN a decay that is far too strong THEN kernels shrink, and the normalisation's gamma does not."""
    made = network()
    Trainer(made, replace(SCHEDULE, epochs=20, learning_rate=1e-3, weight_decay=200.0, ema_decay=0.0)).fit(
        examples(), 1, "training"
    )

    by_name = {weight.path: np.asarray(weight) for weight in made.training.weights}
    assert np.abs(by_name["patches/kernel"]).max() < 0.5 * np.abs(network().training.get_weights()[0]).max()
    (gamma,) = [value for path, value in by_name.items() if path.endswith("gamma")]
    assert gamma.min() > 0.8


def test_a_training_looks_at_averaged_weights_at_each_stop_and_goes_on_as_if_it_had_not() -> None:
    longer = replace(SCHEDULE, epochs=3)
    made = network()
    looked = Trainer(made, longer).fit(examples(), 1, "looked at", (1, 3), made.training.get_weights)

    assert len(looked) == 2
    assert distance(looked[1], trained(longer, examples())) < 1e-5, "the look changed nothing"
    assert distance(looked[1], made.training.get_weights()) == 0
    assert distance(looked[0], looked[1]) > 1e-5


def test_a_training_that_ends_early_is_the_beginning_of_the_whole() -> None:
    """Along the whole way's learning rate, not a shorter one's."""
    longer = replace(SCHEDULE, epochs=3)
    made, other = network(), network()
    (at_one, _) = Trainer(made, longer).fit(examples(), 1, "whole", (1, 3), made.training.get_weights)

    Trainer(other, longer).fit(examples(), 1, "early", (1,))

    assert distance(other.training.get_weights(), at_one) < 1e-5
