"""What tests share."""

import signal
from pathlib import Path

import pytest

from thyroid.manifest import MANIFEST_FILE
from thyroid.settings import get_settings

# A shell starts what runs in its background (`make test &`) with interrupts ignored, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def artifact() -> Path:
    """The folder of the compiled model that the process serves."""
    folder = get_settings().model_dir
    if not (folder / MANIFEST_FILE).is_file():
        pytest.fail(f"There is no compiled model in {folder}; run `make model` first.")
    return folder
