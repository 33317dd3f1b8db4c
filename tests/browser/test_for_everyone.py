"""The page for everyone: any width, light and dark, by keyboard, read aloud, below a prefix, and with no other host."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.visit import PATIENCE_MS, Visit, refuse

Scheme = Literal["light", "dark"]

INLINE_SCRIPT = """() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = 1";
  document.body.append(script);
}"""


def findings(page: Page) -> list[str]:
    """Return what axe finds serious or worse, and every contrast that is too weak."""
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{found['id']}: {[node['html'][:120] for node in found['nodes']]}"
        for found in violations
        if found["impact"] in ("serious", "critical") or found["id"] == "color-contrast"
    ]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    chosen: Scheme = request.param
    return chosen


@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_keeps_people_out_and_nothing_runs_over_the_edge(
    browser: Browser, address: str, scheme: Scheme, width: int
) -> None:
    # The policy would keep out the script that looks at the page. That it holds is tested below.
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 740}, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, address)

    def sound(state: str) -> None:
        assert findings(page) == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state

    visit.open()
    page.click("#key-box summary")
    sound("empty")
    page.click("#sample")
    visit.see_result()
    sound("result")
    page.route(
        "**/api/v1/analyze*", lambda route: refuse(route, 429, "throttled", "More requests came than are taken.")
    )
    page.click("#sample")
    visit.see_problem("More requests came")
    sound("problem")
    page.route("**/api/v1/analyze*", lambda route: None)
    page.click("#again")
    expect(page.locator("#waiting")).to_be_visible()
    sound("waiting")
    page.click("#cancel")
    page.unroute_all(behavior="ignoreErrors")
    context.close()


def test_on_a_small_screen_what_happens_comes_into_sight(browser: Browser, address: str, scan: Path) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, address)
    visit.open()
    page.route("**/api/v1/analyze*", lambda route: None)
    visit.choose(scan)
    expect(page.locator("#waiting-said")).to_be_in_viewport()
    expect(page.locator("#cancel")).to_be_in_viewport()

    page.click("#cancel")
    page.evaluate("scrollTo(0, 0)")
    visit.choose({"name": f"{'long' * 60}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    visit.see_problem("is not an image")
    expect(page.locator("#problem-said")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "a long name makes the page no wider"
    page.unroute_all(behavior="ignoreErrors")
    page.close()


def test_who_presses_a_button_that_goes_away_goes_on_at_the_answer(visit: Visit, scan: Path) -> None:
    page = visit.page
    page.route("**/api/v1/analyze*", lambda route: None)
    visit.choose(scan)
    for button in ("#cancel", "#again"):
        page.locator(button).focus()
        page.keyboard.press("Enter")
        expect(page.locator(button)).to_be_hidden()
        expect(page.locator("#answer-title")).to_be_focused()
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_read_out_is_there_before_it_says_anything(visit: Visit) -> None:
    visit.page.click("#sample")
    visit.see_result()
    for part in ("#status", "#save-said", "#map-said", "#key-said"):
        visit.page.evaluate("(part) => { document.querySelector(part).textContent = ''; }", part)
        expect(visit.page.locator(part)).not_to_have_css("display", "none")


def test_dark_is_dark(browser: Browser, address: str, scheme: Scheme) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(address + "/app")
    red = int(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 60) == (scheme == "dark")
    page.close()


def test_who_wants_no_motion_gets_next_to_none(browser: Browser, address: str) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto(address + "/app")
    style = "getComputedStyle(document.querySelector('.spinner')).animationTimingFunction"
    assert "steps" in page.evaluate(style)
    page.close()


def test_all_can_be_done_by_keyboard_in_the_order_in_which_it_is_seen(visit: Visit) -> None:
    page = visit.page

    def tab_to(part: str, at_most: int, key: str = "Tab") -> None:
        for _ in range(at_most):
            page.keyboard.press(key)
            if page.evaluate("document.activeElement.id") == part:
                return
        pytest.fail(f"{at_most} times Tab did not lead to {part}")

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to("file", 1)
    tab_to("sample", 1)
    page.keyboard.press("Enter")
    visit.see_result()
    expect(page.locator("#answer-title")).to_be_focused()
    tab_to("save-overlay", 1)
    tab_to("save-answer", 3)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map-said")).to_contain_text("benign", timeout=PATIENCE_MS)
    tab_to("layer", 1)
    tab_to("opacity", 9, "Shift+Tab")
    page.keyboard.press("End")
    expect(page.locator("#heat")).to_have_css("opacity", "1")


def test_the_policy_holds_and_nothing_but_this_server_is_asked(visit: Visit, address: str) -> None:
    visit.page.click("#sample")
    visit.see_result()
    visit.page.select_option("#layer", index=2)
    expect(visit.page.locator("#map-said")).to_contain_text("The map of", timeout=PATIENCE_MS)
    visit.saved("#save-overlay")
    assert visit.complaints == []
    assert {f"{urlsplit(r.url).scheme}://{urlsplit(r.url).netloc}" for r in visit.requests} == {address}

    visit.page.evaluate(INLINE_SCRIPT)
    assert visit.page.evaluate("window.ran") is None
    assert "Content Security Policy" in "".join(visit.complaints)


@pytest.mark.parametrize("prefix", ["/prod", "/thyroid/v3"])
def test_it_works_below_any_prefix(page: Page, address: str, prefix: str) -> None:
    def below(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(address + prefix, address)))

    page.route(f"{address}{prefix}/**", below)
    visit = Visit(page, address)
    visit.open(f"{prefix}/app")
    page.click("#sample")
    visit.see_result()
    assert visit.complaints == []
    assert all(urlsplit(request.url).path.startswith(prefix + "/") for request in visit.requests)


def test_it_says_what_it_is_not_and_where_images_go(visit: Visit) -> None:
    text = visit.page.locator("main").inner_text()
    assert "For research and education only. Not a diagnosis" in text
    assert "not stored" in text


def test_the_page_is_small(visit: Visit, scan: Path) -> None:
    sizes = [request.sizes()["responseBodySize"] for request in visit.requests if "/app" in request.url]
    assert 10_000 < sum(sizes) < 70_000
