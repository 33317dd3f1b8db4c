"""``python -m thyroid analyze``: what is asked for, and what is told in the end."""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import IntEnum
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Self, TextIO, get_args

from tqdm import tqdm

from thyroid.errors import ModelUnavailableError, UnknownLayerError
from thyroid.explain import LARGEST_SIZE, SMALLEST_SIZE, Target
from thyroid.folder import archive
from thyroid.folder.find import SUFFIXES, Found, find
from thyroid.folder.lock import InUseError, held
from thyroid.folder.names import readable
from thyroid.folder.tally import Tally
from thyroid.folder.work import Job
from thyroid.manifest import Manifest
from thyroid.schemas import DISCLAIMER
from thyroid.settings import MOST_DIGITS, get_settings


class Exit(IntEnum):
    """What the exit status tells."""

    ANALYSED = 0
    REFUSED = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130


INTERRUPTED = "Interrupted; the same command goes on where it was."

EPILOG = f"""\
Each picture gets a folder OUT/results/PATH/ with result.json, heatmap.png and overlay.png, or with error.json where it
cannot be read. OUT/results.csv is a table of all, OUT/results.jsonl the same line by line, OUT/audit.jsonl which model
gave which picture which score, OUT/failed.jsonl what could not be done. Nothing leaves this machine.

Pictures are the files whose names end in {", ".join(sorted(SUFFIXES))}.

Run again, the same command does what is new or has changed: pictures, model, options. One OUT is for one DIR.

exit status:
  {Exit.ANALYSED:<4} every picture was analysed
  {Exit.REFUSED:<4} some could not be read, and have an error.json
  {Exit.USAGE:<4} the command was wrong, or there is no picture
  {Exit.FAILED:<4} something of the machine failed; the same command goes on
  {Exit.INTERRUPTED:<4} interrupted by Ctrl-C; the same command goes on

example:
  python -m thyroid analyze scans --out results --target malignant --size 512

{DISCLAIMER}
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "analyze",
        help="analyse the pictures of a folder",
        description="Analyse all pictures of a folder and of those below, on all cores.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the pictures are")
    parser.add_argument("--out", metavar="OUT", type=Path, required=True, help="where the results go")
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="the compiled model (default: build/model)")
    parser.add_argument("--jobs", metavar="N", type=_number(1), help="processes (default: one a core)")
    parser.add_argument("--target", choices=get_args(Target), default="malignant", help="the class that maps explain")
    parser.add_argument("--layer", metavar="NAME", help="the conv layer that maps are of (default: the model's)")
    parser.add_argument(
        "--size",
        metavar="N",
        type=_number(SMALLEST_SIZE, LARGEST_SIZE),
        help=f"longest side of the maps, {SMALLEST_SIZE} to {LARGEST_SIZE}, shape kept (default: 224 x 224)",
    )
    parser.add_argument(
        "--pattern",
        metavar="GLOB",
        action="append",
        default=[],
        type=_pattern,
        help="only pictures whose path ends like this, such as '*.png' or 'left/*'; may be given several times",
    )
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--quiet", action="store_true", help="no progress bar, no summary")
    told.add_argument("--progress", action="store_true", help="a progress bar even where there is no terminal")


def run(options: argparse.Namespace) -> int:
    """Analyse a folder as asked for; return the exit status."""
    try:
        return _run(options)
    except KeyboardInterrupt:
        return _end(Exit.INTERRUPTED, INTERRUPTED)
    except (_UsageError, UnknownLayerError) as error:
        return _end(Exit.USAGE, str(error))
    except ModelUnavailableError as error:
        return _end(Exit.FAILED, f"{error.detail.removesuffix('.')}, or name the folder of one with --model.")
    except InUseError:
        return _end(Exit.FAILED, "Another run is writing into OUT; wait for its end, or give another OUT.")
    except OSError as error:  # its own words name files
        return _end(Exit.FAILED, f"The results cannot be written: {error.strerror or type(error).__name__}.")


class _UsageError(Exception):
    """The command makes no sense; a sentence says why."""


def _run(options: argparse.Namespace) -> int:
    root, out = _folders(options)
    job, manifest = _job(options, root, out)
    found = find(root, out, options.pattern)
    if not found.keys and not found.closed:
        raise _UsageError("There is no picture in DIR that was asked for; see --help.")
    out.mkdir(parents=True, exist_ok=True)
    with held(out), _Bar(len(found.keys), disable=_bar_is_off(options)) as bar:
        jobs = options.jobs or multiprocessing.cpu_count()
        tally = archive.run(job, manifest, out, found.keys, jobs=jobs, tell=bar.tell)
    if not options.quiet:
        _say("\n".join(_summary(tally, found, manifest, options.out)), sys.stdout)
    if tally.interrupted:
        return _end(Exit.INTERRUPTED, INTERRUPTED)
    if tally.stopped:
        return _end(Exit.FAILED, tally.stopped)
    if tally.failures or found.closed:
        return Exit.FAILED
    return Exit.REFUSED if tally.refused else Exit.ANALYSED


def _folders(options: argparse.Namespace) -> tuple[Path, Path]:
    if not options.folder.is_dir():
        raise _UsageError("DIR is no folder.")
    if options.out.exists() and not options.out.is_dir():
        raise _UsageError("OUT is no folder.")
    root, out = options.folder.resolve(), options.out.resolve()
    if root == out or root.is_relative_to(out / archive.RESULTS):
        raise _UsageError("OUT must be another folder than DIR, which would be read and written at once.")
    return root, out


def _job(options: argparse.Namespace, root: Path, out: Path) -> tuple[Job, Manifest]:
    try:
        settings = get_settings()
    except ValueError as error:
        raise _UsageError(f"{error}.") from error
    # One thread a process: the processes keep all cores at work.
    settings = replace(settings, model_dir=options.model or settings.model_dir, threads=1)
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


def _end(status: Exit, sentence: str) -> Exit:
    _say(sentence, sys.stderr)
    return status


def _say(text: str, stream: TextIO) -> None:
    # A terminal or a pipe may not know every character of OUT.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _number(smallest: int, largest: int | None = None) -> Callable[[str], int]:
    """Return what reads a number of these bounds from the command line."""

    def number(text: str) -> int:
        if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < smallest or (largest and int(text) > largest):
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {smallest} {f'to {largest}' if largest else 'on'}"
            )
        return int(text)

    return number


def _pattern(text: str) -> str:
    try:
        PurePath().match(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a pattern must not be empty") from None
    return text
