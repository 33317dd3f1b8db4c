"""What goes wrong, in a sentence that says what happened and what to do; and nothing is lost by it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visit import PATIENCE_MS, Visit, refuse

ANALYZE = "**/api/v1/analyze*"
KEY = "0123456789abcdefghij0123456789"
LETTER = {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
FORBIDDEN = "This address needs a key, and none came that is known; send yours in the header X-Api-Key."

FAIL_WITHIN = "() => { Response.prototype.json = () => Promise.reject(new TypeError('network error')); }"


def still_there(visit: Visit, scan: Path) -> None:
    """The image is shown, and can be sent again as it is."""
    expect(visit.page.locator("#original")).to_be_visible()
    assert visit.text("#caption").startswith(scan.name)
    visit.page.unroute(ANALYZE)
    visit.page.click("#again")
    visit.see_result()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("letter.pdf", b"%PDF-1.7 ...", "“letter.pdf” is not an image that this service takes."),
        ("scan.png", b"not what its name says", "“scan.png” is not an image that this service takes."),
        ("scan.png", b"", "“scan.png” is empty."),
    ],
)
def test_a_file_that_is_no_image_is_not_sent(visit: Visit, name: str, content: bytes, sentence: str) -> None:
    visit.choose({"name": name, "mimeType": "image/png", "buffer": content})
    visit.see_problem(sentence, "Choose a")
    expect(visit.page.locator("#again")).to_be_hidden()
    assert visit.asked("/api/v1/analyze") == []


def test_a_wrong_file_takes_nothing_from_the_result_before_it(visit: Visit, scan: Path) -> None:
    visit.choose(scan)
    visit.see_result()
    visit.choose(LETTER)
    visit.see_problem("“letter.pdf” is not an image")
    expect(visit.page.locator("#result")).to_be_visible()
    expect(visit.page.locator("#heat")).to_be_visible()
    assert visit.text("#caption").startswith(scan.name)


def test_a_wrong_file_ends_no_analysis_and_is_not_forgotten_over_its_result(visit: Visit, scan: Path) -> None:
    waiting: list[Route] = []
    visit.page.route(ANALYZE, lambda route: waiting.append(route), times=1)
    visit.choose(scan)
    expect(visit.page.locator("#waiting")).to_be_visible()
    visit.choose(LETTER)
    visit.see_problem("“letter.pdf” is not an image")
    expect(visit.page.locator("#cancel")).to_be_visible()
    expect(visit.page.locator("#again")).to_be_hidden()

    waiting[0].continue_()
    visit.see_result()
    expect(visit.page.locator("#problem-said")).to_be_visible()
    visit.choose(scan)
    expect(visit.page.locator("#problem")).to_be_hidden()


def test_a_wrong_file_leaves_the_image_that_can_be_sent_again(visit: Visit, scan: Path) -> None:
    visit.page.route(ANALYZE, lambda route: refuse(route, 429, "throttled", "Too many requests came."))
    visit.choose(scan)
    visit.see_problem("Too many requests came.")
    visit.choose(LETTER)
    visit.see_problem("“letter.pdf” is not an image")
    still_there(visit, scan)


def test_an_image_that_changes_on_the_disk_is_sent_as_it_was_chosen(visit: Visit, scan: Path, tmp_path: Path) -> None:
    chosen = tmp_path / scan.name
    chosen.write_bytes(scan.read_bytes())
    visit.page.route(ANALYZE, lambda route: refuse(route, 429, "throttled", "Too many requests came."))
    visit.choose(chosen)
    visit.see_problem("Too many requests came.")
    chosen.write_bytes(b"something else, and later")
    still_there(visit, scan)


def test_an_image_that_cannot_be_read_gets_the_service_s_own_sentence(visit: Visit, scan: Path) -> None:
    visit.choose({"name": "broken.png", "mimeType": "image/png", "buffer": scan.read_bytes()[:300]})
    expect(visit.page.locator("#problem")).to_be_visible(timeout=PATIENCE_MS)
    assert len(visit.text("#problem-said")) > 20
    assert visit.text("#problem-id").startswith("Request ")


def test_a_key_that_is_asked_for_is_sent_and_kept_in_the_session_alone(page: Page, address: str, scan: Path) -> None:
    # GIVEN a service that asks for a key
    def gate(route: Route) -> None:
        if route.request.headers.get("x-api-key") == KEY:
            route.continue_()
        else:
            refuse(route, 403, "forbidden", FORBIDDEN)

    page.route("**/api/v1/*", gate)
    visit = Visit(page, address)
    page.goto(address + "/app")
    # WHEN an image comes before the key
    visit.choose(scan)
    visit.see_problem(FORBIDDEN, "Enter your key under “API key”")
    expect(page.locator("#key")).to_be_focused()
    # AND then a wrong one, and the right one
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    visit.see_problem(FORBIDDEN)
    expect(page.locator("#key")).to_have_value("wrong")
    page.fill("#key", f"  {KEY} ")
    page.keyboard.press("Enter")
    # THEN the image that was waiting is analysed, and the layers are known
    visit.see_result()
    assert page.locator("#layer option").count() > 1
    # AND the key outlives a reload of this tab, and nothing else
    assert page.evaluate("Object.values(sessionStorage)") == [KEY]
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    page.reload()
    expect(page.locator("#key")).to_have_value(KEY)
    assert KEY not in "".join(request.url for request in visit.requests)


def test_a_key_that_is_refused_is_said_to_be(page: Page, address: str) -> None:
    page.route("**/api/v1/*", lambda route: refuse(route, 403, "forbidden", FORBIDDEN))
    page.goto(address + "/app")
    expect(page.locator("#key-said")).to_have_text("This service asks for a key.")
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-said")).to_have_text("This service refused that key.")


def test_a_key_that_no_header_can_carry_is_told_at_once(visit: Visit) -> None:
    visit.page.click("#key-box summary")
    visit.page.fill("#key", "ключ")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#key-said")).to_contain_text("Copy it again")


@pytest.mark.parametrize(
    ("status", "code", "detail"),
    [
        (429, "throttled", "More requests came than are taken at a time; try again in a while."),
        (429, "quota_exceeded", "This key has made all requests of its period; wait for the next one or ask for more."),
        (
            500,
            "internal_error",
            "Something went wrong on our side; try again, and if it stays so, report the request id.",
        ),
    ],
)
def test_a_refusal_says_why_and_the_image_can_be_sent_again(
    visit: Visit, scan: Path, status: int, code: str, detail: str
) -> None:
    visit.page.route(ANALYZE, lambda route: refuse(route, status, code, detail))
    visit.choose(scan)
    visit.see_problem(detail, "Your image is still here")
    assert visit.text("#problem-id") == "Request 5d8c1f0e"
    still_there(visit, scan)


def test_a_server_that_cannot_be_reached_is_told_from_one_that_refuses(visit: Visit, scan: Path) -> None:
    visit.page.route(ANALYZE, lambda route: route.abort("connectionrefused"))
    visit.choose(scan)
    visit.see_problem("The server cannot be reached.", "check that the server runs")
    still_there(visit, scan)


def test_an_answer_from_something_else_than_the_service_is_a_sentence_too(visit: Visit, scan: Path) -> None:
    visit.page.route(ANALYZE, lambda route: route.fulfill(status=418, content_type="text/html", body="<h1>no</h1>"))
    visit.choose(scan)
    visit.see_problem("The server answered 418 and did not say why.", "Try again")


def test_a_page_in_the_place_of_an_answer_is_not_taken_for_a_fault_of_ours(visit: Visit, scan: Path) -> None:
    visit.page.route(ANALYZE, lambda route: route.fulfill(content_type="text/html", body="<h1>Sign in</h1>"))
    visit.choose(scan)
    visit.see_problem("Something other than the service answered.", "sign in")
    still_there(visit, scan)


def test_a_connection_that_ends_within_an_answer_is_one_that_ended(visit: Visit, scan: Path) -> None:
    visit.page.evaluate(FAIL_WITHIN)
    visit.choose(scan)
    visit.see_problem("The server cannot be reached.")


def test_an_answer_without_a_score_shows_none(visit: Visit, scan: Path) -> None:
    visit.choose(scan)
    visit.see_result()
    visit.page.route(ANALYZE, lambda route: route.fulfill(json={}))
    visit.choose(scan)
    expect(visit.page.locator("#problem")).to_be_visible()
    expect(visit.page.locator("#result")).to_be_hidden()
    still_there(visit, scan)


def test_a_sample_that_does_not_come_is_no_image_that_is_still_here(visit: Visit) -> None:
    visit.page.route("**/phantom.jpg", lambda route: route.abort("connectionrefused"))
    visit.page.click("#sample")
    visit.see_problem("The server cannot be reached.", "check that the server runs")
    assert "image" not in visit.text("#problem-advice")
    expect(visit.page.locator("#again")).to_be_hidden()


def test_a_gateway_that_finds_an_image_too_large_does_not_say_what_to_do_so_the_page_does(
    visit: Visit, scan: Path
) -> None:
    visit.page.route(ANALYZE, lambda route: route.fulfill(status=413, content_type="text/html", body="<h1>no</h1>"))
    visit.choose(scan)
    visit.see_problem("The server answered 413", "Save it smaller")


def test_nobody_is_kept_waiting_for_more_than_a_minute_between_two_tries(visit: Visit, scan: Path) -> None:
    visit.page.route(ANALYZE, lambda route: refuse(route, 503, "closed", "Closed for today.", Retry_After="3600"))
    visit.choose(scan)
    visit.see_problem("Closed for today.")
    assert len(visit.asked("/api/v1/analyze")) == 1


@pytest.mark.parametrize(("status", "code"), [(503, "model_unavailable"), (504, "timeout"), (502, "bad_gateway")])
def test_a_service_that_is_only_starting_is_asked_again(visit: Visit, scan: Path, status: int, code: str) -> None:
    visit.page.route(ANALYZE, lambda route: refuse(route, status, code, "Not yet.", Retry_After="2"), times=2)
    visit.choose(scan)
    expect(visit.page.locator("#waiting-said")).to_contain_text("not ready yet; trying again in 3 s (2 of 4)")
    visit.see_result()
    assert len(visit.asked("/api/v1/analyze")) == 3


def test_a_service_that_stays_away_is_given_up_with_its_own_sentence(visit: Visit, scan: Path) -> None:
    visit.page.clock.install()
    visit.page.route(ANALYZE, lambda route: refuse(route, 503, "model_unavailable", "No model.", Retry_After="30"))
    visit.choose(scan)
    for tries in (2, 3, 4):
        expect(visit.page.locator("#waiting-said")).to_contain_text(f"({tries} of 4)")
        visit.page.clock.run_for(40_000)
    visit.see_problem("No model.", "try again in a minute")
    assert len(visit.asked("/api/v1/analyze")) == 4


def test_a_first_answer_that_takes_long_is_explained_and_can_be_cancelled(visit: Visit, scan: Path) -> None:
    visit.page.clock.install()
    visit.page.route(ANALYZE, lambda route: None, times=1)
    visit.choose(scan)
    expect(visit.page.locator("#waiting-said")).to_have_text("Analysing the image…")
    visit.page.clock.run_for(4_500)
    expect(visit.page.locator("#waiting-said")).to_contain_text("The first answer takes longer")
    expect(visit.page.locator("#status")).to_contain_text("The first answer takes longer")

    visit.page.click("#cancel")
    visit.see_problem("Cancelled.", "Your image is still here.")
    still_there(visit, scan)


def test_a_map_that_fails_leaves_the_one_before_it(visit: Visit, scan: Path) -> None:
    visit.choose(scan)
    visit.see_result()
    visit.page.route("**/api/v1/gradcam*", lambda route: refuse(route, 429, "throttled", "Too many requests came."))
    visit.page.get_by_label("benign").check()
    expect(visit.page.locator("#map-said")).to_contain_text("Too many requests came.")
    expect(visit.page.locator("#map-said")).to_contain_text("The map before it is still shown.")
    expect(visit.page.locator("#heat")).to_be_visible()
    expect(visit.page.locator("#result")).to_be_visible()
    assert visit.page.get_by_label("benign").is_checked()

    visit.page.unroute("**/api/v1/gradcam*")
    visit.page.click("#map-again")
    expect(visit.page.locator("#map-said")).to_contain_text("for benign", timeout=PATIENCE_MS)
    expect(visit.page.locator("#map-again")).to_be_hidden()


def test_a_map_that_was_refused_for_want_of_a_key_is_drawn_with_it(visit: Visit, scan: Path) -> None:
    def gate(route: Route) -> None:
        if route.request.headers.get("x-api-key") == KEY:
            route.continue_()
        else:
            refuse(route, 403, "forbidden", FORBIDDEN)

    visit.choose(scan)
    visit.see_result()
    visit.page.route("**/api/v1/gradcam*", gate)
    visit.page.get_by_label("benign").check()
    expect(visit.page.locator("#map-said")).to_contain_text(FORBIDDEN)
    visit.page.fill("#key", KEY)
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#map-said")).to_contain_text("for benign", timeout=PATIENCE_MS)
