"""Options that several commands have, and what is made of them."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from thyroid.cli.exit import STATUSES, UsageError
from thyroid.core import formats
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.options import MAX_SIZE, MIN_SIZE, ExplainOptions, Target
from thyroid.settings import Settings, get_settings

STANDARD_INPUT = "-"


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, brief: str, description: str, more: str
) -> argparse.ArgumentParser:
    """Add a command whose help ends with `more`, the exit statuses and the disclaimer.

    Parameters
    ----------
    commands : argparse action
        Of the whole program.
    name, brief, description : str
        As of :meth:`argparse.ArgumentParser.add_parser`; `brief` is shown in the list of commands.
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
    """Add the image files."""
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
    parser: argparse.ArgumentParser,
    max_size: int = MAX_SIZE,
    default: int | None = None,
    usual: str = "224 x 224",
) -> None:
    """Add the options of an explanation: up to `max_size` pixels, and `default`, in words `usual`, if left out."""
    parser.add_argument("--target", choices=get_args(Target), default="malignant", help="the class that maps explain")
    parser.add_argument(
        "--layer", dest="layer_name", metavar="NAME", help="the conv layer that maps are of (default: the model's)"
    )
    parser.add_argument(
        "--size",
        metavar="N",
        type=number(MIN_SIZE, max_size),
        default=default,
        help=f"longest side of the maps, {MIN_SIZE} to {max_size}, shape kept (default: {usual})",
    )


def add_json(parser: "argparse._ActionsContainer", what: str) -> None:
    """Add output for programs."""
    parser.add_argument("--json", action="store_true", help=what)


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add permission to overwrite files."""
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote of an image")


def explain_options(arguments: argparse.Namespace) -> ExplainOptions:
    """Return what is asked of an explanation, from the arguments that `add_maps` defines under its names."""
    return ExplainOptions.from_attributes(arguments)


def chosen_settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings of this process, with the model of ``--model`` if there is one.

    Raises
    ------
    UsageError
        If a variable of the environment cannot be read; the sentence names it.
    """
    try:
        settings = get_settings()
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    return replace(settings, model_dir=arguments.model or settings.model_dir)


def number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers from `minimum` to `maximum`, both included, for argparse."""

    def read(text: str) -> int:
        try:
            value = int(text) if text.isdecimal() else None
        except ValueError:  # Python refuses to read very long numbers
            value = None
        if value is None or value < minimum or (maximum and value > maximum):
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {minimum} {f'to {maximum}' if maximum else 'on'}"
            )
        return value

    return read
