"""What a command says in words and by its exit status."""

import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import TextIO

from thyroid.errors import ModelUnavailableError
from thyroid.web.schemas import DISCLAIMER


class Exit(IntEnum):
    """What the exit status tells. The last two are those of shells: 128 and the number of the signal."""

    ANSWERED = 0
    REFUSED = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130
    CUT_OFF = 141


STATUSES = f"""\
exit status:
  {Exit.ANSWERED:<4} all was answered
  {Exit.REFUSED:<4} some pictures were refused, and stderr says why; the others were answered
  {Exit.USAGE:<4} the command was wrong
  {Exit.FAILED:<4} the model or something of the machine failed
  {Exit.INTERRUPTED:<4} interrupted by Ctrl-C
  {Exit.CUT_OFF:<4} what read the output has stopped reading, as `| head` does
"""


class UsageError(Exception):
    """The command makes no sense; a sentence says why."""


def end(status: Exit, sentence: str) -> Exit:
    """Say why a command ends, and return its status."""
    say(sentence, sys.stderr)
    return status


def without_model(error: ModelUnavailableError) -> str:
    """Say that there is no model that works, and what to do on a terminal."""
    return f"{error.detail.removesuffix('.')}, or name the folder of one with --model."


def say(text: str, stream: TextIO) -> None:
    """Write a line at once, so that what reads it has it, and a pipe that is closed is met here.

    Raises
    ------
    BrokenPipeError
        If what read the stream has stopped reading.
    """
    # A terminal or a pipe may not know every character of a file's name.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def say_disclaimer(files: Sequence[str], status: Exit) -> None:
    """End what people read; of several pictures a file or another program gets a line each, and nothing else."""
    if sys.stdout.isatty() or (len(files) == 1 and status == Exit.ANSWERED):
        say(DISCLAIMER, sys.stdout)
