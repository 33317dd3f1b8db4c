"""Every endpoint, through the one local application and through each function's Lambda handler."""

import asyncio
import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import thyroid
from functions import local, site
from functions.endpoints import ENDPOINTS
from tests.endpoints import NEED_A_MODEL
from tests.events import CONTEXT, rest_event
from tests.fakes import FakeEngine
from tests.images import image_file
from tests.integration.conftest import Answer, Api, through_gateway, through_local_app
from thyroid.core.analyzer import Analyzer
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.manifest import Manifest
from thyroid.core.preprocessing import prepare
from thyroid.settings import Settings
from thyroid.web.app import the_analyzer
from thyroid.web.docs import ASSET_TYPES, ASSETS
from thyroid_model.compiling.meaning import RISK_BANDS

PATHS = tuple(endpoint.path for endpoint in ENDPOINTS)
OF_THE_REFERENCE = {"/api/v1/health", "/api/v1/model-info", "/api/v1/predict", "/api/v1/gradcam", "/api/v1/analyze"}


@pytest.fixture(scope="module")
def manifest(artifact: Path) -> Manifest:
    return Manifest.load(artifact)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def pixels(text: str) -> npt.NDArray[np.uint8]:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def ok(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.text
    body: dict[str, object] = answer.json
    return body


# --- about the service -----------------------------------------------------------------------------------------------


def test_the_root_tells_where_everything_is(api: Api) -> None:
    body = api("GET", "/").json

    assert body["version"] == thyroid.__version__
    assert set(body["endpoints"].values()) == {path for path in PATHS if "{" not in path}
    assert set(body["endpoints"].values()) >= OF_THE_REFERENCE
    assert api("GET", f"/{body['docs']}").status == 200


def test_health_has_exactly_the_references_fields(api: Api) -> None:
    answer = api("GET", "/api/v1/health")

    assert answer.status == 200
    assert list(answer.json) == ["status", "model_loaded", "timestamp", "version"]
    assert (answer.json["status"], answer.json["model_loaded"]) == ("healthy", True)
    assert answer.json["version"] == thyroid.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", answer.json["timestamp"])


def test_model_info_tells_of_the_artifact(api: Api, manifest: Manifest) -> None:
    body = ok(api("GET", "/api/v1/model-info"))

    assert body["model_name"] == "Thyroid Cancer Detection Model"
    assert body["input_shape"] == [None, *manifest.input_shape[1:]]
    assert body["output_shape"] == [None, 1]
    assert body["total_parameters"] == manifest.total_parameters
    assert body["classes"] == {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"}
    assert body["conv_layers"] == [layer.name for layer in manifest.conv_layers]
    assert body["default_layer"] in body["conv_layers"]
    assert body["risk_bands"] == [band.model_dump() for band in manifest.risk_bands]


# --- about an image -------------------------------------------------------------------------------------------------


def test_a_prediction_has_the_references_fields_then_ours(api: Api, scan: bytes, manifest: Manifest) -> None:
    body = ok(api("POST", "/api/v1/predict", {"image": encoded(scan), "filename": "thyroid_scan.jpg"}))

    assert list(body) == [
        *("success", "timestamp", "filename", "prediction", "risk_assessment", "recommendation"),
        *("model", "input_check", "disclaimer"),
    ]
    assert (body["success"], body["filename"]) == (True, "thyroid_scan.jpg")
    prediction = body["prediction"]
    assert isinstance(prediction, dict)
    assert list(prediction) == ["class", "label", "confidence_score", "confidence_percentage"]
    assert 0 <= prediction["confidence_score"] <= 1
    assert prediction["class"] == int(prediction["confidence_score"] >= 0.5)
    assert prediction["label"] == manifest.classes[str(prediction["class"])]
    assert body["model"] == {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
    assert body["disclaimer"] == DISCLAIMER


def test_an_explanation_has_the_references_fields_then_ours(api: Api, scan: bytes, manifest: Manifest) -> None:
    body = ok(api("POST", "/api/v1/gradcam", {"image": encoded(scan), "layer_name": None}))

    assert list(body) == [
        *("success", "timestamp", "filename", "layer_used", "images", "prediction"),
        *("target", "has_evidence", "model", "input_check", "disclaimer"),
    ]
    assert body["filename"] is None
    assert body["layer_used"] == manifest.default_layer
    images, prediction = body["images"], body["prediction"]
    assert isinstance(images, dict)
    assert isinstance(prediction, dict)
    assert list(prediction) == ["class", "label", "confidence_score"]
    assert list(images) == ["original", "heatmap", "overlay"]
    assert {pixels(image).shape for image in images.values()} == {(224, 224, 3)}


def test_an_analysis_has_the_references_fields_then_ours(api: Api, scan: bytes) -> None:
    body = ok(api("POST", "/api/v1/analyze", {"image": encoded(scan), "include_gradcam": True}))

    assert list(body) == [
        *("success", "timestamp", "filename", "prediction", "risk_assessment", "recommendation", "gradcam"),
        *("model", "input_check", "disclaimer"),
    ]
    gradcam = body["gradcam"]
    assert isinstance(gradcam, dict)
    assert list(gradcam) == ["layer_used", "images", "target", "has_evidence"]


def test_without_grad_cam_an_analysis_has_null(api: Api, scan: bytes) -> None:
    body = ok(api("POST", "/api/v1/analyze", {"image": encoded(scan), "include_gradcam": False}))

    assert body["gradcam"] is None


def test_the_same_image_gets_the_same_score_everywhere(api: Api, scan: bytes, manifest: Manifest) -> None:
    image = encoded(scan)
    answers = [
        ok(api("POST", "/api/v1/predict", {"image": image})),
        ok(api("POST", "/api/v1/predict", {"image": f"data:image/png;base64,{image}"})),
        ok(api("POST", "/api/v1/predict", scan, content_type="image/png")),
        ok(api("POST", "/api/v1/analyze", {"image": image})),
        ok(api("POST", "/api/v1/analyze", {"image": image, "include_gradcam": False})),
        ok(api("POST", "/api/v1/report/json", {"image": image})),
        *(
            ok(api("POST", "/api/v1/gradcam", {"image": image, "layer_name": layer.name}))
            for layer in manifest.conv_layers
        ),
        ok(api("POST", "/api/v1/predict", {"image": image})),
    ]

    assert len({answer["prediction"]["confidence_score"] for answer in answers}) == 1  # type: ignore[index]


def test_both_ways_give_the_same_answer(artifact: Path, scan: bytes) -> None:
    bodies = [
        ok(way("POST", "/api/v1/analyze", scan, content_type="image/png", query={"size": "300"}))
        for way in (through_local_app, through_gateway)
    ]
    for body in bodies:
        del body["timestamp"]

    assert bodies[0] == bodies[1]


def test_options_come_with_raw_bytes_in_the_query_and_in_a_form_as_fields(api: Api, scan: bytes) -> None:
    options = {"target": "benign", "size": "300", "layer_name": "", "filename": "a b.png"}
    form = httpx.Request("POST", "http://x", files={"image": ("other.png", scan)}, data=options)

    raw = ok(api("POST", "/api/v1/gradcam", scan, content_type="image/png", query=options))
    multipart = ok(api("POST", "/api/v1/gradcam", form.read(), content_type=form.headers["content-type"]))

    for body in (raw, multipart):
        assert (body["target"], body["filename"]) == ("benign", "a b.png")
    assert raw["images"] == multipart["images"]
    assert max(pixels(raw["images"]["overlay"]).shape) == 300  # type: ignore[index]


def test_the_overlay_lies_on_the_image_that_was_sent(api: Api, scan: bytes, manifest: Manifest) -> None:
    # GIVEN a frame, and the part of it that the network sees
    frame = np.asarray(Image.open(io.BytesIO(scan)).convert("RGB"))
    box = prepare(frame, manifest.preprocessing, *manifest.input_shape[1:3]).box
    seen = np.zeros(frame.shape[:2], bool)
    seen[box.top : box.bottom, box.left : box.right] = True

    # WHEN the images are asked for at the frame's own size
    size = {"size": str(max(frame.shape))}
    images = ok(api("POST", "/api/v1/gradcam", scan, content_type="image/png", query=size))["images"]

    # THEN the original is the frame, and so is the overlay wherever no network looked
    assert isinstance(images, dict)
    np.testing.assert_array_equal(pixels(images["original"]), frame)
    overlay = pixels(images["overlay"])
    np.testing.assert_array_equal(overlay[~seen], frame[~seen])
    assert np.mean(np.any(overlay[seen] != frame[seen], axis=1)) > 0.9


# --- the documentation -----------------------------------------------------------------------------------------------


def test_the_description_shows_all_endpoints_whoever_serves_them(api: Api) -> None:
    assert tuple(api("GET", "/openapi.json").json["paths"]) == ("/", *PATHS)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_are_there(api: Api, page: str) -> None:
    answer = api("GET", page)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ASSET_TYPES)
def test_the_files_of_the_pages_come_whole_through_the_gateway(name: str) -> None:
    event = rest_event("GET", f"/docs/{name}", resource="/docs/{file}", parameters={"file": name})

    answer = site.handler(event, CONTEXT)

    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    assert answer["statusCode"] == 200
    assert body == (ASSETS / name).read_bytes()


def test_a_function_answers_its_own_route_only() -> None:
    for path in PATHS:
        assert site.handler(rest_event("GET", path), CONTEXT)["statusCode"] == 404


# --- around it -------------------------------------------------------------------------------------------------------


def test_many_at_once_get_what_one_gets(artifact: Path, scan: bytes) -> None:
    requests = [{"image": encoded(scan)}, {"image": encoded(image_file())}] * 12

    def score(body: dict[str, str]) -> float:
        answer = through_local_app("POST", "/api/v1/analyze", body)
        return float(answer.json["prediction"]["confidence_score"])

    alone = [score(body) for body in requests[:2]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(score, requests))

    assert together == alone * 12


def test_a_long_analysis_does_not_keep_others_waiting() -> None:
    # GIVEN an engine that does not answer until it is told to
    entered, release = threading.Event(), threading.Event()

    class Slow(FakeEngine):
        def score(self, tensor: npt.NDArray[np.float32]) -> float:
            entered.set()
            assert release.wait(60)
            return super().score(tensor)

    local.app.dependency_overrides[the_analyzer] = lambda: Analyzer(Settings(), lambda _settings: Slow())

    async def talk() -> tuple[int, bool, int]:
        transport = httpx.ASGITransport(app=local.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            analysis = asyncio.create_task(client.post("/api/v1/predict", json={"image": encoded(image_file())}))
            while not entered.is_set():
                await asyncio.sleep(0.001)
            root = await client.get("/")
            was_done = analysis.done()
            release.set()
            return root.status_code, was_done, (await analysis).status_code

    # WHEN another request comes meanwhile
    try:
        answers = asyncio.run(talk())
    finally:
        release.set()
        local.app.dependency_overrides.clear()

    # THEN it is answered first
    assert answers == (200, False, 200)


def test_without_a_model_every_answer_says_so(tmp_path: Path, scan: bytes) -> None:
    service = Analyzer(Settings(model_dir=tmp_path))
    local.app.dependency_overrides[the_analyzer] = lambda: service
    try:
        health = through_local_app("GET", "/api/v1/health")
        body = {"image": encoded(scan)}
        others = [through_local_app(e.method, e.path, body if e.takes_image else None) for e in NEED_A_MODEL]
        root = through_local_app("GET", "/")
    finally:
        local.app.dependency_overrides.clear()

    assert (health.status, health.json["status"], health.json["model_loaded"]) == (503, "unhealthy", False)
    assert int(health.headers["retry-after"]) > 0
    for answer in others:
        assert (answer.status, answer.json["code"]) == (503, "model_unavailable")
        assert "make model" in answer.json["detail"]
        assert int(answer.headers["retry-after"]) > 0
    assert root.status == 200


def test_what_serves_never_imports_the_model_world() -> None:
    code = (
        "import sys, functions.local; from functions import health, predict;"
        "found = {'tensorflow', 'keras', 'h5py', 'thyroid_model', 'boto3', 'aws_xray_sdk'} & set(sys.modules);"
        "sys.exit(str(found) if found else 0)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


# --- a real server ---------------------------------------------------------------------------------------------------


def test_the_references_own_client_runs_unchanged(server: tuple[str, Path], scan: bytes, tmp_path: Path) -> None:
    # GIVEN the client of the reference's README, which calls port 8000, and a server on another
    client = Path(__file__).with_name("reference_client.txt")
    Image.open(io.BytesIO(scan)).convert("RGB").save(tmp_path / "thyroid_scan.jpg")
    port = int(server[0].rpartition(":")[2])
    redirect = (
        "import runpy, sys, urllib3.util.connection as connection\n"
        "connect = connection.create_connection\n"
        f"port = {port}\n"
        "def redirected(address, *rest, **more):\n"
        "    assert address == ('localhost', 8000), address\n"
        "    return connect(('127.0.0.1', port), *rest, **more)\n"
        "connection.create_connection = redirected\n"
        "runpy.run_path(sys.argv[1])\n"
    )

    # WHEN
    done = subprocess.run(
        [sys.executable, "-c", redirect, str(client)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    # THEN
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert re.fullmatch(r"Prediction: (Benign \(Non-Cancerous\)|Malignant \(Cancerous\))", printed[0])
    assert re.fullmatch(r"Confidence: \d{2,3}\.\d\d%", printed[1])
    assert printed[2] in [f"Risk: {band.label}" for band in RISK_BANDS]
    assert printed[3].startswith("Recommendation: ")
    assert printed[4] == "Grad-CAM overlay saved as gradcam_overlay.png"
    with Image.open(tmp_path / "gradcam_overlay.png") as overlay:
        assert overlay.size == (224, 224)


def test_a_body_over_the_limit_is_answered_whatever_its_length_said(server: tuple[str, Path]) -> None:
    address, _ = server

    def endless() -> "list[bytes]":
        return [bytes(1 << 20)] * 10

    told = httpx.post(f"{address}/api/v1/predict", content=bytes(10 << 20), headers={"Content-Type": "image/png"})
    untold = httpx.post(f"{address}/api/v1/predict", content=iter(endless()), headers={"Content-Type": "image/png"})

    for answer in (told, untold):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert "4669440" in answer.json()["detail"]
    assert httpx.get(f"{address}/api/v1/health").json()["status"] == "healthy"


def test_a_file_name_is_never_printed(server: tuple[str, Path], scan: bytes) -> None:
    address, printed = server

    answer = httpx.post(
        f"{address}/api/v1/predict", params={"filename": "Jane"}, content=scan, headers={"Content-Type": "image/png"}
    )

    assert answer.json()["filename"] == "Jane"
    request_id = answer.headers["x-request-id"]
    deadline = time.monotonic() + 10
    while (text := printed.read_text()).count(request_id) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)  # the line about a request follows its answer
    prediction, request = (json.loads(line) for line in text.splitlines() if request_id in line)
    assert prediction["audit"]["input_sha256"] == hashlib.sha256(scan).hexdigest()
    assert (request["route"], request["status"]) == ("/api/v1/predict", 200)
    assert "Jane" not in text
