"""The ways in for an image: dropped, pasted, the sample, and one that is too large for a request."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.browser.visit import PATIENCE_MS, Visit, refuse
from tests.images import saved
from thyroid import phantom
from thyroid.settings import Settings

# Hands the page a file as the system would: a browser lets no script fill its clipboard with one.
HAND_OVER = """
([kind, name, type, base64, ...others]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  for (const other of others) data.items.add(new File(["another"], other, { type }));
  const how = { bubbles: true, cancelable: true };
  document.getElementById("drop").dispatchEvent(kind === "paste"
    ? new ClipboardEvent(kind, { ...how, clipboardData: data }) : new DragEvent(kind, { ...how, dataTransfer: data }));
}
"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_an_image_that_is_dropped_or_pasted_is_analysed(visit: Visit, scan: Path, way: str) -> None:
    sent = visit.sent_to("**/api/v1/analyze*")
    encoded = base64.b64encode(scan.read_bytes()).decode("ascii")
    visit.page.evaluate(HAND_OVER, [way, "scan.png", "image/png", encoded])
    visit.see_result()
    assert visit.text("#caption").startswith("scan.png, ")
    assert sent == [scan.read_bytes()]


def test_of_several_files_the_first_is_taken_and_that_is_said(visit: Visit, scan: Path) -> None:
    encoded = base64.b64encode(scan.read_bytes()).decode("ascii")
    visit.page.evaluate(HAND_OVER, ["drop", "scan.png", "image/png", encoded, "second.png"])
    visit.see_result()
    assert visit.text("#caption").startswith("scan.png, ")
    assert visit.text("#caption").endswith("Only the first of 2 files was taken.")


def test_the_image_that_is_shown_is_not_dragged_and_text_is_dropped_into_a_field(visit: Visit, scan: Path) -> None:
    visit.page.click("#sample")
    visit.see_result()
    assert visit.page.evaluate("document.getElementById('original').draggable") is False
    left = visit.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "a key");
          const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data });
          return document.getElementById("key").dispatchEvent(drop);
        }"""
    )
    assert left is True
    expect(visit.page.locator("#problem")).to_be_hidden()


def test_text_that_is_pasted_into_the_key_is_no_image(visit: Visit) -> None:
    visit.page.click("#key-box summary")
    visit.page.evaluate(
        "document.getElementById('key').dispatchEvent(new ClipboardEvent('paste', "
        "{bubbles: true, clipboardData: new DataTransfer()}))"
    )
    expect(visit.page.locator("#problem")).to_be_hidden()


def test_the_sample_is_a_phantom_that_the_service_takes_for_ultrasound(visit: Visit) -> None:
    visit.page.click("#sample")
    visit.see_result()
    assert visit.text("#check") == "The image looks like B-mode ultrasound."
    (asked,) = [request for request in visit.requests if request.url.endswith("/phantom.jpg")]
    assert asked.headers["accept"] == "image/jpeg"
    assert visit.complaints == []


def test_a_kind_of_image_that_the_browser_cannot_show_is_analysed_all_the_same(visit: Visit) -> None:
    tiff = saved(Image.fromarray(phantom.make(1, suspicious=True)), "TIFF")
    visit.choose({"name": "scan.tif", "mimeType": "image/tiff", "buffer": tiff})
    visit.see_result()
    expect(visit.page.locator("#frame")).to_be_visible()  # what the service read is shown instead
    expect(visit.page.locator("#heat")).to_be_visible()
    assert visit.asked("/api/v1/analyze")[-1].headers["content-type"] == "image/tiff"


def large() -> bytes:
    """Return an image a byte larger than a request takes; what follows a PNG's end is not looked at."""
    png = saved(Image.fromarray(phantom.make(1, suspicious=True)))
    return png + bytes(Settings().max_binary_body_bytes + 1 - len(png))


def test_an_image_too_large_for_a_request_goes_by_the_upload_link(visit: Visit) -> None:
    visit.choose({"name": "large.png", "mimeType": "image/png", "buffer": large()})
    visit.see_result()

    assert visit.asked("/api/v1/analyze") == []
    assert len(visit.asked("/local-uploads")) == 1
    expect(visit.page.locator("#heat")).to_be_visible()
    expect(visit.page.locator("#layer")).to_be_disabled()
    expect(visit.page.locator("#save-pdf")).to_be_disabled()
    assert "Other layers and reports" in visit.text("#save-said")
    saved_overlay = visit.saved("#save-overlay").path().read_bytes()
    assert np.asarray(Image.open(io.BytesIO(saved_overlay))).shape[:2] == (400, 600)
    assert visit.complaints == []


def test_an_upload_does_not_carry_the_name_of_the_file(visit: Visit, tmp_path: Path) -> None:
    image = tmp_path / "Jane-Doe.png"
    image.write_bytes(large())
    sent = visit.sent_to("**/local-uploads")
    visit.choose(image)
    visit.see_result()
    (form,) = sent
    assert form is not None
    assert b'filename="image"' in form
    assert b"Jane" not in form


def test_what_is_uploaded_is_not_uploaded_again_because_its_result_was_not_to_be_had(visit: Visit) -> None:
    not_yet: list[Route] = []

    def refuse_once(route: Route) -> None:
        not_yet.append(route)
        refuse(route, 503, "model_unavailable", "Not yet.")

    visit.page.route("**/api/v1/uploads/*", refuse_once, times=1)
    visit.choose({"name": "large.png", "mimeType": "image/png", "buffer": large()})
    visit.see_result()
    assert len(not_yet) == 1
    assert len(visit.asked("/local-uploads")) == 1


def test_an_upload_link_that_is_refused_asks_for_no_key(visit: Visit) -> None:
    visit.page.route("**/local-uploads", lambda route: route.fulfill(status=403, body="<Error/>"))
    visit.choose({"name": "large.png", "mimeType": "image/png", "buffer": large()})
    visit.see_problem("The upload link was refused.", "try again with a new one")
    expect(visit.page.locator("#key")).to_be_hidden()
    visit.page.unroute("**/local-uploads")
    visit.page.click("#again")
    visit.see_result()


def test_where_there_is_no_upload_link_a_large_image_gets_a_sentence(visit: Visit) -> None:
    visit.page.route("**/api/v1/uploads", lambda route: refuse(route, 501, "uploads_unavailable", "No bucket here."))
    visit.choose({"name": "large.png", "mimeType": "image/png", "buffer": large()})
    visit.see_problem("The image has 4.7 MB, and this server takes 4.6 MB at most.", "Save it smaller")


def test_an_image_over_every_limit_is_refused_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    png = saved(Image.fromarray(phantom.make(1, suspicious=True)))
    huge.write_bytes(png + bytes(Settings().max_upload_bytes + 1 - len(png)))
    visit.choose(huge)
    visit.see_problem("over the limit of 33.5 MB", "Save it smaller")
    assert visit.asked("/local-uploads") == []


def test_an_image_that_comes_while_another_is_analysed_takes_its_place(visit: Visit, scan: Path) -> None:
    visit.page.route("**/api/v1/analyze*", lambda route: None, times=1)  # is never answered
    visit.choose(scan)
    expect(visit.page.locator("#waiting")).to_be_visible()
    visit.page.click("#sample")
    visit.see_result()
    assert visit.text("#caption").startswith("phantom.jpg")
    expect(visit.page.locator("#waiting")).to_be_hidden(timeout=PATIENCE_MS)
