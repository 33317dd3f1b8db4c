"""One image after the other with one model. A file that is refused does not stop the others."""

import errno
import sys
import warnings
from collections.abc import Callable, Sequence

from tqdm import tqdm

from thyroid.cli.exit import Exit, say
from thyroid.cli.inputs import FileRefusedError, read
from thyroid.cli.text import printable
from thyroid.core.analyzer import Analyzer
from thyroid.errors import ModelUnavailableError, ThyroidError
from thyroid.settings import Settings

Process = Callable[[str, bytes], str | None]


def open_analyzer(settings: Settings, layer: str | None = None) -> Analyzer:
    """Load the model, once for all images.

    Parameters
    ----------
    settings : Settings
        Name the model's folder.
    layer : str, optional
        A layer that the model must have.

    Raises
    ------
    ModelUnavailableError
        If no model works.
    UnknownLayerError
        If the model has no such layer.
    """
    analyzer = Analyzer(settings)
    analyzer.engine().manifest.layer(layer)
    return analyzer


def process_files(files: Sequence[str], limit: int, process: Process, *, bar: bool = True) -> Exit:
    """Process one image after the other, and print a line for each.

    The line of a file that is refused goes to standard error. It holds the file's name, and only the user reads it. On
    a terminal a progress bar is shown there while there are several images.

    Parameters
    ----------
    files : sequence of str
        As on the command line.
    limit : int
        Maximum size of a file, in bytes.
    process : callable
        Takes the name and the bytes; returns the line to print, or None for none.
    bar : bool
        Whether there may be a progress bar.

    Raises
    ------
    ModelUnavailableError, OSError
        If the model stops working, or results cannot be written.
    """
    status = Exit.DONE
    disable = None if bar and len(files) > 1 else True  # None: only where there is a terminal
    # Pillow's warnings quote what is written in a file.
    with (
        warnings.catch_warnings(action="ignore"),
        tqdm(total=len(files), unit="image", dynamic_ncols=True, disable=disable, leave=False) as progress,
    ):
        for name in files:
            line, problem = _process_file(name, limit, process)
            status = max(status, problem or status)
            with tqdm.external_write_mode(file=sys.stderr):  # the bar makes room
                if line is not None:
                    say(line, sys.stderr if problem else sys.stdout)
            progress.update()
    return status


def _process_file(name: str, limit: int, process: Process) -> tuple[str | None, Exit | None]:
    """Return the line to print and, where it says why there is no result, the exit status for that."""
    try:
        return process(name, read(name, limit)), None
    except ModelUnavailableError:
        raise
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        problem, status = "The names of its results would be too long; give it a shorter one.", Exit.REFUSED
    except FileRefusedError as error:
        problem, status = str(error), Exit.REFUSED
    except ThyroidError as error:
        problem, status = error.detail, Exit.REFUSED
    except Exception as error:
        problem = f"An error that is not the image's came up ({type(error).__name__}); run it again."
        status = Exit.FAILED
    return f"{printable(name)}: {problem}", status
