"""One picture after the other with one model: each is answered or told why not, and the others go on."""

import errno
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial

from tqdm import tqdm

from thyroid.cli.exit import Exit, UsageError, end, say, without_model
from thyroid.cli.inputs import NotDoneError, read
from thyroid.cli.text import shown
from thyroid.core.analyzer import Service
from thyroid.core.audit import AuditRecord
from thyroid.errors import ModelUnavailableError, ThyroidError, UnknownLayerError
from thyroid.files.lock import InUseError
from thyroid.settings import Settings

Answer = Callable[[str, bytes], str | None]


def guarded(command: Callable[[], Exit], interrupted: str = "Interrupted.") -> Exit:
    """Run a command; whatever ends it early becomes a sentence and a status.

    Parameters
    ----------
    command : callable
        Returns its own status.
    interrupted : str
        What to say after Ctrl-C.

    Raises
    ------
    BrokenPipeError
        If what read the output has stopped reading.
    """
    try:
        return command()
    except KeyboardInterrupt:
        return end(Exit.INTERRUPTED, interrupted)
    except (UsageError, UnknownLayerError) as error:
        return end(Exit.USAGE, str(error))
    except ModelUnavailableError as error:
        return end(Exit.FAILED, without_model(error))
    except InUseError:
        return end(Exit.FAILED, "Another run is writing into OUT; wait for its end, or give another OUT.")
    except BrokenPipeError:
        raise
    except OSError as error:  # pictures that cannot be read are told of one by one
        return end(Exit.FAILED, f"The results cannot be written: {error.strerror or type(error).__name__}.")


def opened(
    settings: Settings, layer: str | None = None, audit: Callable[[AuditRecord], None] = lambda _record: None
) -> Service:
    """Open the model, once for all pictures.

    Parameters
    ----------
    settings : Settings
        Name its folder.
    layer : str, optional
        One that it has to have.
    audit : callable, optional
        As of :class:`thyroid.core.analyzer.Service`.

    Raises
    ------
    ModelUnavailableError
        If there is none that works.
    UnknownLayerError
        If it has no such layer.
    """
    service = Service(settings, audit=audit)
    service.engine().manifest.layer(layer)
    return service


def each(files: Sequence[str], limit: int, answer: Answer, *, bar: bool = True) -> Exit:
    """Answer one picture after the other.

    A line is printed for each that is answered; one that is not gets a sentence with its name on standard error, where
    only its user reads it. A progress bar stands there while many take long, if it is a terminal.

    Parameters
    ----------
    files : sequence of str
        As on the command line.
    limit : int
        Largest file, in bytes.
    answer : callable
        Takes the name and the bytes; returns the line to print, or None for none.
    bar : bool
        Whether there may be a progress bar.

    Raises
    ------
    ModelUnavailableError, OSError
        If the model stops working, or results cannot be written.
    """
    status = Exit.ANSWERED
    disable = None if bar and len(files) > 1 else True  # None leaves it to whether there is a terminal
    # Pillow's warnings quote what is written in a file.
    with (
        warnings.catch_warnings(action="ignore"),
        tqdm(total=len(files), unit="picture", dynamic_ncols=True, disable=disable, leave=False) as progress,
    ):
        for name in files:
            line, refused = _answered(name, limit, answer)
            status = max(status, refused or status)
            with tqdm.external_write_mode(file=sys.stderr):  # the bar makes room
                if line is not None:
                    say(line, sys.stderr if refused else sys.stdout)
            progress.update()
    return status


def _answered(name: str, limit: int, answer: Answer) -> tuple[str | None, Exit | None]:
    """Return a line, and the status if it is one that says why there is no answer."""
    problem = partial("{}: {}".format, shown(name))
    try:
        return answer(name, read(name, limit)), None
    except ModelUnavailableError:
        raise
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return problem("The names of its results would be too long; give it a shorter one."), Exit.REFUSED
    except NotDoneError as error:
        return problem(error), Exit.REFUSED
    except ThyroidError as error:
        return problem(error.detail), Exit.REFUSED
    except Exception as error:
        kind = type(error).__name__
        return problem(f"An error that is not the picture's came up ({kind}); run it again."), Exit.FAILED
