"""The service on a machine where nothing can be written into any file: `uvicorn tests.no_files:app`.

`SERVED` names what is served, as module:attribute. The process may make files as before, and each byte that it writes
into one is refused, as on a disk that is full; what it prints has to go elsewhere, into a pipe.
"""

import importlib
import os
import resource
import tempfile
from typing import Any

NO_FOLDER = "no folder for temporary files"


def _served(served: str) -> Any:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # Python ignores the signal, and gets an error
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # it tries each folder by writing into it
        print(NO_FOLDER, flush=True)
    module, _, name = served.partition(":")
    return getattr(importlib.import_module(module), name)


if "SERVED" in os.environ:
    app = _served(os.environ["SERVED"])
