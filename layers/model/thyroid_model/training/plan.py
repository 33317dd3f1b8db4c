"""The jobs of a training run, and which of them need the results of others."""

from functools import partial
from pathlib import Path

from thyroid_model.record import MODEL_FILE
from thyroid_model.training.cross_validation import logits_file, pair_file, pairs
from thyroid_model.training.jobs import Job
from thyroid_model.training.recipe import Recipe
from thyroid_model.training.training_run import TrainingRun, maps_file, pretrained_file, scratch_file


def plan(recipe: Recipe, work: Path) -> list[Job[TrainingRun]]:
    """Return all jobs, each after those that it needs."""
    rounds = [job for seed in range(recipe.seeds) for job in _round(seed, recipe, work)]
    return [*rounds, Job(work / MODEL_FILE, TrainingRun.train_final, tuple(job.file for job in rounds))]


def _round(seed: int, recipe: Recipe, work: Path) -> list[Job[TrainingRun]]:
    folds, pretrained = range(recipe.folds), pretrained_file(work, seed)
    pair_files = {pair: pair_file(work, seed, pair) for pair in pairs(folds)}
    pairs_of = {fold: tuple(file for pair, file in pair_files.items() if fold in pair) for fold in folds}
    fold_files = {fold: logits_file(work, seed, fold) for fold in folds}
    return [
        Job(pretrained, partial(TrainingRun.pretrain, seed=seed)),
        *(
            Job(file, partial(TrainingRun.train_pair, seed=seed, pair=pair), (pretrained,))
            for pair, file in pair_files.items()
        ),
        *(
            Job(file, partial(TrainingRun.train_fold, seed=seed, fold=fold), pairs_of[fold])
            for fold, file in fold_files.items()
        ),
        *(
            Job(scratch_file(work, seed, fold), partial(TrainingRun.train_from_scratch, seed=seed, fold=fold))
            for fold in folds
        ),
        *(
            Job(maps_file(work, seed, fold), partial(TrainingRun.measure_maps, seed=seed, fold=fold), (file,))
            for fold, file in fold_files.items()
        ),
    ]
