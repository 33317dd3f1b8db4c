"""What the client sends, where to, and what it keeps to itself."""

import asyncio
import inspect
import logging
from typing import Any

import httpx
import pytest

from tests.client import (
    ADDRESS,
    ANALYZED,
    EXPLAINED,
    HEALTHY,
    MODEL_INFO,
    PDF,
    PNG,
    PREDICTED,
    REPORTED,
    Script,
    ok,
    problem,
)
from thyroid_client import (
    AsyncClient,
    Client,
    ExplainOptions,
    Report,
    RiskBand,
    Unavailable,
    UnexpectedResponse,
    __version__,
)
from thyroid_client.results import AnalyzeResult


def test_each_method_asks_its_endpoint_below_the_stage() -> None:
    script = Script(ok(HEALTHY), ok(MODEL_INFO), ok(PREDICTED), ok(EXPLAINED), ok(ANALYZED))
    with script.client() as client:
        client.health()
        client.model_info()
        client.predict(PNG)
        client.gradcam(PNG)
        client.analyze(PNG)

    assert script.asked == [
        f"GET {ADDRESS}/api/v1/health",
        f"GET {ADDRESS}/api/v1/model-info",
        f"POST {ADDRESS}/api/v1/predict",
        f"POST {ADDRESS}/api/v1/gradcam",
        f"POST {ADDRESS}/api/v1/analyze",
    ]
    assert {request.headers["user-agent"] for request in script.requests} == {f"thyroid-client/{__version__}"}


def test_the_bands_of_the_model_are_read_and_need_not_be_there() -> None:
    older = {name: value for name, value in MODEL_INFO.items() if name != "risk_bands"}
    script = Script(ok(MODEL_INFO), ok(older), ok(older | {"risk_bands": None}))

    assert script.client().model_info().risk_bands == (
        RiskBand(id="high", minimum=0.5, label="High Risk", recommendation="See a specialist"),
        RiskBand(id="low", minimum=0.0, label="Low Risk", recommendation="Wait"),
    )
    assert script.client().model_info().risk_bands == ()
    assert script.client().model_info().risk_bands == ()


def test_an_image_is_the_body_and_its_options_are_the_query() -> None:
    script = Script(ok(EXPLAINED), ok(ANALYZED))
    client = script.client()
    client.gradcam(PNG, ExplainOptions("gated_conv", "benign", 300))
    client.analyze(PNG, ExplainOptions(layer_name="a b"))

    first, second = script.requests
    assert dict(first.url.params) == {"layer_name": "gated_conv", "target": "benign", "size": "300"}
    assert dict(second.url.params) == {"layer_name": "a b"}
    assert first.content == PNG
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["content-length"] == str(len(PNG))


def test_what_a_report_is_asked_for_with_is_in_the_body_and_the_name_only_if_it_was_given() -> None:
    script = Script(httpx.Response(200, content=PDF), ok(REPORTED))
    client = script.client()

    page = client.report_pdf(PNG, "Jane Doe.png", ExplainOptions(layer_name="conv2d", target="benign", size=100))
    told = client.report_json(PNG)

    first, second = script.requests
    assert script.asked == [f"POST {ADDRESS}/api/v1/report/pdf", f"POST {ADDRESS}/api/v1/report/json"]
    assert (first.headers["accept"], second.headers["accept"]) == ("application/pdf", "application/json")
    for field in (b"Jane Doe.png", b"conv2d", b"benign", b"100", b'name="image"; filename="image"', PNG):
        assert field in first.content
    assert b'name="filename"' not in second.content
    assert page == PDF
    assert isinstance(told, Report)
    assert (told.schema_version, told.filename, told.code_version) == (2, None, "3.0.0")
    assert (told.image_facts.width, told.field_of_view.right, told.gradcam.layer_used) == (96, 95, "conv2d")
    assert told.prediction.confidence_score == 0.8765


def test_what_utf_8_cannot_have_is_sent_as_it_is_written() -> None:
    # GIVEN a file name as `os.listdir` gives it where its bytes are not UTF-8, and texts like it
    script = Script(httpx.Response(200, content=PDF), ok(EXPLAINED), problem(404, "no_such_upload", "There is none."))
    client = script.client()

    client.report_pdf(PNG, "a\udcff.png", ExplainOptions(layer_name="b\udcff"))
    client.gradcam(PNG, ExplainOptions(layer_name="b\udcff"))
    with pytest.raises(UnexpectedResponse, match="none"):
        client.result("c\udcff")

    report, explained, result = script.requests
    assert rb"a\udcff.png" in report.content
    assert rb"b\udcff" in report.content
    assert dict(explained.url.params) == {"layer_name": r"b\udcff"}
    assert result.url.path.endswith(r"/c\udcff")


@pytest.mark.parametrize("content", [b"", b"JVBERi0xLjM=", b"<html>"])
def test_what_is_no_pdf_file_is_unexpected(content: bytes) -> None:
    with pytest.raises(UnexpectedResponse, match="not a PDF"):
        Script(httpx.Response(200, content=content)).client().report_pdf(PNG)


def test_an_image_that_is_too_large_is_not_sent() -> None:
    script = Script()
    with pytest.raises(Exception, match="4669440"):
        script.client().analyze(bytes(4_669_441))
    assert script.requests == []


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    def methods(kind: type) -> dict[str, list[inspect.Parameter]]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: list(inspect.signature(member).parameters.values())
            for name, member in members
            if not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)
    names = [set(inspect.signature(kind).parameters) for kind in (Client, AsyncClient)]
    assert names[0] == names[1]


