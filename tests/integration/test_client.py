"""The client against the real service: in the process, and over the network."""

import asyncio
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from starlette.testclient import TestClient

import thyroid
from functions import local
from tests.images import noise_file
from thyroid.core.manifest import Manifest
from thyroid.settings import Settings
from thyroid_client import AsyncClient, BadImage, Client, ExplainOptions, Unreachable, UploadResult
from thyroid_client.images import MAX_IMAGE_BYTES, MAX_UPLOAD_BYTES


class Application(httpx.BaseTransport):
    """The application in this process, as a transport."""

    def __init__(self) -> None:
        self.inner = TestClient(local.app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return httpx.Response(response.status_code, headers=headers, content=response.content)


@pytest.fixture
def client(artifact: Path) -> Iterator[Client]:
    with Client("http://testserver", transport=Application()) as client:
        yield client


def test_health_and_model(client: Client, artifact: Path) -> None:
    manifest = Manifest.load(artifact)

    health, info = client.health(), client.model_info()

    assert (health.status, health.model_loaded, health.version) == ("healthy", True, thyroid.__version__)
    assert info.conv_layers == tuple(layer.name for layer in manifest.conv_layers)
    assert info.input_shape == (None, *manifest.input_shape[1:])
    assert info.model.sha256 == manifest.sha256


def sources_of(scan: bytes, folder: Path) -> dict[str, Any]:
    (folder / "scan.png").write_bytes(scan)
    image = Image.open(io.BytesIO(scan))
    pixels = np.asarray(image)
    return {
        "path": folder / "scan.png",
        "text": str(folder / "scan.png"),
        "bytes": scan,
        "file": io.BytesIO(scan),
        "image": image,
        "array": pixels,
        "floats": pixels / 255,
    }


def test_the_same_image_gets_the_same_score_whatever_it_comes_as(client: Client, scan: bytes, tmp_path: Path) -> None:
    sources = sources_of(scan, tmp_path)

    results = {name: client.predict(source) for name, source in sources.items()}

    assert len({result.prediction for result in results.values()}) == 1
    assert all(result.input_check.looks_like_ultrasound for result in results.values())


def test_any_layer_and_either_class_can_be_explained(client: Client, scan: bytes) -> None:
    layer = client.model_info().conv_layers[0]

    result = client.gradcam(scan, ExplainOptions(layer_name=layer, target="benign", size=300))

    assert (result.layer_used, result.target) == (layer, "benign")
    assert {max(image.size) for image in (result.original, result.heatmap, result.overlay)} == {300}
    assert client.gradcam(scan).overlay.size == (224, 224)


def test_a_report_comes_as_a_page_and_as_fields(client: Client, scan: bytes) -> None:
    told = client.report_json(scan, "患者.png", ExplainOptions(target="benign"))
    (page,) = PdfReader(io.BytesIO(client.report_pdf(scan, "患者.png", ExplainOptions(target="benign", size=80)))).pages

    assert (told.filename, told.gradcam.target) == ("患者.png", "benign")
    assert told.prediction == client.predict(scan).prediction
    for text in ("患者.png", told.image_facts.sha256, f"Score {told.prediction.confidence_score:.4f}", "for benign"):
        assert text in page.extract_text()
    with pytest.raises(BadImage, match="size"):
        client.report_pdf(scan, options=ExplainOptions(size=801))


def test_an_analysis_is_both(client: Client, scan: bytes) -> None:
    result = client.analyze(scan)

    assert result.prediction == client.predict(scan).prediction
    assert result.gradcam.overlay.tobytes() == client.gradcam(scan).overlay.tobytes()
    assert result.raw["filename"] is None


def test_the_largest_image_is_taken_and_one_byte_more_is_told_the_way(client: Client, scan: bytes) -> None:
    assert Settings().max_binary_body_bytes == MAX_IMAGE_BYTES
    client.predict(scan.ljust(MAX_IMAGE_BYTES, b"\0"))
    with pytest.raises(BadImage, match="upload"):
        client.predict(scan.ljust(MAX_IMAGE_BYTES + 1, b"\0"))


def test_so_is_the_largest_that_a_link_takes(client: Client) -> None:
    assert Settings().max_upload_bytes == MAX_UPLOAD_BYTES
    with pytest.raises(BadImage) as caught:
        client.upload(bytes(MAX_UPLOAD_BYTES))
    assert caught.value.code == "unsupported_media_type"
    with pytest.raises(BadImage, match="33554432"):
        client.upload(bytes(MAX_UPLOAD_BYTES + 1))


def test_a_larger_image_comes_in_by_a_link(client: Client, scan: bytes) -> None:
    result = client.upload(scan.ljust(MAX_IMAGE_BYTES + 1, b"\0"))

    assert isinstance(result, UploadResult)
    assert result.prediction == client.predict(scan).prediction
    assert result.gradcam.overlay.tobytes() == client.gradcam(scan).overlay.tobytes()
    assert client.result(result.raw["input"]["key"]).prediction == result.prediction


NO_SUCH_TARGET = ExplainOptions(target="both")  # type: ignore[arg-type]  # the service refuses it
LARGE = ExplainOptions(size=1024)


@pytest.mark.parametrize(
    ("ask", "code", "says"),
    [
        (lambda client, _: client.predict(b"not an image"), "unsupported_media_type", "PNG"),
        (lambda client, _: client.predict(b""), "invalid_request", "empty"),
        (lambda client, scan: client.predict(scan[:2000]), "unreadable_image", "."),
        (lambda client, _: client.predict(np.zeros((8, 8), np.uint8)), "unreadable_image", "too small"),
        (lambda client, scan: client.gradcam(scan, ExplainOptions(layer_name="nope")), "unknown_layer", "conv"),
        (lambda client, scan: client.analyze(scan, ExplainOptions(size=5000)), "invalid_request", "size"),
        (lambda client, scan: client.analyze(scan, NO_SUCH_TARGET), "invalid_request", "target"),
        (
            lambda client, _: client.gradcam(noise_file(1024, 1024), ExplainOptions(size=1024)),
            "payload_too_large",
            "`size`",
        ),
        (lambda client, _: client.upload(b"not an image"), "unsupported_media_type", "PNG"),
    ],
)
def test_what_cannot_be_judged_is_told_in_the_services_own_sentence(
    client: Client, scan: bytes, ask: Callable[[Client, bytes], object], code: str, says: str
) -> None:
    with pytest.raises(BadImage) as caught:
        ask(client, scan)

    error = caught.value
    assert error.code == code
    assert error.problem is not None
    assert str(error) == error.problem["detail"]
    assert says in str(error)


# --- over the network ------------------------------------------------------------------------------------------------


def test_a_real_server_answers_both_clients(server: tuple[str, Path], scan: bytes) -> None:
    address, printed = server

    async def ask() -> object:
        async with AsyncClient(address, transport=httpx.AsyncHTTPTransport()) as client:
            results = await asyncio.gather(*(client.analyze(scan) for _ in range(3)), client.upload(scan))
            return {result.prediction for result in results}

    with Client(address, transport=httpx.HTTPTransport()) as client:
        assert client.health().model_loaded
        prediction = client.analyze(scan).prediction
        assert client.upload(scan).prediction == prediction
    assert asyncio.run(ask()) == {prediction}
    assert "Traceback" not in printed.read_text("utf-8")


def test_a_server_that_is_not_there_is_said_to_be_unreachable(scan: bytes) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waited: list[float] = []
    with (
        Client(f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(), sleep=waited.append) as client,
        pytest.raises(Unreachable, match="`base_url`"),
    ):
        client.predict(scan)
    assert len(waited) == 3
