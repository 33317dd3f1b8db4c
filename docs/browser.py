"""Finds Chromium on this machine, for the page's screenshot and for its tests."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
NONE = (
    "There is no Chromium here: install one (`apt-get install chromium`, or `.venv/bin/playwright install chromium`), "
    "or name it with CHROMIUM=PATH."
)


def launch(playwright: Playwright) -> Browser:
    """Start a browser without a window.

    Raises
    ------
    FileNotFoundError
        If there is none. The message says how to install one.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    path = found or playwright.chromium.executable_path
    if not Path(path).exists():
        raise FileNotFoundError(NONE)
    # Without its own sandbox, in which it does not start as root. It opens only a page of this project.
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
