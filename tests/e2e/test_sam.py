"""The SAM application: the build, every function with its event, and the gateway."""

import base64
import json
import os
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.generate import FOLDER, image_file
from functions.endpoints import ENDPOINTS, JSON
from tests.e2e.commands import ROOT, run, sam, wait_for
from tests.e2e.conftest import measured
from tests.endpoints import IMAGE_PATHS, resource_of
from thyroid.web.page import files, release_of

DESCRIPTION: dict[str, Any] = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))


def fields_of(path: str, method: str, status: int) -> set[str]:
    """Return the fields that the description gives a response."""
    response = DESCRIPTION["paths"][path][method.lower()]["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return set(DESCRIPTION["components"]["schemas"][schema]["properties"])


# Which function an event is for, and the fields that its response has.
OF_BUCKETS = {"uploads_id"}
EVENTS: dict[str, tuple[str, set[str]]] = {
    **{
        endpoint.name: (
            resource_of(endpoint.function),
            fields_of(endpoint.path, endpoint.method, endpoint.status),
        )
        for endpoint in ENDPOINTS
        if endpoint.media_type == JSON and endpoint.name not in OF_BUCKETS
    },
    "predict_raw": ("PredictFunction", fields_of("/api/v1/predict", "POST", 200)),
    "site": ("SiteFunction", fields_of("/", "GET", 200)),
}
# These return bytes.
EVENTS_OF_BYTES = {
    endpoint.name: resource_of(endpoint.function) for endpoint in ENDPOINTS if endpoint.media_type != JSON
}
# These need the buckets of a deployed stack; test_uploads.py sends them there.
EVENTS_OF_A_STACK = {
    "uploads_id": "UploadLinksFunction",
    "s3_worker": "UploadsFunction",
    "archive": "UploadsFunction",
    "archive_summary": "ArchiveSummaryFunction",
}

SCAN = image_file(1, suspicious=True)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.usefixtures("image")


def built() -> dict[str, Any]:
    """Return what SAM remembers of its build."""
    definitions: dict[str, Any] = tomllib.loads((ROOT / ".aws-sam" / "build.toml").read_text("utf-8"))
    return dict(definitions["function_build_definitions"])


def invoke(function: str, event: Path) -> dict[str, Any]:
    """Invoke a function. SAM exits 0 even where it raised: what it printed is what counts."""
    printed = run([sam(), "local", "invoke", function, "--event", str(event), "--skip-pull-image"])
    answer: dict[str, Any] = json.loads(printed.stdout.strip().splitlines()[-1])
    assert "statusCode" in answer, f"{answer}\n{printed.stderr[-4000:]}"
    return answer


def test_all_functions_share_one_image() -> None:
    (definition,) = built().values()
    assert len(definition["functions"]) >= 10


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    (definition,) = built().values()
    functions = {function for function, _ in EVENTS.values()} | set(EVENTS_OF_A_STACK.values())
    assert functions == set(definition["functions"])
    assert {*EVENTS, *EVENTS_OF_BYTES, *EVENTS_OF_A_STACK} == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", EVENTS)
def test_a_function_answers_its_event(name: str) -> None:
    function, fields = EVENTS[name]
    begin = time.monotonic()
    answer = invoke(function, FOLDER / f"{name}.json")
    body = json.loads(answer["body"])
    measured(
        f"sam local invoke {function} -e events/{name}.json: {answer['statusCode']}, {time.monotonic() - begin:.1f} s"
    )
    assert answer["statusCode"] in (200, 201), body
    assert fields <= set(body)
    assert body.get("model_loaded", True) is True
    if "prediction" in body:
        assert 0 <= body["prediction"]["confidence_score"] <= 1
        assert body["filename"] == "phantom.png"
    for images in (part["images"] for part in (body, body.get("gradcam") or {}) if part.get("images")):
        for kind in ("original", "heatmap", "overlay"):
            assert base64.b64decode(images[kind]).startswith(PNG_SIGNATURE)


@pytest.mark.parametrize("name", EVENTS_OF_BYTES)
def test_a_report_is_a_pdf_in_base64_that_the_gateway_makes_bytes_of(name: str) -> None:
    answer = invoke(EVENTS_OF_BYTES[name], FOLDER / f"{name}.json")
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True), answer["body"][:500]
    assert base64.b64decode(answer["body"], validate=True).startswith(b"%PDF-")


