"""Options that several commands have, defined once."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from thyroid.cli.exit import STATUSES, UsageError
from thyroid.core import formats
from thyroid.core.explain import LARGEST_SIZE, SMALLEST_SIZE, Target
from thyroid.settings import MAX_DIGITS, Settings
from thyroid.web.schemas import DISCLAIMER

STANDARD_INPUT = "-"


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, brief: str, description: str, more: str
) -> argparse.ArgumentParser:
    """Add a command whose help ends with `more`, what the exit status tells, and the disclaimer.

    Parameters
    ----------
    commands : argparse action
        Of the whole program.
    name, brief, description : str
        As of :meth:`argparse.ArgumentParser.add_parser`; the brief one stands in the list of commands.
    more : str
        Examples first of all; ``%(prog)s`` is how the command was called.
    """
    return commands.add_parser(
        name,
        help=brief,
        description=description,
        epilog=f"{more}\n{STATUSES}\n{DISCLAIMER}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the pictures."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help=f"an image ({formats.SENTENCE}); {STANDARD_INPUT} is standard input",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add where the model is."""
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="the compiled model (default: build/model)")


def add_maps(
    parser: argparse.ArgumentParser, largest: int = LARGEST_SIZE, default: int | None = None, usual: str = "224 x 224"
) -> None:
    """Add what maps are of, and how large: up to `largest`, and `default`, in words `usual`, if nothing is said."""
    parser.add_argument("--target", choices=get_args(Target), default="malignant", help="the class that maps explain")
    parser.add_argument("--layer", metavar="NAME", help="the conv layer that maps are of (default: the model's)")
    parser.add_argument(
        "--size",
        metavar="N",
        type=number(SMALLEST_SIZE, largest),
        default=default,
        help=f"longest side of the maps, {SMALLEST_SIZE} to {largest}, shape kept (default: {usual})",
    )


def add_json(parser: "argparse._ActionsContainer", what: str) -> None:
    """Add answers for programs."""
    parser.add_argument("--json", action="store_true", help=what)


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add leave to write over files."""
    parser.add_argument("--overwrite", action="store_true", help="write over what an earlier run left of a picture")


def chosen_settings(read: Callable[[], Settings], model: Path | None) -> Settings:
    """Return the settings, with the model that was named on the command line.

    Raises
    ------
    UsageError
        If one of the environment cannot be read; the sentence names it.
    """
    try:
        settings = read()
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    return replace(settings, model_dir=model or settings.model_dir)


def number(smallest: int, largest: int | None = None) -> Callable[[str], int]:
    """Return what reads a number of these bounds from the command line."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > MAX_DIGITS or int(text) < smallest or (largest and int(text) > largest):
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {smallest} {f'to {largest}' if largest else 'on'}"
            )
        return int(text)

    return read
