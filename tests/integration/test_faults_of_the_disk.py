"""A disk that is full, or that cannot be written to: nothing of the service needs one, so it responds as always."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import canaries, no_files, wire
from tests.canaries import NAME, leaks
from tests.corpus import API, as_json, form, post
from tests.endpoints import IMAGE_NAMES
from tests.gateway import Answer, Request
from tests.images import noise_file
from tests.server import WAYS, local_server
from thyroid.core.analyzer import Analyzer
from thyroid.settings import Settings

pytestmark = [
    pytest.mark.usefixtures("artifact"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full and how it refuses are Linux's"),
]

SPOOL = 1024 * 1024  # from this size on a form's parts go into a temporary file where nobody minds (Starlette)
FILE = f'name="image"; filename="{NAME}.png"'


@contextmanager
def piped(path: Path, printed: list[str]) -> Iterator[None]:
    """Make a pipe, and keep what is written into it until all who write have closed it."""
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: printed.append(path.read_text("utf-8", "replace")))
    reader.start()
    yield
    reader.join(timeout=30)
    assert printed


def requests() -> dict[str, Request]:
    """An image in every kind of body for every endpoint that takes one, and a large one for some."""
    small, large = canaries.images()["PNG"], noise_file(1000, 1300)
    assert len(large) > 3 * SPOOL
    found = {}
    for path in IMAGE_NAMES:
        accept = ("Accept", "application/pdf" if path.endswith("pdf") else "application/json")
        for size, image in (("small", small), ("large", large)):
            if size == "large" and path not in {"predict", "report/pdf"}:
                continue
            multipart, content_type = form((FILE, image), ('name="size"', b"64"))
            named = {"filename": f"{NAME}.png", "size": 64}
            at = f"{API}/{path}"
            found[f"{path}: {size} as it is"] = post(f"{at}?filename={NAME}&size=64", image, "image/png", accept)
            found[f"{path}: {size} in JSON"] = post(at, as_json(image, **named), "application/json", accept)
            found[f"{path}: {size} in a form"] = post(at, multipart, content_type, accept)
    return found


def score_of(response: Answer) -> float:
    score: float = json.loads(response.body)["prediction"]["confidence_score"]
    return score


@pytest.mark.parametrize("way", WAYS)
def test_without_a_file_to_write_to_everything_is_answered(way: str, tmp_path: Path, artifact: Path) -> None:
    printed: list[str] = []
    served, more = WAYS[way]
    environment = {"SERVED": served, "TMPDIR": str(tmp_path / "nowhere"), **more}
    # GIVEN a machine on which no file can be written
    with (
        piped(tmp_path / "printed", printed),
        local_server(tmp_path / "printed", "tests.no_files:app", **environment) as at,
    ):
        # WHEN every request is sent THEN it responds
        asked = requests()
        for name, request in asked.items():
            response = wire.send(at, request)
            assert response.status == 200, name
        for size in ("small", "large"):
            alike = [wire.send(at, asked[f"predict: {size} {kind}"]) for kind in ("as it is", "in JSON", "in a form")]
            assert len({score_of(response) for response in alike}) == 1
        expected = Analyzer(Settings(model_dir=artifact)).score(canaries.images()["PNG"]).assessment.score
        assert score_of(wire.send(at, asked["predict: small as it is"])) == expected
        # AND it says that it is healthy, which it is
        assert wire.send(at, Request("GET", f"{API}/health")).status == 200
    # AND there was indeed no such folder
    assert no_files.NO_FOLDER in printed[0]
    assert printed[0].count('"message":"prediction"') >= len(requests())
    assert not leaks(printed[0])


def test_a_large_image_by_a_link_needs_no_file_either(tmp_path: Path) -> None:
    printed: list[str] = []
    environment = {"SERVED": WAYS["laptop"][0]}
    with (
        piped(tmp_path / "printed", printed),
        local_server(tmp_path / "printed", "tests.no_files:app", **environment) as at,
    ):
        link = json.loads(wire.send(at, post(f"{API}/uploads", b'{"content_type": "image/png"}')).body)
        fields = [(f'name="{name}"', value.encode()) for name, value in link["upload"]["fields"].items()]
        large = canaries.images()["PNG"].ljust(8 * SPOOL, b"\0")
        body, content_type = form(*fields, (f'name="file"; filename="{NAME}.png"', large))
        assert wire.send(at, post("/local-uploads", body, content_type)).status == 204
        assert json.loads(wire.send(at, Request("GET", link["result"])).body)["success"] is True
    assert no_files.NO_FOLDER in printed[0]
    assert not leaks(printed[0])


@pytest.mark.parametrize("way", WAYS)
def test_a_log_that_takes_nothing_keeps_nobody_from_an_answer(way: str) -> None:
    asked = {name: request for name, request in requests().items() if "small as it is" in name}
    # GIVEN a server whose log and metrics go to a disk that is full
    served, more = WAYS[way]
    environment = {"POWERTOOLS_METRICS_NAMESPACE": "Thyroid", "PYTHONUNBUFFERED": "yes", **more}
    with local_server(Path("/dev/full"), served, **environment) as address:
        # WHEN it is asked THEN it responds, again and again
        for _ in range(2):
            for name, request in asked.items():
                assert wire.send(address, request).status == 200, name
            assert wire.send(address, Request("GET", f"{API}/health")).status == 200
            refused = wire.send(address, post(f"{API}/predict", NAME.encode(), "image/png"))
            assert (refused.status, json.loads(refused.body)["code"]) == (415, "unsupported_media_type")
