"""The image, run the way Lambda runs it: read-only, as a user of its own, with little memory."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from deploy.licences import SERVED
from deploy.locks import pins
from events.generate import events
from functions.endpoints import ENDPOINTS, JSON
from tests.e2e.commands import base_image, docker
from tests.e2e.conftest import measured
from tests.e2e.container import like_lambda, started
from tests.endpoints import handler_name

SERVING_LAYER_LIMIT_MB = 400
MEMORY_MB = 1024
# Run inside: AWS's base image has Python, and hardly any other command.
ALL_FOLDERS = """
import os
for folder, _, _ in os.walk("/"):
    if not folder.startswith(("/proc/", "/sys/")):
        print(folder)
"""
OUR_FILES = """
import os
for top in "/opt", "/var/task":
    for folder, _, names in os.walk(top):
        for name in names:
            print(os.path.join(folder, name))
"""
UNREADABLE = """
import os
for top in "/opt", "/var/task":
    for folder, _, names in os.walk(top, onerror=print):
        for name in names:
            if not os.access(os.path.join(folder, name), os.R_OK):
                print(folder, name)
"""
TEMPORARY_FILES = """
import os
for folder, _, names in os.walk("/tmp"):
    if names:
        print(folder, names)
"""
PACKAGES = """
from importlib.metadata import distributions
for package in distributions(path=["/opt/python"]):
    print(package.name, package.version)
