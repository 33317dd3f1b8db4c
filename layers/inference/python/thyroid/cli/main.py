"""All commands as one program."""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import thyroid
from thyroid.cli import analyze, gradcam, model_info, predict, report
from thyroid.cli.exit import STATUSES, Exit, end, run_command
from thyroid.core.disclaimer import DISCLAIMER

# Each module has `add_to`, which adds its command, and `run`, which takes the arguments and returns the exit status.
COMMANDS = (predict, gradcam, analyze, report, model_info)

EXAMPLES = """\
examples:
  %(prog)s predict scan.jpg
  %(prog)s gradcam scan.jpg --out maps
  %(prog)s analyze scans --out results
  %(prog)s report scan.jpg
  %(prog)s model-info

`%(prog)s COMMAND --help` says more of each command. No command sends anything anywhere.
"""


def run(arguments: Sequence[str] | None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; left out, those of this process.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SystemExit
        Of argparse, with status 2, or 0 where help was asked for.
    KeyboardInterrupt
        Before the command has begun.
    BrokenPipeError
        If the reader of the output has closed it.
    """
    parser = argparse.ArgumentParser(
        prog=_program_name(),
        description=thyroid.__doc__,
        epilog=f"{EXAMPLES}\n{STATUSES}\n{DISCLAIMER}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=thyroid.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    if sys.stderr is None:  # it was closed: messages are dropped
        sys.stderr = io.StringIO()
    if sys.stdout is None:
        return end(Exit.FAILED, "There is nowhere to write to: the standard output is closed.")
    try:
        parsed = parser.parse_args(arguments)
        return run_command(lambda: parsed.run(parsed))
    finally:
        sys.stdout.flush()  # a closed pipe is noticed here, not when Python ends


def _program_name() -> str:
    """Return how this program was called: the installed script, or the module."""
    return "thyroid" if Path(sys.argv[0]).stem == "thyroid" else "python -m thyroid"
