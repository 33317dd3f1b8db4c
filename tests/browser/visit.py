"""One visit to the page: what its visitor does, and what the browser had to say of it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import ConsoleMessage, Download, Error, Page, Request, Route, expect

PATIENCE_MS = 60_000  # for an analysis beside other work

HOLD = """() => {
  const kept = METHOD;
  const released = new Promise((resolve) => { window.release = resolve; });
  let reached;
  window.reached = new Promise((resolve) => { reached = resolve; });
  METHOD = async function (...given) {
    METHOD = kept;
    reached();
    await released;
    return kept.apply(this === undefined ? window : this, given);
  };
}"""


class Visit:
    """A visit.

    Attributes
    ----------
    complaints : list of str
        Errors and warnings of the browser's console, and what the scripts did not catch.
    requests : list of Request
        All that was asked for over the network.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.on("console", self._heard)
        page.on("pageerror", self._failed)
        page.on("request", self._asked)

    def open(self, path: str = "/app") -> None:
        self.page.goto(self.address + path)
        expect(self.page.locator("#model")).to_be_visible(timeout=PATIENCE_MS)

    def choose(self, file: Path | dict[str, Any]) -> None:
        self.page.locator("#file").set_input_files(file)  # type: ignore[arg-type]

    def see_result(self) -> None:
        expect(self.page.locator("#controls")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.page.locator("#result")).to_be_visible()

    def see_problem(self, sentence: str, advice: str = "") -> None:
        expect(self.page.locator("#problem-said")).to_contain_text(sentence, timeout=PATIENCE_MS)
        if advice:
            expect(self.page.locator("#problem-advice")).to_contain_text(advice)

    def text(self, part: str) -> str:
        return (self.page.locator(part).text_content() or "").strip()

    def saved(self, button: str) -> Download:
        with self.page.expect_download(timeout=PATIENCE_MS) as download:
            self.page.click(button)
        return download.value

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if urlsplit(request.url).path == path]

    def sent_to(self, pattern: str) -> list[bytes | None]:
        """Return a list that fills with the bodies of requests from now on; that of a file is known on its way only."""
        bodies: list[bytes | None] = []

        def pass_on(route: Route) -> None:
            bodies.append(route.request.post_data_buffer)
            route.continue_()

        self.page.route(pattern, pass_on)
        return bodies

    def hold(self, method: str) -> None:
        """Let the browser's next call of a method wait."""
        self.page.evaluate(HOLD.replace("METHOD", method))

    def see_held(self) -> None:
        self.page.evaluate("window.reached")

    def release(self) -> None:
        """Let the call that waits go on, and what must not follow have its time."""
        self.page.evaluate("window.release()")
        self.page.wait_for_timeout(500)

    def query(self, path: str) -> dict[str, str]:
        """Return the query of the last request to a path."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.asked(path)[-1].url).query).items()}

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _asked(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.requests.append(request)


def refuse(route: Route, status: int, code: str, detail: str, **headers: str) -> None:
    """Answer as the service or its gateway would: with a problem."""
    body = {"type": f"urn:thyroid:problem:{code}", "title": code, "status": status, "detail": detail, "code": code}
    route.fulfill(
        status=status,
        content_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=json.dumps({**body, "request_id": "5d8c1f0e"}),
    )