"""
HASH = "import hashlib; print(hashlib.sha256(open({!r}, 'rb').read()).hexdigest())"
BASE64 = "import base64; print(base64.b64encode(open({!r}, 'rb').read()).decode())"
EVENTS = events()
NEED_BUCKETS = {"upload_links"}
FUNCTIONS = {
    **{
        endpoint.name: handler_name(endpoint.function)
        for endpoint in ENDPOINTS
        if endpoint.media_type == JSON and endpoint.function not in NEED_BUCKETS
    },
    "predict_raw": handler_name("predict"),
    "site": handler_name("site"),
}


@pytest.fixture(scope="module")
def inside(image: str) -> Callable[[str], str]:
    """Run Python inside a container of the image, like Lambda would, and return what it printed."""

    def run_inside(script: str) -> str:
        return docker("run", "--rm", *like_lambda(MEMORY_MB), "--entrypoint", "python3", image, "-c", script)

    return run_inside


@pytest.fixture(scope="module")
def manifest(inside: Callable[[str], str]) -> dict[str, Any]:
    """The manifest of the artifact in the image."""
    content: dict[str, Any] = json.loads(inside("print(open('/opt/model/model.json').read())"))
    return content


def test_the_image_is_small(image: str) -> None:
    sizes = {
        name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) / 1e6 for name in (image, base_image())
    }
    ours = sizes[image] - sizes[base_image()]
    measured(f"image {sizes[image]:.0f} MB, of which {ours:.0f} MB are ours and the rest is the base image")
    assert 0 < ours < SERVING_LAYER_LIMIT_MB


def test_the_image_holds_what_is_locked(inside: Callable[[str], str]) -> None:
    packages = (line.split() for line in inside(PACKAGES).splitlines())
    installed = {f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, version in packages}
    assert installed == {str(pin) for pin in pins(SERVED)}


def test_the_image_holds_no_tensorflow_and_no_keras(image: str, inside: Callable[[str], str]) -> None:
    # GIVEN every folder of the image, those that only root may read included
    folders = docker("run", "--rm", "--entrypoint", "python3", image, "-c", ALL_FOLDERS).splitlines()
    # THEN none belongs to what makes models, and there is nothing of it to import
    assert "/opt/python/ai_edge_litert" in folders
    assert [folder for folder in folders if re.search(r"/(tensorflow|keras|thyroid_model)[^/]*$", folder)] == []
    makers = "tensorflow", "keras", "h5py", "thyroid_model"
    assert inside(f"import importlib.util as u; print([name for name in {makers} if u.find_spec(name)])") == "[]"


def test_everything_is_readable_by_the_user_that_lambda_runs_it_as(inside: Callable[[str], str]) -> None:
    assert inside("import os; print(os.getuid(), os.getgid())") == "993 990"
    assert "/opt/model/model.json" in inside(OUR_FILES).splitlines()
    assert inside(UNREADABLE) == ""


def test_bytecode_of_our_modules_is_in_the_image(inside: Callable[[str], str]) -> None:
    ours = [file for file in inside(OUR_FILES).splitlines() if file.startswith(("/opt/python/thyroid/", "/var/task/"))]
    sources = {file for file in ours if file.endswith(".py")}
    compiled = {
        re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", file) for file in ours if file.endswith(".pyc")
    }
    assert len(sources) > 10
    assert sources == compiled


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_answers_its_event(image: str, name: str) -> None:
    with started(image, FUNCTIONS[name], MEMORY_MB) as container:
        begin = time.monotonic()
        status, body = container.invoke(EVENTS[name])
        first = time.monotonic() - begin
        begin = time.monotonic()
        assert container.invoke(EVENTS[name])[0] == 200
        second = time.monotonic() - begin
        measured(
            f"{name}: first response {first * 1000:.0f} ms, second {second * 1000:.0f} ms, "
            f"{container.memory()} in use ({MEMORY_MB} MB)"
        )
        assert status == 200, body


def test_the_model_that_answers_is_the_one_in_the_image(
    image: str, inside: Callable[[str], str], manifest: dict[str, Any]
) -> None:
    # GIVEN the hash of the graph that lies in the image
    graph = inside(HASH.format(f"/opt/model/{manifest['score_graph']['file']}"))
    # WHEN an image is scored
    with started(image, FUNCTIONS["predict"], MEMORY_MB) as container:
        _, body = container.invoke(EVENTS["predict"])
    # THEN the response names exactly that
    assert body["model"] == {"name": manifest["name"], "version": manifest["version"], "sha256": graph}
    assert manifest["score_graph"]["sha256"] == graph
    measured(f"model {manifest['name']} {manifest['version']}, sha256 {graph}")


def test_every_layer_is_explained_and_nothing_is_left_on_disk(image: str, manifest: dict[str, Any]) -> None:
    event = EVENTS["gradcam"]
    with started(image, FUNCTIONS["gradcam"], MEMORY_MB) as container:
        for layer in manifest["conv_layers"]:
            body = json.dumps({**json.loads(event["body"]), "layer_name": layer["name"]})
            status, response = container.invoke({**event, "body": body})
            assert (status, response.get("layer_used")) == (200, layer["name"]), response
        # Images of patients pass through here: none may stay, not even in the one folder that can be written to.
        assert docker("exec", container.identifier, "python3", "-c", TEMPORARY_FILES) == ""
        measured(f"Grad-CAM of {len(manifest['conv_layers'])} layers: {container.memory()} in use (1024 MB)")


def test_a_bad_image_is_refused_and_the_next_one_answered(image: str) -> None:
    event = EVENTS["predict"]
    with started(image, FUNCTIONS["predict"], MEMORY_MB) as container:
        status, problem = container.invoke({**event, "body": json.dumps({"image": "not base64!"})})
        assert (status, problem["code"]) == (400, "invalid_base64")
        assert container.invoke(event)[0] == 200
        # The image and its name stay out of the logs.
        fields = json.loads(event["body"])
        logs = container.logs()
        assert "request" in logs
        assert fields["filename"] not in logs
        assert fields["image"][:60] not in logs


def test_a_score_in_the_image_is_the_score_of_the_artifact(
    image: str, inside: Callable[[str], str], manifest: dict[str, Any]
) -> None:
    # GIVEN the golden image and its score, written when the model was compiled
    golden = manifest["golden"]
    encoded = inside(BASE64.format(f"/opt/model/{golden['file']}"))
    # WHEN it comes as a request
    event = EVENTS["predict"]
    with started(image, FUNCTIONS["predict"], MEMORY_MB) as container:
        status, body = container.invoke({**event, "body": json.dumps({"image": encoded})})
    # THEN it gets that score
    assert status == 200, body
    assert abs(body["prediction"]["confidence_score"] - golden["score"]) <= golden["tolerance"]
    assert hashlib.sha256(base64.b64decode(encoded)).hexdigest() == golden["sha256"]
