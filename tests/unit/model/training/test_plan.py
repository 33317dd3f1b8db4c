from pathlib import Path

from thyroid_model.training.plan import plan
from thyroid_model.training.recipe import Recipe

RECIPE = Recipe(folds=3, seeds=2)
WORK = Path("work")
PLANNED = plan(RECIPE, WORK)
NEEDS = {job.file.name: {need.name for need in job.needs} for job in PLANNED}


def test_each_job_comes_after_those_that_it_needs() -> None:
    done: set[Path] = set()
    for job in PLANNED:
        assert set(job.needs) <= done
        done.add(job.file)


def test_each_job_has_a_file_of_its_own_in_the_work_folder() -> None:
    assert len(NEEDS) == len(PLANNED)
    assert {job.file.parent for job in PLANNED} == {WORK}


def test_a_round_is_a_pretraining_pairs_folds_networks_from_scratch_and_maps() -> None:
    """One, three pairs of three folds, and thrice three; of all rounds, one network is bundled."""
    assert len(PLANNED) == 2 * (1 + 3 + 3 + 3 + 3) + 1


def test_a_folds_network_waits_for_the_trainings_that_choose_for_how_long() -> None:
    assert NEEDS["seed-1-fold-2.npy"] == {"seed-1-without-0-2.npy", "seed-1-without-1-2.npy"}
    assert NEEDS["seed-1-without-0-2.npy"] == {"seed-1-pretrained.weights.h5"}


def test_maps_wait_for_their_network_alone_and_the_bundled_network_for_all() -> None:
    assert NEEDS["seed-0-maps-1.json"] == {"seed-0-fold-1.npy"}
    assert NEEDS["model.keras"] == set(NEEDS) - {"model.keras"}
