"""A compiled model that is missing, damaged, or another than its manifest says, under a real server.

Health tells so, no image gets a score, everybody is told the same, and once it is mended all is well.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import canaries, wire
from tests.canaries import NAME, leaks
from tests.corpus import API, PNG, form, post
from tests.endpoints import IMAGE_ENDPOINTS
from tests.gateway import Answer, Request
from tests.server import WAYS, server_process
from thyroid.core.analyzer import Analyzer
from thyroid.core.manifest import MANIFEST_FILE, Manifest
from thyroid.settings import Settings

pytestmark = pytest.mark.usefixtures("artifact")

HEALTH = Request("GET", f"{API}/health")
IMAGE = canaries.images()["PNG"]
QUERY = f"?filename={NAME}.png"
NEEDS_A_MODEL = {
    "model-info": Request("GET", f"{API}/model-info"),
    **{
        endpoint.name: post(endpoint.path + QUERY, IMAGE, "image/png", ("Accept", endpoint.media_type))
        for endpoint in IMAGE_ENDPOINTS
    },
    "analyze without a map": post(f"{API}/analyze{QUERY}&include_gradcam=false", IMAGE, "image/png"),
}

Damage = Callable[[Path], None]


# --- what can be wrong with it ----------------------------------------------------------------------------------------


def missing(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def written(name: str, content: bytes) -> Damage:
    return lambda folder: _write(folder / name, content)


def cut(name: str, share: float) -> Damage:
    """Leave so much of a file."""

    def shorten(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return shorten


def flipped(name: str, share: float) -> Damage:
    """Flip one bit at a place."""

    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[int(share * (len(content) - 1))] ^= 1
        (folder / name).write_bytes(content)

    return flip


def folder_in_place_of(name: str) -> Damage:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return replace


def changed(**fields: Any) -> Damage:
    """Say something else in the manifest; a field of a field is named by both, with two underscores between them."""

    def change(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        for name, value in fields.items():
            *outer, inner = name.split("__")
            place = manifest
            for each in outer:
                place = place[each]
            place[inner] = value
        (folder / MANIFEST_FILE).write_text(json.dumps(manifest))

    return change


def named_as_it_is(name: str, field: str, damage: Damage) -> Damage:
    """Damage a file, and have the manifest name just that: what a compilation leaves on a disk that was full."""

    def both(folder: Path) -> None:
        damage(folder)
        changed(**{f"{field}__sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()})(folder)

    return both


def without_rights(name: str) -> Damage:
    return lambda folder: (folder / name).chmod(0)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _file_in_place_of_the_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


SCORE, GOLDEN = "score.tflite", "golden.png"
DAMAGES: dict[str, Damage] = {
    "no folder": shutil.rmtree,
    "a file where the folder was": _file_in_place_of_the_folder,
    "an empty folder": _empty,
    "no manifest": missing(MANIFEST_FILE),
    "an empty manifest": written(MANIFEST_FILE, b""),
    "half a manifest": cut(MANIFEST_FILE, 0.5),
    "a manifest that is no JSON": written(MANIFEST_FILE, b"name: a model\n"),
    "a manifest that is no text": written(MANIFEST_FILE, b"\xff\xfe\x00"),
    "a manifest that is a list": written(MANIFEST_FILE, b"[]"),
    "a manifest without an end": written(MANIFEST_FILE, b"[" * 200_000),
    "a folder where the manifest was": folder_in_place_of(MANIFEST_FILE),
    "a manifest of an older version": changed(schema_version=2),
    "a manifest of a newer version": changed(schema_version=4),
    "a manifest with a field of another version": changed(threshold=0.5),
    "a manifest of no layers": changed(conv_layers=[]),
    "no graph": missing(SCORE),
    "an empty graph": cut(SCORE, 0),
    "the head of a graph": cut(SCORE, 0.0001),
    "half a graph": cut(SCORE, 0.5),
    "a graph without its end": cut(SCORE, 0.999999),
    "a graph with a bit flipped at its head": flipped(SCORE, 0),
    "a graph with a bit flipped in its middle": flipped(SCORE, 0.5),
    "a graph with a bit flipped at its end": flipped(SCORE, 1),
    "a folder where the graph was": folder_in_place_of(SCORE),
    "another graph": lambda folder: _write(folder / SCORE, (folder / "maps_8x8.tflite").read_bytes()),
    "an empty graph that the manifest names": named_as_it_is(SCORE, "score_graph", cut(SCORE, 0)),
    "half a graph that the manifest names": named_as_it_is(SCORE, "score_graph", cut(SCORE, 0.5)),
    "no graph at all that the manifest names": named_as_it_is(SCORE, "score_graph", written(SCORE, b"x" * 99_999)),
    "no golden image": missing(GOLDEN),
    "an empty golden image": cut(GOLDEN, 0),
    "half a golden image": cut(GOLDEN, 0.5),
    "another golden image": written(GOLDEN, PNG),
    "another golden image that the manifest names": named_as_it_is(GOLDEN, "golden", written(GOLDEN, PNG)),
    "no image where the manifest names one": named_as_it_is(GOLDEN, "golden", written(GOLDEN, b"no image")),
    "another golden score": changed(golden__score=0.987),
    "a golden score that is no number": changed(golden__score=float("nan")),
    "a golden score that is never met": changed(golden__tolerance=-1.0),
    "no right to read the manifest": without_rights(MANIFEST_FILE),
    "no right to read the graph": without_rights(SCORE),
    "no right to read the golden image": without_rights(GOLDEN),
}


# --- a server whose model never worked --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A server, and the folder that it looks for its model in."""

    way: str
    address: str
    folder: Path
    printed: Path

    def ask(self, request: Request) -> Answer:
        return wire.send(self.address, request)

    def score(self) -> float:
        answer = self.ask(NEEDS_A_MODEL["predict"])
        assert answer.status == 200
        score: float = json.loads(answer.body)["prediction"]["confidence_score"]
        return score


