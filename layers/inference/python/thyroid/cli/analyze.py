"""``python -m thyroid analyze``: what is asked for, and what is told of a folder in the end.

Pictures that are named one by one are :mod:`thyroid.cli.analyze_files`'s.
"""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Self

from tqdm import tqdm

from thyroid.batch import run as archive
from thyroid.batch.find import Found, find
from thyroid.batch.summary import Tally
from thyroid.batch.worker import Job
from thyroid.cli import analyze_files as analyze
from thyroid.cli.exit import Exit as Exit
from thyroid.cli.exit import UsageError, end, say
from thyroid.cli.options import (
    STANDARD_INPUT,
    add_json,
    add_maps,
    add_model,
    add_overwrite,
    chosen_settings,
    number,
)
from thyroid.cli.process_files import guarded
from thyroid.core import formats
from thyroid.core.manifest import Manifest
from thyroid.files.lock import held
from thyroid.files.names import readable
from thyroid.settings import get_settings
from thyroid.web.schemas import DISCLAIMER

INTERRUPTED = "Interrupted; the same command goes on where it was."

EPILOG = f"""\
Each picture of DIR gets a folder OUT/results/PATH/ with result.json, heatmap.png and overlay.png, or with error.json
where it cannot be read. OUT/results.csv is a table of all, OUT/results.jsonl the same line by line, OUT/audit.jsonl
which model gave which picture which score, OUT/failed.jsonl what could not be done. Nothing leaves this machine.

Pictures are the files whose names end in {", ".join(sorted(formats.SUFFIXES))}.

Run again, the same command does what is new or has changed: pictures, model, options. One OUT is for one DIR.

A FILE is taken whatever its name is; - is standard input. Each gets the same folder, OUT/results/NAME/, and
a line in OUT/audit.jsonl; instead of one in a table a line is printed, as by `predict`. A result that is there already
stays, and the picture is refused, unless there is --overwrite.

exit status:
  {Exit.ANSWERED:<4} every picture was analysed
  {Exit.REFUSED:<4} some could not be read, and have an error.json; of a FILE that is none, stderr says so
  {Exit.USAGE:<4} the command was wrong, or there is no picture
  {Exit.FAILED:<4} something of the machine failed; the same command goes on
  {Exit.INTERRUPTED:<4} interrupted by Ctrl-C; the same command goes on
  {Exit.CUT_OFF:<4} what read the output has stopped reading, as `| head` does

examples:
  %(prog)s scans --out results --target malignant --size 512
  %(prog)s scan.jpg other.png --out results

{DISCLAIMER}
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "analyze",
        help="analyse the pictures of a folder, or some files",
        description="Analyse all pictures of a folder and of those below, on all cores; or the pictures named.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "paths", metavar="DIR or FILE", nargs="+", help="where the pictures are: one folder, or one or more files"
    )
    parser.add_argument("--out", metavar="OUT", type=Path, required=True, help="where the results go")
    add_model(parser)
    add_maps(parser)
    parser.add_argument("--jobs", metavar="N", type=number(1), help="processes for DIR (default: one a core)")
    parser.add_argument(
        "--pattern",
        metavar="GLOB",
        action="append",
        default=[],
        type=_pattern,
        help="only pictures whose path ends like this, such as '*.png' or 'left/*'; may be given several times",
    )
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--quiet", action="store_true", help="no progress bar, no summary, no lines")
    told.add_argument("--progress", action="store_true", help="a progress bar for DIR even where there is no terminal")
    add_json(told, "for FILE: a line of JSON a picture, as its result.json")
    add_overwrite(parser)


def run(options: argparse.Namespace) -> int:
    """Analyse a folder or some pictures as asked for; return the exit status."""
    first, *others = options.paths
    if others or first == STANDARD_INPUT or _seen(lambda: Path(first).exists() and not Path(first).is_dir()):
        return guarded(lambda: _files(options))
    return guarded(lambda: _run(options), interrupted=INTERRUPTED)


def _seen(look: Callable[[], bool]) -> bool:
    """Look at a path; what may not be looked at, or has a name that no system takes, is not there."""
    try:
        return look()
    except OSError:
        return False


def _files(options: argparse.Namespace) -> Exit:
    if options.jobs or options.pattern or options.progress:
        raise UsageError("--jobs, --pattern and --progress are for a DIR; these are FILEs.")
    return analyze.run(options, chosen_settings(get_settings, options.model))


def _run(options: argparse.Namespace) -> Exit:
    if options.json or options.overwrite:
        raise UsageError(
            "--json and --overwrite are for FILEs; a DIR has results.jsonl, and what changed is done again."
        )
    root, out = _folders(options)
    job, manifest = _job(options, root, out)
    found = find(root, out, options.pattern)
    if not found.keys and not found.closed:
        raise UsageError("There is no picture in DIR that was asked for; see --help.")
    out.mkdir(parents=True, exist_ok=True)
    with held(out), _Bar(len(found.keys), disable=_bar_is_off(options)) as bar:
        jobs = options.jobs or multiprocessing.cpu_count()
        tally = archive.run(job, manifest, out, found.keys, jobs=jobs, tell=bar.tell)
    if not options.quiet:
        say("\n".join(_summary(tally, found, manifest, options.out)), sys.stdout)
    if tally.interrupted:
        return end(Exit.INTERRUPTED, INTERRUPTED)
    if tally.stopped:
        return end(Exit.FAILED, tally.stopped)
    if tally.failures or found.closed:
        return Exit.FAILED
    return Exit.REFUSED if tally.refused else Exit.ANSWERED


def _folders(options: argparse.Namespace) -> tuple[Path, Path]:
    folder = Path(options.paths[0])
    if not _seen(folder.is_dir):
        raise UsageError("DIR is no folder, and there is no file of that name, or none that may be looked at.")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError("OUT is no folder.")
    root, out = folder.resolve(), options.out.resolve()
    if root == out or root.is_relative_to(out / archive.RESULTS):
        raise UsageError("OUT must be another folder than DIR, which would be read and written at once.")
    return root, out


def _job(options: argparse.Namespace, root: Path, out: Path) -> tuple[Job, Manifest]:
    # One thread a process: the processes keep all cores at work.
    settings = replace(chosen_settings(get_settings, options.model), threads=1)
    manifest = Manifest.load(settings.model_dir)
    layer = manifest.layer(options.layer).name
    return Job(root, out / archive.RESULTS, settings, layer, options.target, options.size), manifest


def _summary(tally: Tally, found: Found, manifest: Manifest, out: Path) -> Iterator[str]:
    yield f"analysed   {tally.judged['analysed']}"
    yield f"refused    {tally.judged['refused']}" + (", each has an error.json" if tally.judged["refused"] else "")
    reasons = Counter(tally.failures.values())
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    yield f"failed     {len(tally.failures)}" + (f": {why}; see failed.jsonl" if why else "")
    earlier = f", {tally.unchanged['refused']} of them refused" if tally.unchanged["refused"] else ""
    yield f"skipped    {tally.unchanged.total()}, done by an earlier run{earlier}"
    yield f"\nOf all that are analysed: {', '.join(f'{b.label} {tally.risks[b.label]}' for b in manifest.risk_bands)}."
    yield f"Passed over: {found.others} files that are no pictures or were not asked for."
    if found.closed:
        yield f"Not read: {found.closed} folders that could not be opened."
    yield readable(f"The table is {out / archive.TABLE}, the pictures' files are in {out / archive.RESULTS}.")
    yield DISCLAIMER


def _bar_is_off(options: argparse.Namespace) -> bool | None:
    """Return tqdm's ``disable``: None leaves it to whether there is a terminal."""
    if options.quiet or options.progress:
        return bool(options.quiet)
    return None


class _Bar:
    """A progress bar that comes with the first picture: before it, each process's runtime greets on the terminal."""

    def __init__(self, total: int, *, disable: bool | None) -> None:
        self._new = partial(tqdm, total=total, unit="picture", dynamic_ncols=True, disable=disable)
        self._bar: Any = None

    def tell(self, tally: Tally) -> None:
        if self._bar is None:
            self._bar = self._new()
        self._bar.set_postfix(refused=tally.refused, failed=len(tally.failures), refresh=False)
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _pattern(text: str) -> str:
    try:
        PurePath().match(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a pattern must not be empty") from None
    return text
