"""The service as a process that tells all that it could: every logger at DEBUG, and every file opened for writing.

`uvicorn tests.verbose:app` serves what `TOLD_OF` names, as module:attribute. With `BROKEN` everything that a request
asks for fails inside, with all that was sent in the error's message.
"""

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

OPENED = "opened for writing: "
CONTROL = "/dev/zero"  # is opened once, to show that it is told


def _tell_of_writing(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and not str(path).endswith(("/dev/null", ".pyc")) and ".pyc." not in str(path):
            _say(f"{OPENED}{path}")
    elif event in {"os.mkdir", "os.rename", "os.link", "os.symlink"}:
        _say(f"{OPENED}{arguments}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a server that is ended loses what it has not sent off


def _fail(*arguments: object, **named: object) -> NoReturn:
    told = f"{arguments!r} {named!r}"
    try:
        raise ValueError(told)
    except ValueError as error:
        error.add_note(told)
        raise KeyError(told) from error


def _break() -> None:
    from functions.local_uploads import LocalLinks
    from thyroid.core.analyzer import Analyzer
    from thyroid.s3.links import Links

    broken: dict[type, tuple[str, ...]] = {
        Analyzer: ("score", "explain", "works"),
        Links: ("create", "find"),
        LocalLinks: ("create", "find", "take", "file"),
    }
    for kind, methods in broken.items():
        for method in methods:
            setattr(kind, method, _fail)


def tell_everything() -> None:
    """Let every logger and every warning print, as Lambda's runtime does where the root logger is set to DEBUG."""
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
    logging.captureWarnings(capture=True)
    if os.environ.get("BROKEN"):
        _break()


def tell_of_writing() -> None:
    """Print the name of every file that is opened for writing, and of every folder that is made, from now on."""
    sys.addaudithook(_tell_of_writing)


def _served(told_of: str) -> Any:
    tell_everything()
    module, _, name = told_of.partition(":")
    served = getattr(importlib.import_module(module), name)
    logging.getLogger("uvicorn.access").disabled = True  # of the stand-in for the gateway; a laptop's is off by itself
    tell_of_writing()
    with Path(CONTROL).open("wb"):
        pass
    return served


if "TOLD_OF" in os.environ:
    app = _served(os.environ["TOLD_OF"])
