import pytest

from thyroid_model.training.recipe import Recipe


@pytest.mark.parametrize(("epochs", "stops"), [(20, (10, 15, 20)), (3, (1, 2, 3)), (2, (1, 2)), (1, (1,))])
def test_a_network_is_taken_after_a_half_three_quarters_or_all_epochs(epochs: int, stops: tuple[int, ...]) -> None:
    assert Recipe(epochs=epochs).stops() == stops


def test_the_schedules_are_the_recipes() -> None:
    recipe = Recipe(batch=8, epochs=2, pretraining_epochs=3, scratch_epochs=4, learning_rate=0.5)

    first, then, scratch = recipe.pretraining(), recipe.training(), recipe.from_scratch()

    assert (first.epochs, then.epochs, scratch.epochs) == (3, 2, 4)
    assert (first.learning_rate, then.learning_rate, scratch.learning_rate) == (2e-3, 0.5, 1e-3)
    assert first.batch == then.batch == scratch.batch == 8
    assert (first.limits.lesion_share, then.limits.lesion_share, scratch.limits.lesion_share) == (1, 0, 0)