def run(way: str, folder: Path, **environment: str) -> Iterator[Running]:
    folder.mkdir(exist_ok=True)
    printed, model = folder / "printed.txt", folder / "model"
    app, more = WAYS[way]
    told = {"THYROID_MODEL_DIR": str(model), **more, **environment}
    with server_process(printed, app, **told) as (address, process):
        yield Running(way, address, model, printed)
        assert process.poll() is None, "the server ended"


@pytest.fixture(scope="module", params=WAYS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all kinds of damage: until a model worked it is looked for anew by each who needs it."""
    yield from run(request.param, tmp_path_factory.mktemp("broken"))


@pytest.fixture(params=WAYS)
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """One of a test's own."""
    yield from run(request.param, tmp_path)


@pytest.fixture(scope="module")
def score(artifact: Path) -> float:
    """What the image scores where nothing is wrong."""
    return Analyzer(Settings(model_dir=artifact)).score(IMAGE).assessment.score


def put(artifact: Path, folder: Path, *damages: Damage) -> None:
    """Put a copy of the artifact there, and damage it."""
    if folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(artifact, folder)
    for damage in damages:
        damage(folder)


def check_is_unhealthy(running: Running) -> None:
    answer = running.ask(HEALTH)
    told = json.loads(answer.body)
    assert (answer.status, told["status"], told["model_loaded"]) == (503, "unhealthy", False)
    assert int(_header(answer, "retry-after")) > 0


def check_is_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert _header(answer, "content-type") == "application/problem+json"
    assert int(_header(answer, "retry-after")) > 0
    told = json.loads(answer.body)
    assert (told["code"], told["status"]) == ("model_unavailable", 503)
    assert "make model" in told["detail"]
    assert not leaks(answer.body)


def _header(answer: Answer, wanted: str) -> str:
    (value,) = [value for name, value in answer.headers if name.lower() == wanted]
    return value


@pytest.mark.parametrize("kind", DAMAGES)
def test_health_tells_of_a_damaged_model_and_nobody_gets_a_score(running: Running, artifact: Path, kind: str) -> None:
    if kind.startswith("no right") and os.geteuid() == 0:
        pytest.skip("root may read every file; a folder in its place fails in the same way")
    put(artifact, running.folder, DAMAGES[kind])

    check_is_unhealthy(running)
    for request in NEEDS_A_MODEL.values():
        check_is_unavailable(running.ask(request))
    check_is_unhealthy(running)


def test_what_needs_no_model_is_answered_all_the_same(running: Running) -> None:
    shutil.rmtree(running.folder, ignore_errors=True)

    for address in ("/", "/docs", "/app", "/openapi.json"):
        assert running.ask(Request("GET", address)).status == 200
    assert running.ask(Request("GET", "/nothing")).status in {403, 404}  # 403 is what the gateway says


def test_the_log_says_why_and_nothing_of_a_patient(running: Running, artifact: Path) -> None:
    put(artifact, running.folder, DAMAGES["half a graph"])
    running.ask(NEEDS_A_MODEL["predict"])
    check_is_unhealthy(running)

    printed = running.printed.read_text()
    assert "score.tflite is not the file that the manifest names" in printed
    assert '"problem":"model_unavailable"' in printed
    assert "unexpected error" not in printed
    assert not leaks(printed)


# --- and one that is mended -------------------------------------------------------------------------------------------


def test_once_it_is_mended_the_model_works_in_the_same_process(started: Running, artifact: Path, score: float) -> None:
    put(artifact, started.folder, DAMAGES["half a graph"])
    check_is_unhealthy(started)

    put(artifact, started.folder)

    assert started.score() == score
    assert started.ask(HEALTH).status == 200
    for request in NEEDS_A_MODEL.values():
        assert started.ask(request).status == 200


def test_so_it_does_where_it_was_to_be_loaded_with_the_start(tmp_path: Path, artifact: Path, score: float) -> None:
    for started in run("deployed", tmp_path, THYROID_WARM_UP="true"):
        check_is_unhealthy(started)
        check_is_unavailable(started.ask(NEEDS_A_MODEL["predict"]))

        put(artifact, started.folder)

        assert started.score() == score
        assert started.ask(HEALTH).status == 200


def test_an_image_that_came_by_a_link_waits_for_the_model(tmp_path: Path, artifact: Path, score: float) -> None:
    for started in run("laptop", tmp_path):
        # GIVEN a link, and no model
        link = json.loads(started.ask(post(f"{API}/uploads", b'{"content_type": "image/png"}')).body)
        fields = [(f'name="{name}"', value.encode()) for name, value in link["upload"]["fields"].items()]
        body, content_type = form(*fields, (f'name="file"; filename="{NAME}.png"', IMAGE))
        sent = post("/local-uploads", body, content_type)
        # WHEN its image comes THEN that is told, and nothing of the image is said
        check_is_unavailable(started.ask(sent))
        assert started.ask(Request("GET", link["result"])).status == 202
        # AND once it is mended the same link takes it
        put(artifact, started.folder)
        assert started.ask(sent).status == 204
        result = json.loads(started.ask(Request("GET", link["result"])).body)
        assert result["prediction"]["confidence_score"] == score


# --- maps, of which most are opened when they are asked for -----------------------------------------------------------

BROKEN_MAPS: tuple[Callable[[str], Damage], ...] = (
    missing,
    lambda name: cut(name, 0),
    lambda name: cut(name, 0.5),
    lambda name: flipped(name, 0.5),
    folder_in_place_of,
)


def of_layer(name: str, path: str = "gradcam") -> Request:
    return post(f"{API}/{path}?layer_name={name}", IMAGE, "image/png")


def test_maps_that_are_broken_are_missed_by_those_who_ask_for_them_and_by_health(
    started: Running, artifact: Path, score: float
) -> None:
    # GIVEN maps of every size that are broken, each in its way
    manifest = Manifest.load(artifact)
    files = {size: graph.file for size, graph in manifest.maps_graphs.items()}
    kinds = [BROKEN_MAPS[number % len(BROKEN_MAPS)] for number in range(len(files))]
    put(artifact, started.folder, *(kind(file) for kind, file in zip(kinds, files.values(), strict=True)))
    layers = {layer.size: layer.name for layer in manifest.conv_layers if layer.name != manifest.default_layer}
    assert set(layers) == set(files)
    # THEN who asks for none of them is answered
    for endpoint in IMAGE_ENDPOINTS:
        assert started.ask(NEEDS_A_MODEL[endpoint.name]).status == 200
    assert started.score() == score
    # AND who asks for one is told
    check_is_unhealthy(started)
    for layer in layers.values():
        for path in ("gradcam", "analyze", "report/json"):
            check_is_unavailable(started.ask(of_layer(layer, path)))
    # AND each that is mended is given, while health misses the others
    for size, layer in layers.items():
        check_is_unhealthy(started)
        broken = started.folder / files[size]
        shutil.rmtree(broken) if broken.is_dir() else broken.unlink(missing_ok=True)
        shutil.copy(artifact / files[size], broken)
        answer = started.ask(of_layer(layer))
        assert answer.status == 200
        assert json.loads(answer.body)["prediction"]["confidence_score"] == score
    assert started.ask(HEALTH).status == 200


def test_what_is_opened_is_answered_with_whatever_becomes_of_its_files(
    started: Running, artifact: Path, score: float
) -> None:
    # GIVEN a model that scored an image, and none of whose maps were asked for yet
    put(artifact, started.folder)
    assert started.score() == score
    # WHEN another lies in its place
    put(
        artifact,
        started.folder,
        changed(name="another", golden__score=0.9),
        flipped(SCORE, 0.5),
        missing("maps_8x8.tflite"),
    )
    # THEN it goes on as it was, and health says that not all of it can be given
    assert started.score() == score
    assert json.loads(started.ask(NEEDS_A_MODEL["model-info"]).body)["model"]["name"] != "another"
    check_is_unhealthy(started)
    # AND where all of it was opened before its files went, all of it is given
    put(artifact, started.folder)
    assert started.ask(HEALTH).status == 200
    shutil.rmtree(started.folder)
    assert started.ask(HEALTH).status == 200
    assert started.score() == score
    for layer in Manifest.load(artifact).conv_layers:
        assert started.ask(of_layer(layer.name)).status == 200
