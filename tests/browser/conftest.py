"""The page in a real browser, before the real local server."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from docs.browser import launch
from tests.browser.visit import Visit
from tests.images import saved
from tests.server import local_server
from thyroid import phantom


@pytest.fixture(scope="session")
def address(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server answers."""
    with local_server(tmp_path_factory.mktemp("server") / "output.txt") as running:
        yield running


@pytest.fixture(scope="package")  # while it is there, its loop runs in this thread, and no other one can
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except FileNotFoundError as error:
            pytest.fail(str(error))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab of its own session, as wide as a laptop."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture
def visit(page: Page, address: str) -> Visit:
    """The page, opened."""
    visit = Visit(page, address)
    visit.open()
    return visit


@pytest.fixture(scope="session")
def api(address: str) -> Iterator[httpx.Client]:
    """The same server without a browser."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's frame around a phantom, in a file that carries a name."""
    file = tmp_path_factory.mktemp("images") / "Jane-Doe.png"
    file.write_bytes(saved(Image.fromarray(phantom.make_frame(7, suspicious=True))))
    return file
