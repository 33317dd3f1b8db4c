"""``python -m thyroid analyze``: its arguments, and whether they name a folder or files."""

import argparse
from pathlib import Path, PurePath

from thyroid.cli import analyze_files, analyze_folder
from thyroid.cli.exit import Exit
from thyroid.cli.options import STANDARD_INPUT, add_json, add_maps, add_model, add_overwrite, number
from thyroid.core import formats
from thyroid.core.disclaimer import DISCLAIMER

EPILOG = f"""\
Each image of DIR gets a folder OUT/results/PATH/ with result.json, heatmap.png and overlay.png, or with error.json
where it cannot be read. OUT/results.csv is a table of all images, OUT/results.jsonl the same line by line.
OUT/audit.jsonl records which model gave which image which score, OUT/failed.jsonl what could not be done. Nothing
leaves this machine.

Images are the files whose names end in {", ".join(sorted(formats.SUFFIXES))}.

Run again, the same command processes what is new or has changed: images, model, options. One OUT is for one DIR.

A FILE may have any name; - is standard input. Each gets the same folder, OUT/results/NAME/, and a line in
OUT/audit.jsonl. It has no line in the table; one is printed instead, as by `predict`. An existing result is kept, and
the image is refused, unless there is --overwrite.

exit status:
  {Exit.DONE:<4} every image was analysed
  {Exit.REFUSED:<4} some could not be read, and have an error.json; a FILE that does not exist is named on stderr
  {Exit.USAGE:<4} the command was wrong, or there is no image
  {Exit.FAILED:<4} the model failed, or a disk or the system did; the same command resumes
  {Exit.INTERRUPTED:<4} interrupted by Ctrl-C; the same command resumes
  {Exit.BROKEN_PIPE:<4} the reader of the output has closed it, as `| head` does

examples:
  %(prog)s scans --out results --target malignant --size 512
  %(prog)s scan.jpg other.png --out results

{DISCLAIMER}
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "analyze",
        help="analyse the images of a folder, or some files",
        description="Analyse all images of a folder and of those below, on all cores; or the images named.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "paths", metavar="DIR or FILE", nargs="+", help="where the images are: one folder, or one or more files"
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
        help="only images whose path ends like this, such as '*.png' or 'left/*'; may be given several times",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--quiet", action="store_true", help="no progress bar, no summary, no lines")
    output.add_argument("--progress", action="store_true", help="a progress bar for DIR even without a terminal")
    add_json(output, "for FILE: a line of JSON for each image, as its result.json")
    add_overwrite(parser)


def run(arguments: argparse.Namespace) -> Exit:
    """Analyse a folder or some images; return the exit status."""
    first, *others = arguments.paths
    if others or first == STANDARD_INPUT or _is_file(Path(first)):
        return analyze_files.run(arguments)
    return analyze_folder.run(arguments)


def _is_file(path: Path) -> bool:
    """Return whether a path exists and is not a folder: a file, a pipe or a device."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # it may not be looked at, or has a name that no system takes
        return False


def _pattern(text: str) -> str:
    try:
        PurePath().match(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a pattern must not be empty") from None
    return text
