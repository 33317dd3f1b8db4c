"""From an image to its result, and what can be done with it."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.visit import PATIENCE_MS, Visit, refuse
from tests.images import saved

ANALYZE, GRADCAM = "/api/v1/analyze", "/api/v1/gradcam"


def answered(api: httpx.Client, scan: Path, path: str = ANALYZE, **query: str) -> dict[str, Any]:
    answer = api.post(path, content=scan.read_bytes(), headers={"Content-Type": "image/png"}, params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def heat_of(page: Page) -> str:
    drawn: str = page.evaluate("document.getElementById('heat').toDataURL()")
    return drawn


@pytest.fixture
def result(visit: Visit, scan: Path) -> Visit:
    """The page with the result of an image that was chosen."""
    visit.choose(scan)
    visit.see_result()
    return visit


def test_an_image_gets_the_score_band_and_recommendation_that_the_api_gives(
    result: Visit, scan: Path, api: httpx.Client
) -> None:
    told = answered(api, scan)
    score = told["prediction"]["confidence_score"]

    assert result.text("#label") == told["prediction"]["label"]
    assert result.text("#risk") == told["risk_assessment"]
    assert result.text("#recommendation") == told["recommendation"]
    assert result.text("#check") == told["input_check"]["detail"]
    assert abs(float(result.text("#gauge .needle")) - score) < 0.01
    spoken = result.page.locator("#gauge").get_attribute("aria-label") or ""
    assert told["risk_assessment"] in spoken
    here = result.page.locator("#gauge .here")
    assert told["risk_assessment"].startswith((here.text_content() or "").partition("from")[0])
    assert told["risk_assessment"] in result.text("#status")


def test_the_needle_stands_where_the_score_is(result: Visit, scan: Path, api: httpx.Client) -> None:
    score = answered(api, scan)["prediction"]["confidence_score"]
    gauge, pin = (result.page.locator(part).bounding_box() for part in ("#gauge", "#gauge .pin"))
    assert gauge is not None
    assert pin is not None
    assert (pin["x"] + pin["width"] / 2 - gauge["x"]) / gauge["width"] == pytest.approx(score, abs=0.01)


def test_it_says_what_a_score_is_worth(result: Visit) -> None:
    expect(result.page.locator("#meaning")).to_contain_text("Calibrated: where half of all images are suspicious")
    assert "AUC" in result.text("#model")


def test_the_score_is_cut_off_alike_wherever_it_is_told(
    page: Page, address: str, scan: Path, api: httpx.Client
) -> None:
    told = answered(api, scan, size="640")
    told["prediction"]["confidence_score"] = 0.7491
    page.route(f"**{ANALYZE}*", lambda route: route.fulfill(json=told))
    visit = Visit(page, address)
    visit.open()
    visit.choose(scan)
    visit.see_result()
    assert visit.text("#gauge .needle") == "0.74"
    assert "about 74 in 100" in visit.text("#meaning")


def test_scores_of_a_model_that_was_not_calibrated_are_no_probabilities(
    page: Page, address: str, scan: Path, api: httpx.Client
) -> None:
    info = api.get("/api/v1/model-info").json() | {"evaluation": {}}
    page.route("**/model-info", lambda route: route.fulfill(json=info))
    visit = Visit(page, address)
    visit.open()
    visit.choose(scan)
    visit.see_result()
    assert "not calibrated" in visit.text("#meaning")
    assert "not been measured" in visit.text("#model")


def test_the_bands_are_those_of_the_model(page: Page, address: str, scan: Path, api: httpx.Client) -> None:
    info = api.get("/api/v1/model-info").json()
    info["risk_bands"] = [
        {"id": "other", "minimum": 0.6, "label": "Above", "recommendation": ""},
        {"id": "low", "minimum": 0.0, "label": "Below", "recommendation": ""},
    ]
    page.route("**/model-info", lambda route: route.fulfill(json=info))
    visit = Visit(page, address)
    visit.open()
    visit.choose(scan)
    visit.see_result()

    assert page.locator("#gauge .name").all_text_contents() == ["Belowfrom 0", "Abovefrom 0.6"]
    below, above = (band.bounding_box() for band in page.locator("#gauge .band").all())
    assert below is not None
    assert above is not None
    assert below["width"] / above["width"] == pytest.approx(0.6 / 0.4, rel=0.02)


def open_before_the_model_is_known(page: Page, address: str) -> Visit:
    visit = Visit(page, address)
    page.goto(address + "/app")
    expect(page.locator("#not-started")).to_be_hidden()
    return visit


def test_without_the_model_s_bands_the_score_is_shown_all_the_same(page: Page, address: str, scan: Path) -> None:
    page.route("**/model-info", lambda route: route.abort())
    visit = open_before_the_model_is_known(page, address)
    visit.choose(scan)
    visit.see_result()

    assert 0 <= float(visit.text("#gauge .needle")) <= 1
    assert visit.text("#risk")
    expect(page.locator("#gauge .band")).to_have_count(1)


def test_the_bands_come_with_the_model_when_the_result_is_there_already(
    page: Page, address: str, scan: Path, api: httpx.Client
) -> None:
    info = api.get("/api/v1/model-info").json()
    waiting: list[Route] = []
    page.route("**/model-info", lambda route: waiting.append(route))
    visit = open_before_the_model_is_known(page, address)
    visit.choose(scan)
    visit.see_result()
    expect(page.locator("#gauge .band")).to_have_count(1)

    for route in waiting:
        route.fulfill(json=info)

    expect(page.locator("#gauge .band")).to_have_count(len(info["risk_bands"]))
    expect(page.locator("#gauge .here")).to_have_count(1)


def test_the_slider_sets_how_strong_the_heatmap_is(result: Visit) -> None:
    slider, heat = result.page.locator("#opacity"), result.page.locator("#heat")
    expect(heat).to_have_css("opacity", "0.4")

    slider.fill("75")
    expect(heat).to_have_css("opacity", "0.75")
    expect(result.page.locator("#opacity-said")).to_have_text("75 %")

    slider.press("ArrowLeft")
    expect(heat).to_have_css("opacity", "0.7")


def test_the_heatmap_lies_just_over_the_image(result: Visit) -> None:
    image, heat = (result.page.locator(part).bounding_box() for part in ("#original", "#heat"))
    assert image is not None
    assert heat is not None
    for side in ("x", "y", "width", "height"):
        assert heat[side] == pytest.approx(image[side], abs=1.5)


def test_the_heatmap_keeps_its_place_in_a_layout_of_which_no_script_hears_as_that_of_paper(result: Visit) -> None:
    image, heat = result.page.evaluate(
        """() => {
          document.getElementById("stage").style.width = "150px";
          return ["original", "heat"].map((id) => document.getElementById(id).getBoundingClientRect().toJSON());
        }"""
    )
    assert image["width"] == 150
    for side in ("x", "y", "width", "height"):
        assert heat[side] == pytest.approx(image[side], abs=1.5)


def test_on_paper_there_is_nothing_to_press(result: Visit) -> None:
    result.page.emulate_media(media="print")
    for part in ("#save-pdf", "#choose", "#opacity", "#layer", "#key-box"):
        expect(result.page.locator(part)).to_be_hidden()
    for part in ("#original", "#heat", "#gauge", "#recommendation"):
        expect(result.page.locator(part)).to_be_visible()
    expect(result.page.locator("#gauge .bar").first).to_have_css("print-color-adjust", "exact")


def test_the_overlay_that_is_saved_is_the_api_s_at_its_strength_and_the_image_at_none(
    result: Visit, scan: Path, api: httpx.Client
) -> None:
    images = answered(api, scan, size="640")["gradcam"]["images"]

    download = result.saved("#save-overlay")
    assert download.suggested_filename == "Jane-Doe.overlay.png"
    difference = pixels(download.path().read_bytes()) - pixels(base64.b64decode(images["overlay"]))
    assert np.abs(difference).max() <= 2

    result.page.locator("#opacity").fill("0")
    plain = pixels(result.saved("#save-overlay").path().read_bytes())
    assert np.abs(plain - pixels(base64.b64decode(images["original"]))).max() <= 1


def test_another_layer_and_the_benign_side_are_other_maps_of_the_same_score(
    result: Visit, scan: Path, api: httpx.Client
) -> None:
    info = api.get("/api/v1/model-info").json()
    layers = result.page.locator("#layer option").all_text_contents()
    assert layers[0] == f"{info['default_layer']} (default)"
    assert {layers[0].partition(" ")[0], *layers[1:]} == set(info["conv_layers"])
    score, before = result.text("#gauge .needle"), heat_of(result.page)

    result.page.select_option("#layer", info["conv_layers"][-3])
    expect(result.page.locator("#map-said")).to_contain_text(info["conv_layers"][-3], timeout=PATIENCE_MS)
    assert result.query(GRADCAM) == {"layer_name": info["conv_layers"][-3], "target": "malignant", "size": "640"}
    assert heat_of(result.page) != before

    result.page.get_by_label("benign").check()
    expect(result.page.locator("#map-said")).to_contain_text("benign", timeout=PATIENCE_MS)
    assert result.query(GRADCAM)["target"] == "benign"
    assert result.text("#gauge .needle") == score
    assert len(result.asked(ANALYZE)) == 1


def test_choices_that_are_passed_through_are_not_asked_for(result: Visit) -> None:
    result.page.evaluate(
        """() => {
          const layers = document.getElementById("layer");
          for (const at of [1, 2, 3]) {
            layers.selectedIndex = at;
            layers.dispatchEvent(new Event("change"));
          }
        }"""
    )
    expect(result.page.locator("#map-said")).to_contain_text("The map of", timeout=PATIENCE_MS)
    result.page.wait_for_timeout(500)
    assert len(result.asked(GRADCAM)) == 1


def test_a_map_without_evidence_is_said_to_be_empty(result: Visit, scan: Path, api: httpx.Client) -> None:
    told = answered(api, scan, GRADCAM, target="benign", size="640") | {"has_evidence": False}
    result.page.route(f"**{GRADCAM}*", lambda route: route.fulfill(json=told))
    result.page.get_by_label("benign").check()
    expect(result.page.locator("#map-said")).to_contain_text("speaks for benign: the map is empty")


def test_an_image_that_is_no_ultrasound_is_told_apart_with_its_reasons(visit: Visit) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    visit.choose({"name": "noise.png", "mimeType": "image/png", "buffer": saved(Image.fromarray(noise))})
    visit.see_result()
    assert "does not look like what the model was trained on" in visit.text("#check")
    assert "Do not rely on its score" in visit.text("#check")
    assert "doubtful" in (visit.page.locator("#check").get_attribute("class") or "")


def test_the_answer_that_is_saved_is_the_one_that_came(result: Visit, scan: Path, api: httpx.Client) -> None:
    download = result.saved("#save-answer")
    assert download.suggested_filename == "Jane-Doe.answer.json"
    kept, told = json.loads(download.path().read_bytes()), answered(api, scan, size="640")
    assert kept | {"timestamp": ""} == told | {"timestamp": ""}


@pytest.mark.parametrize("kind", ["pdf", "json"])
def test_a_report_is_asked_for_by_its_type_and_saved(result: Visit, scan: Path, kind: str) -> None:
    result.page.get_by_label("benign").check()
    expect(result.page.locator("#map-said")).to_contain_text("benign", timeout=PATIENCE_MS)
    sent: list[bytes | None] = []

    def make(route: Route) -> None:
        sent.append(route.request.post_data_buffer)
        route.fulfill(content_type=f"application/{kind}", body=b"the report")

    result.page.route("**/api/v1/report/*", make)
    download = result.saved(f"#save-{kind}")

    assert download.suggested_filename == f"Jane-Doe.report.{kind}"
    assert download.path().read_bytes() == b"the report"
    (request,) = result.asked(f"/api/v1/report/{kind}")
    assert request.headers["accept"] == f"application/{kind}"  # first and only: a gateway gives bytes to no other
    assert request.headers["content-type"] == "image/png"
    assert result.query(f"/api/v1/report/{kind}") == {"target": "benign"}
    assert sent == [scan.read_bytes()]


def test_two_clicks_ask_for_one_report(result: Visit) -> None:
    made: list[Route] = []
    result.page.route("**/api/v1/report/*", lambda route: made.append(route))
    result.page.dblclick("#save-pdf")
    expect(result.page.locator("#save-said")).to_have_text("Making the report…")
    with result.page.expect_download():
        made[0].fulfill(content_type="application/pdf", body=b"the report")
    expect(result.page.locator("#save-said")).to_have_text("The report is saved.")
    assert len(made) == 1


def test_an_overlay_that_cannot_be_saved_is_said_not_to_be(result: Visit) -> None:
    result.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (give) => give(null); }")
    result.page.click("#save-overlay")
    expect(result.page.locator("#save-said")).to_contain_text("could not make a file")


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_that_makes_no_reports_is_said_to_make_none(result: Visit, status: int) -> None:
    result.page.route("**/api/v1/report/*", lambda route: refuse(route, status, "not_found", "Nothing here."))
    result.page.click("#save-pdf")
    expect(result.page.locator("#save-said")).to_have_text("This server makes no reports.")
    expect(result.page.locator("#save-pdf")).to_be_visible()


def test_a_name_that_is_read_from_the_right_leaves_its_size_as_it_is(visit: Visit, scan: Path) -> None:
    visit.choose({"name": "غدة.png", "mimeType": "image/png", "buffer": scan.read_bytes()})
    expect(visit.page.locator("#caption bdi")).to_have_text("غدة.png")


def test_the_name_of_a_file_is_never_sent(visit: Visit, scan: Path) -> None:
    sent = visit.sent_to("**/api/v1/*")
    visit.choose(scan)
    visit.see_result()
    assert "Jane-Doe.png" in visit.text("#caption")
    assert scan.read_bytes() in sent
    assert not [body for body in sent if b"Jane" in (body or b"")]
    assert not [request for request in visit.requests if "Jane" in request.url + str(request.all_headers())]
