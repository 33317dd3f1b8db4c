"""The SBOM says what is in the image."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.image import look_inside
from deploy.licences import SERVED
from deploy.locks import pins
from deploy.sbom import BUNDLED_WEIGHTS, main
from tests.e2e.commands import base_image, docker, run
from tests.unit.tools.test_licences import table

SHA256 = "import hashlib; print(hashlib.sha256(open({!r}, 'rb').read()).hexdigest())"


def written(image: str, folder: Path) -> bytes:
    """Run the command in a process of its own, whose hashes are seeded differently; return the file."""
    out = folder / "sbom.cdx.json"
    run([sys.executable, "-m", "deploy.sbom", "--image", image, "--base", base_image(), "--out", str(out)])
    return out.read_bytes()


@pytest.fixture(scope="module")
def text(image: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The SBOM as it is written."""
    return written(image, tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module")
def components(text: bytes) -> list[dict[str, Any]]:
    """Its components."""
    found: list[dict[str, Any]] = json.loads(text)["components"]
    return found


@pytest.fixture(scope="module")
def served(text: bytes, components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The packages that the application brings."""
    (ours,) = (part["dependsOn"] for part in json.loads(text)["dependencies"] if part["ref"] == "application")
    return [part for part in components if part["bom-ref"] in ours and part["bom-ref"] != "model"]


def of_type(components: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (part for part in components if part["type"] == kind)
    return found


def sha256(component: dict[str, Any]) -> str:
    (found,) = component["hashes"]
    assert found["alg"] == "SHA-256"
    return str(found["content"])


def test_it_keeps_to_the_schema(text: bytes) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None


def test_nothing_is_told_twice(components: list[dict[str, Any]]) -> None:
    references = [part["bom-ref"] for part in components]
    assert len(references) == len(set(references))


def test_the_packages_are_those_that_are_locked(served: list[dict[str, Any]]) -> None:
    names = {f"{part['name']}=={part['version']}" for part in served}
    assert names == {str(pin) for pin in pins(SERVED)}
    assert {part["purl"] for part in served} == {f"pkg:pypi/{part['name']}@{part['version']}" for part in served}


def test_the_packages_have_the_licences_of_the_table(served: list[dict[str, Any]]) -> None:
    stated = {}
    for part in served:
        (licence,) = part["licenses"]
        stated[part["name"]] = licence.get("expression") or licence["license"]["id"]
    assert stated == {name: licence for name, (_, licence) in table().items()}


def test_what_makes_models_is_not_in_it(components: list[dict[str, Any]]) -> None:
    makers = ("tensorflow", "keras", "h5py", "huggingface")
    assert [part["name"] for part in components if part["name"].startswith(makers)] == []


def test_the_model_is_the_one_in_the_image(image: str, components: list[dict[str, Any]]) -> None:
    # GIVEN the artifact in the image
    manifest = look_inside(image)["manifest"]
    file = f"/opt/model/{manifest['score_graph']['file']}"
    graph = docker("run", "--rm", "--entrypoint", "python3", image, "-c", SHA256.format(file))
    # THEN the model is named by it, and by the weights that it was made from
    model = of_type(components, "machine-learning-model")
    assert (model["name"], model["version"], sha256(model)) == (manifest["name"], manifest["version"], graph)
    (weights,) = model["pedigree"]["ancestors"]
    assert weights["description"] == manifest["weights"]["source"]
    assert sha256(weights) == manifest["weights"]["sha256"]


def test_only_our_own_weights_are_under_our_licence(image: str, components: list[dict[str, Any]]) -> None:
    weights = look_inside(image)["manifest"]["weights"]["sha256"]
    ours = hashlib.sha256(BUNDLED_WEIGHTS.read_bytes()).hexdigest()
    licences = of_type(components, "machine-learning-model").get("licenses", [])
    assert licences == ([{"license": {"id": "MIT"}}] if weights == ours else [])


def test_the_system_and_its_packages_are_in_it(components: list[dict[str, Any]]) -> None:
    system = of_type(components, "operating-system")
    packages = [part for part in components if part.get("purl", "").startswith(("pkg:deb/", "pkg:rpm/"))]
    assert len(packages) > 20
    assert all(f"distro={system['name']}-{system['version']}" in part["purl"] for part in packages)
    assert of_type(components, "platform")["version"].startswith("3.13.")


def test_image_and_base_are_named(image: str, text: bytes, components: list[dict[str, Any]]) -> None:
    described = json.loads(text)["metadata"]["component"]
    assert described["version"] == docker("image", "inspect", "--format", "{{.Id}}", image)
    assert base_image().startswith(of_type(components, "container")["name"])


def test_the_same_image_gives_the_same_bytes(image: str, text: bytes, tmp_path: Path) -> None:
    assert written(image, tmp_path) == text


def test_an_image_that_is_not_there_is_told_with_what_makes_it(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sbom.cdx.json"

    assert main(["--image", "no-such-image:latest", "--out", str(out)]) == 1
    assert "make build" in capsys.readouterr().err
    assert not out.exists()


def test_another_base_than_the_image_was_built_on_is_refused(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an image with one layer more than ours
    other, out = "sbom-test:another-base", tmp_path / "sbom.cdx.json"
    (tmp_path / "more").touch()
    container = docker("create", image)
    docker("cp", str(tmp_path / "more"), f"{container}:/more")
    docker("commit", container, other)
    docker("rm", container)
    try:
        # THEN ours was not built on it
        assert main(["--image", image, "--base", other, "--out", str(out)]) == 1
        assert "--base" in capsys.readouterr().err
        assert not out.exists()
    finally:
        docker("rmi", other)


def test_a_digest_names_the_base_to_the_byte(image: str, tmp_path: Path) -> None:
    digest, out = "1" * 64, tmp_path / "sbom.cdx.json"

    assert main(["--image", image, "--base", f"example.org/base/python:3.13@sha256:{digest}", "--out", str(out)]) == 0

    base = of_type(json.loads(out.read_bytes())["components"], "container")
    assert (base["name"], sha256(base)) == ("example.org/base/python", digest)
    assert base["purl"].startswith(f"pkg:oci/python@sha256:{digest}?repository_url=example.org/base/python")
