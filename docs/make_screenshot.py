"""Makes the README's screenshot of the page, with the sample phantom in it.

``python -m docs.make_screenshot http://localhost:8000`` with ``make run`` in another terminal.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from docs.browser import launch

FILE = Path(__file__).with_name("page.png")
WIDTH, HEIGHT = 1100, 800


def main(address: str) -> None:
    """Write ``docs/page.png``."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        page.goto(f"{address}/app")
        page.click("#sample")
        page.wait_for_selector("#controls:visible", timeout=60_000)
        page.wait_for_selector("#model:visible")
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    shot.save(FILE, optimize=True)  # with all colours: a palette would make steps in the heatmap


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000")
