"""Which trainings and measurements there are, and which of them come before which."""

from functools import partial
from pathlib import Path

from thyroid_model.record import MODEL_FILE
from thyroid_model.training.cross_validation import logits_file, pair_file, pairs
from thyroid_model.training.jobs import Job
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.training_run import Bench, maps_file, pretrained_file, scratch_file


def plan(recipe: Recipe, work: Path) -> list[Job[Bench]]:
    """Return all that is to be done, each job after those that it needs."""
    rounds = [job for seed in range(recipe.seeds) for job in _round(seed, recipe, work)]
    return [*rounds, Job(work / MODEL_FILE, Bench.final, tuple(job.file for job in rounds))]


def _round(seed: int, recipe: Recipe, work: Path) -> list[Job[Bench]]:
    folds, start = range(recipe.folds), pretrained_file(work, seed)
    paired = {pair: pair_file(work, seed, pair) for pair in pairs(folds)}
    choosing = {fold: tuple(file for pair, file in paired.items() if fold in pair) for fold in folds}
    scored = {fold: logits_file(work, seed, fold) for fold in folds}
    return [
        Job(start, partial(Bench.pretrain, seed=seed)),
        *(Job(file, partial(Bench.pair, seed=seed, pair=pair), (start,)) for pair, file in paired.items()),
        *(Job(file, partial(Bench.fold, seed=seed, fold=fold), choosing[fold]) for fold, file in scored.items()),
        *(Job(scratch_file(work, seed, fold), partial(Bench.scratch, seed=seed, fold=fold)) for fold in folds),
        *(
            Job(maps_file(work, seed, fold), partial(Bench.maps, seed=seed, fold=fold), (file,))
            for fold, file in scored.items()
        ),
    ]
