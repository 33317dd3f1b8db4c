"""How a command ends: what it says, and its exit status."""

import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TextIO

from thyroid.core.disclaimer import DISCLAIMER
from thyroid.errors import ModelUnavailableError, UnknownLayerError
from thyroid.files.lock import InUseError


class Exit(IntEnum):
    """The exit statuses. The last two are those of shells: 128 and the number of the signal."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


STATUSES = f"""\
exit status:
  {Exit.DONE:<4} every image was processed
  {Exit.REFUSED:<4} some images were refused, and stderr says why; the others were processed
  {Exit.USAGE:<4} the command was wrong
  {Exit.FAILED:<4} the model failed, or a disk or the system did
  {Exit.INTERRUPTED:<4} interrupted by Ctrl-C
  {Exit.BROKEN_PIPE:<4} the reader of the output has closed it, as `| head` does
"""


class UsageError(Exception):
    """The command makes no sense; a sentence says why."""


def run_command(command: Callable[[], Exit]) -> Exit:
    """Run a command; an error that ends it early becomes a sentence on stderr and an exit status.

    Parameters
    ----------
    command : callable
        Returns its own exit status.

    Raises
    ------
    BrokenPipeError
        If the reader of the output has closed it.
    """
    try:
        return command()
    except KeyboardInterrupt:
        return end(Exit.INTERRUPTED, "Interrupted.")
    except (UsageError, UnknownLayerError) as error:
        return end(Exit.USAGE, str(error))
    except ModelUnavailableError as error:
        return end(Exit.FAILED, f"{error.detail.removesuffix('.')}, or name the folder of one with --model.")
    except InUseError:
        return end(Exit.FAILED, "Another run is writing into OUT; wait for its end, or give another OUT.")
    except BrokenPipeError:
        raise
    except OSError as error:  # an image that cannot be read does not end the command
        return end(Exit.FAILED, f"The results cannot be written: {error.strerror or type(error).__name__}.")


def end(status: Exit, sentence: str) -> Exit:
    """Say why a command ends, and return its exit status."""
    say(sentence, sys.stderr)
    return status


def say(text: str, stream: TextIO) -> None:
    """Write a line and flush it, so that its reader has it at once, and a closed pipe is noticed here.

    Raises
    ------
    BrokenPipeError
        If the reader of the stream has closed it.
    """
    # A terminal or a pipe may not have every character of a file's name.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def say_disclaimer(files: Sequence[str], status: Exit) -> None:
    """End what people read. A file or another program gets one line for each of several images, and nothing else."""
    if sys.stdout.isatty() or (len(files) == 1 and status == Exit.DONE):
        say(DISCLAIMER, sys.stdout)