def test_the_async_client_gives_the_same_results() -> None:
    bodies = (HEALTHY, MODEL_INFO, PREDICTED, EXPLAINED, ANALYZED, REPORTED)
    script, again = (Script(*map(ok, bodies), httpx.Response(200, content=PDF)) for _ in range(2))

    async def ask() -> list[object]:
        async with again.async_client() as client:
            return [
                await client.health(),
                await client.model_info(),
                await client.predict(PNG),
                await client.gradcam(PNG),
                await client.analyze(PNG),
                await client.report_json(PNG, "a.png", ExplainOptions("conv2d", "benign")),
                await client.report_pdf(PNG, "a.png", ExplainOptions("conv2d", "benign", 100)),
            ]

    client = script.client()
    expected = [
        client.health(),
        client.model_info(),
        client.predict(PNG),
        client.gradcam(PNG),
        client.analyze(PNG),
        client.report_json(PNG, "a.png", ExplainOptions("conv2d", "benign")),
        client.report_pdf(PNG, "a.png", ExplainOptions("conv2d", "benign", 100)),
    ]
    assert asyncio.run(ask()) == expected


# --- responses -------------------------------------------------------------------------------------------------------


def test_an_answer_becomes_fields_and_images_and_is_kept_as_it_came() -> None:
    result = Script(ok(ANALYZED | {"something_new": 1})).client().analyze(PNG)

    assert isinstance(result, AnalyzeResult)
    assert (result.prediction.class_id, result.prediction.confidence_score) == (1, 0.8765)
    assert result.model.name == "fake"
    assert result.input_check.reasons == ()
    assert result.gradcam.overlay.size == (96, 64)
    assert (result.gradcam.original.mode, result.gradcam.heatmap.mode) == ("RGB", "RGB")
    assert result.raw["something_new"] == 1
    assert result.raw["gradcam"]["images"]["overlay"] not in repr(result)


def test_a_result_cannot_be_changed() -> None:
    result = Script(ok(PREDICTED)).client().predict(PNG)
    with pytest.raises(AttributeError):
        result.risk_assessment = "Low Risk"  # type: ignore[misc]


def test_a_whole_number_is_a_score_too() -> None:
    body = PREDICTED | {"prediction": PREDICTED["prediction"] | {"confidence_score": 1}}
    score = Script(ok(body)).client().predict(PNG).prediction.confidence_score
    assert (score, type(score)) == (1.0, float)


def test_a_service_whose_model_does_not_work_is_told_at_once() -> None:
    sick = HEALTHY | {"status": "unhealthy", "model_loaded": False}
    script = Script(ok(sick, 503, **{"Retry-After": "30"}))

    health = script.client().health()

    assert (health.status, health.model_loaded) == ("unhealthy", False)
    assert script.waited == []


def test_a_503_of_somebody_in_front_of_the_service_is_no_health() -> None:
    headers = {"Content-Type": "application/problem+json"}
    script = Script(httpx.Response(503, json={"detail": "Not now.", "code": "unavailable"}, headers=headers))
    with pytest.raises(Unavailable, match="Not now"):
        script.client().health()
    with pytest.raises(Unavailable, match="try again later"):
        Script(httpx.Response(503, text="<html>")).client().health()


# --- address and key -------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_shown_nowhere() -> None:
    script = Script(ok(HEALTHY))
    client = script.client(" k3y\n")
    client.health()
    assert script.requests[0].headers["x-api-key"] == "k3y"
    assert "k3y" not in repr(client) + repr(client._service)


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_none_is_sent(key: str | None) -> None:
    script = Script(ok(HEALTHY))
    script.client(key).health()
    assert "x-api-key" not in script.requests[0].headers


@pytest.mark.parametrize("key", ["sécret", "a\nb", "a\x00b"])
def test_what_no_header_can_hold_is_no_key_and_is_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="characters that no key has") as caught:
        Client(ADDRESS, key)
    assert key not in str(caught.value)


NO_ADDRESSES = [
    *("", "localhost:8000", "ftp://x", "https://", "https://x/?a=b", "https://x/#a", "https://x/?"),
    *("http://127.0.0.1:abc", "http://x:99999", "http://x:-1", "http://300.1.1.1", "http://[::1"),
    *("http://a\nb", "http://x/\x00", "http://\udcff", "http://x/\udcff", "https://a..b", f"https://{'a' * 70}.com"),
]


@pytest.mark.parametrize("address", NO_ADDRESSES, ids=ascii)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_address_that_is_none_is_noticed_at_once(kind: Any, address: str) -> None:
    with pytest.raises(ValueError, match="base_url has to be an address"):
        kind(address)


@pytest.mark.parametrize("address", [f"{ADDRESS}/", f" {ADDRESS}\n", f"{ADDRESS.replace('https', 'HTTPS')}"])
def test_how_an_address_is_written_does_not_matter(address: str) -> None:
    script = Script(ok(HEALTHY))
    with Client(address, transport=httpx.MockTransport(script)) as client:
        client.health()
    assert script.asked == [f"GET {ADDRESS}/api/v1/health"]


def test_nothing_is_logged_of_our_requests_and_all_of_those_of_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = Script(ok(HEALTHY), ok(HEALTHY))
    script.client().health()
    assert caplog.records == []

    with httpx.Client(transport=httpx.MockTransport(script)) as other:
        other.get("https://other.example.com")
    assert "other.example.com" in caplog.text
