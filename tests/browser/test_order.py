"""What comes late: nothing of one image is ever seen beside another."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.browser.visit import PATIENCE_MS, Visit
from tests.images import saved
from thyroid import phantom

ANALYZE = "**/api/v1/analyze*"


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """Another image than the scan."""
    file = tmp_path / "another.png"
    file.write_bytes(saved(Image.fromarray(phantom.make(1, suspicious=False))))
    return file


def test_a_map_that_comes_late_is_not_laid_over_the_next_image(visit: Visit, scan: Path, another: Path) -> None:
    # GIVEN a map of the first image that is being read
    visit.choose(scan)
    visit.see_result()
    visit.hold("window.createImageBitmap")
    visit.page.get_by_label("benign").check()
    visit.see_held()
    # WHEN another image comes, whose analysis takes its time
    visit.page.route(ANALYZE, lambda route: None)
    visit.choose(another)
    expect(visit.page.locator("#caption")).to_contain_text("another.png")
    visit.release()
    # THEN neither score nor heatmap of the first are beside it
    expect(visit.page.locator("#waiting")).to_be_visible()
    expect(visit.page.locator("#heat")).to_be_hidden()
    expect(visit.page.locator("#result")).to_be_hidden()
    # AND it is still an image of which nothing came back
    visit.page.click("#cancel")
    expect(visit.page.locator("#again")).to_be_visible()
    expect(visit.page.locator("#result")).to_be_hidden()


def test_a_result_is_gone_as_soon_as_another_image_is_there_and_cancel_cancels(
    visit: Visit, scan: Path, another: Path
) -> None:
    visit.choose(scan)
    visit.see_result()
    visit.hold("HTMLImageElement.prototype.decode")
    visit.choose(another)
    visit.see_held()
    expect(visit.page.locator("#waiting")).to_be_visible()
    expect(visit.page.locator("#save-overlay")).to_be_hidden()
    expect(visit.page.locator("#original")).to_be_hidden()
    assert visit.text("#caption").startswith("another.png")

    visit.page.click("#cancel")
    visit.release()
    visit.see_problem("Cancelled.")
    assert len(visit.asked("/api/v1/analyze")) == 1
    visit.page.click("#again")
    visit.see_result()
    expect(visit.page.locator("#original")).to_be_visible()


def test_of_two_images_the_one_that_was_chosen_last_counts(visit: Visit, scan: Path, another: Path) -> None:
    visit.hold("Blob.prototype.arrayBuffer")
    visit.choose(scan)
    visit.see_held()
    visit.choose(another)
    visit.see_result()
    visit.release()
    assert visit.text("#caption").startswith("another.png")
    expect(visit.page.locator("#result")).to_be_visible()
    assert len(visit.asked("/api/v1/analyze")) == 1


def test_a_sample_that_comes_late_takes_no_image_s_place(visit: Visit, scan: Path) -> None:
    late: list[Route] = []
    visit.page.route("**/phantom.jpg", lambda route: late.append(route))
    visit.page.click("#sample")
    expect(visit.page.locator("#waiting-said")).to_contain_text("Analysing the sample")
    visit.choose(scan)
    visit.see_result()
    late[0].abort()
    visit.page.wait_for_timeout(500)
    assert visit.text("#caption").startswith(scan.name)
    expect(visit.page.locator("#problem")).to_be_hidden()


def test_a_sample_that_does_not_come_leaves_the_result_before_it(visit: Visit, scan: Path) -> None:
    visit.choose(scan)
    visit.see_result()
    visit.page.route("**/phantom.jpg", lambda route: route.abort("connectionrefused"))
    visit.page.click("#sample")
    visit.see_problem("The server cannot be reached.")
    expect(visit.page.locator("#result")).to_be_visible()
    expect(visit.page.locator("#controls")).to_be_visible(timeout=PATIENCE_MS)
    assert visit.text("#caption").startswith(scan.name)