def test_the_same_image_gets_the_same_score_as_json_and_raw() -> None:
    scores = {
        json.loads(invoke("PredictFunction", FOLDER / f"{name}.json")["body"])["prediction"]["confidence_score"]
        for name in ("predict", "predict_raw")
    }
    assert len(scores) == 1


def test_a_refusal_is_an_answer_and_no_failure_of_the_function(tmp_path: Path) -> None:
    event = json.loads((FOLDER / "gradcam.json").read_text("utf-8"))
    event["body"] = json.dumps({**json.loads(event["body"]), "layer_name": "no_such_layer"})
    (tmp_path / "event.json").write_text(json.dumps(event), "utf-8")
    answer = invoke("GradcamFunction", tmp_path / "event.json")
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["code"]) == (422, "unknown_layer")
    assert body["request_id"] == "sample-gradcam"


@pytest.fixture(scope="module")
def gateway(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of SAM's local gateway, which is stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("gateway") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sam(), "local", "start-api", "--port", str(port), "--skip-pull-image", "--warm-containers", "LAZY"],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/nowhere", process, log)
        with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            yield client
    finally:
        process.terminate()  # it removes its containers
        process.wait(60)


def test_a_raw_image_passes_the_gateway(gateway: httpx.Client) -> None:
    answer = gateway.post("/api/v1/predict", content=SCAN, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text
    # The same image as JSON: the gateway changed no byte of it.
    in_json = gateway.post("/api/v1/predict", json={"image": base64.b64encode(SCAN).decode("ascii")})
    assert in_json.status_code == 200, in_json.text
    assert answer.json()["prediction"] == in_json.json()["prediction"]


def test_a_multipart_form_passes_the_gateway(gateway: httpx.Client) -> None:
    file = ("scan.png", SCAN, "image/png")
    answer = gateway.post("/api/v1/analyze", files={"image": file}, data={"include_gradcam": "false"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["gradcam"] is None
    assert answer.json()["filename"] == "scan.png"


def test_an_error_is_readable_json_behind_the_gateway(gateway: httpx.Client) -> None:
    answer = gateway.post("/api/v1/predict", content=b"no image", headers={"Content-Type": "image/png"})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unsupported_media_type"


def test_a_browser_may_ask_before_it_posts(gateway: httpx.Client) -> None:
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in IMAGE_PATHS:
        answer = gateway.options(path, headers=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["access-control-allow-origin"] in ("*", "https://page.example")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "application/json"),
        ("/openapi.json", "application/json"),
        ("/docs", "text/html"),
        ("/redoc", "text/html"),
        ("/app", "text/html"),
        (f"/app/{release_of(files())}/style.css", "text/css"),
        (f"/app/{release_of(files())}/main.js", "text/javascript"),
        ("/docs/swagger-ui.css", "text/css"),
        ("/docs/swagger-ui-bundle.js", "text/javascript"),
        ("/docs/redoc.standalone.js", "text/javascript"),
    ],
)
def test_the_front_door_the_page_and_the_documentation_are_served(
    gateway: httpx.Client, path: str, content_type: str
) -> None:
    answer = gateway.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(content_type)
    assert len(answer.content) > 100
    # Text, not the base64 of it.
    assert not answer.text.isalnum()


def test_the_description_names_all_endpoints(gateway: httpx.Client) -> None:
    paths = gateway.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/", *(endpoint.path for endpoint in ENDPOINTS)}
