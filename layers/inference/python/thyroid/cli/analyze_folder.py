"""``python -m thyroid analyze DIR``: a run over a folder, with a progress bar and a summary."""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from thyroid.batch.find import Found, find
from thyroid.batch.run import RESULTS, TABLE, run_batch
from thyroid.batch.summary import RunSummary
from thyroid.batch.worker import Job
from thyroid.cli.exit import Exit, UsageError, end, say
from thyroid.cli.options import chosen_settings, explain_options
from thyroid.cli.outputs import check_folder
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.manifest import Manifest
from thyroid.files.lock import lock_folder
from thyroid.files.names import readable

INTERRUPTED = "Interrupted; the same command resumes."


def run(arguments: argparse.Namespace) -> Exit:
    """Analyse the images of a folder; return the exit status.

    Raises
    ------
    UsageError
        If an option is for files alone, DIR or OUT is no folder, one holds the other's files, or there is no image.
    InUseError
        If another run is writing into OUT.
    UnknownLayerError, ModelUnavailableError, OSError
        If the model lacks the layer, its manifest cannot be read, or OUT cannot be written.
    """
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return end(Exit.INTERRUPTED, INTERRUPTED)


def _run(arguments: argparse.Namespace) -> Exit:
    if arguments.json or arguments.overwrite:
        raise UsageError(
            "--json and --overwrite are for FILEs; a DIR has results.jsonl, and what changed is processed again."
        )
    root, out = _folders(arguments)
    # One thread a process: the processes keep all cores busy.
    settings, options = replace(chosen_settings(arguments), threads=1), explain_options(arguments)
    manifest = Manifest.load(settings.model_dir)
    options = replace(options, layer_name=manifest.layer(options.layer_name).name)
    found = find(root, out, arguments.pattern)
    if not found.keys and not found.unreadable:
        raise UsageError("DIR holds no image that was asked for; see --help.")
    out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out), _Progress(len(found.keys), arguments) as progress:
        summary = run_batch(
            Job(root, out / RESULTS, settings, options),
            manifest,
            out,
            found.keys,
            processes=arguments.jobs or multiprocessing.cpu_count(),
            on_start=progress.start,
            on_progress=progress.update,
        )
    if not arguments.quiet:
        say("\n".join(_summary_lines(summary, found, manifest, arguments.out)), sys.stdout)
    if summary.interrupted:
        return end(Exit.INTERRUPTED, INTERRUPTED)
    if summary.stopped:
        return end(Exit.FAILED, summary.stopped)
    if summary.failures or found.unreadable:
        return Exit.FAILED
    return Exit.REFUSED if summary.refused else Exit.DONE


def _folders(arguments: argparse.Namespace) -> tuple[Path, Path]:
    folder, out = Path(arguments.paths[0]), arguments.out
    if not _is_folder(folder):
        raise UsageError("DIR is not a folder, or it may not be read; name an existing folder or image file.")
    check_folder(out, "OUT")
    root, out = folder.resolve(), out.resolve()
    if root == out or root.is_relative_to(out / RESULTS):
        raise UsageError("OUT must be another folder than DIR, which would be read and written at once.")
    return root, out


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it may not be looked at, or has a name that no system takes
        return False


def _summary_lines(summary: RunSummary, found: Found, manifest: Manifest, out: Path) -> Iterator[str]:
    refused = summary.processed["refused"]
    yield f"analysed   {summary.processed['analysed']}"
    yield f"refused    {refused}" + (", each has an error.json" if refused else "")
    reasons = Counter(summary.failures.values())
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    yield f"failed     {len(summary.failures)}" + (f": {why}; see failed.jsonl" if why else "")
    earlier = f", {summary.unchanged['refused']} of them refused" if summary.unchanged["refused"] else ""
    yield f"skipped    {summary.unchanged.total()}, done by an earlier run{earlier}"
    risks = ", ".join(f"{band.label} {summary.risks[band.label]}" for band in manifest.risk_bands)
    yield f"\nOf all that are analysed: {risks}."
    yield f"Ignored: {found.ignored} files that are no images or were not asked for."
    if found.unreadable:
        yield f"Not read: {found.unreadable} folders that could not be opened."
    yield readable(f"The table is {out / TABLE}, the images' files are in {out / RESULTS}.")
    yield DISCLAIMER


class _Progress:
    """A progress bar on standard error. It appears with the first image: before it, each process's runtime prints."""

    def __init__(self, total: int, arguments: argparse.Namespace) -> None:
        disable = arguments.quiet if arguments.quiet or arguments.progress else None  # None: only on a terminal
        self._new = partial(tqdm, total=total, unit="image", dynamic_ncols=True, disable=disable)
        self._bar: Any = None

    def start(self, summary: RunSummary) -> None:
        if summary.other_version:
            say(f"Results of another version in OUT: {summary.other_version}; they are made again.", sys.stderr)

    def update(self, summary: RunSummary) -> None:
        if self._bar is None:
            self._bar = self._new()
        self._bar.set_postfix(refused=summary.refused, failed=len(summary.failures), refresh=False)
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bar is not None:
            self._bar.close()
