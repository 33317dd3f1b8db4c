"""Each prediction that is returned leaves its audit record; one that is not leaves none."""

import base64
import hashlib
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image

import thyroid
from functions import analyze, gradcam, predict, report
from tests.fakes import FakeEngine
from tests.images import image_file, noise_file, saved
from thyroid import phantom
from thyroid.core.analyzer import Analyzer
from thyroid.core.audit import AuditRecord
from thyroid.settings import Settings
from thyroid.telemetry import observation
from thyroid.web.app import build_app, the_analyzer

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "predict": ("/api/v1/predict", {}),
    "gradcam": ("/api/v1/gradcam", {}),
    "analyze": ("/api/v1/analyze", {}),
    "report": ("/api/v1/report/json", {}),
    "report as PDF": ("/api/v1/report/pdf", {}),
    "analyze, alone": ("/api/v1/analyze", {"include_gradcam": False}),
}


class SlowEngine(FakeEngine):
    """Takes ten milliseconds for a score."""

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        time.sleep(0.01)
        return super().score(tensor)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[AuditRecord]:
    kept: list[AuditRecord] = []
    monkeypatch.setattr(observation, "record_prediction", kept.append)
    return kept


def send(way: str, data: bytes, settings: Settings | None = None, **options: Any) -> Response:
    address, always = WAYS[way]
    app = build_app([predict.router, gradcam.router, analyze.router, report.router])
    analyzer = Analyzer(settings or Settings(), lambda _settings: SlowEngine(0.8765))
    app.dependency_overrides[the_analyzer] = lambda: analyzer
    body = {"image": base64.b64encode(data).decode(), **always, **options}
    return TestClient(app).post(address, json=body)


@pytest.mark.parametrize("way", WAYS)
def test_each_prediction_that_is_answered_is_recorded_once(way: str, records: list[AuditRecord]) -> None:
    data = image_file()

    assert send(way, data, Settings(revision="abc1234")).status_code == 200

    (record,) = records
    assert record.input_sha256 == hashlib.sha256(data).hexdigest()
    assert (record.score, record.label, record.risk) == (0.8765, "Malignant (Cancerous)", "High Risk")
    assert record.model.model_dump() == {"name": "fake", "version": "1.2.3", "sha256": "a" * 64}
    assert record.code_version == f"{thyroid.__version__}+abc1234"
    assert record.duration_ms >= 10


@pytest.mark.parametrize("way", WAYS)
def test_what_is_refused_is_not_recorded(way: str, records: list[AuditRecord]) -> None:
    assert send(way, b"no image").status_code == 415

    assert records == []


def test_a_prediction_whose_images_cannot_be_sent_is_not_recorded(records: list[AuditRecord]) -> None:
    assert send("gradcam", noise_file(1024, 1024), size=1024).status_code == 413

    assert records == []


def test_an_image_that_is_refused_for_what_it_shows_is_not_recorded(records: list[AuditRecord]) -> None:
    assert send("predict", image_file(), Settings(refuse_unsuitable=True)).status_code == 422

    assert records == []


def test_without_a_known_commit_the_code_version_is_the_packages(records: list[AuditRecord]) -> None:
    send("predict", image_file())

    assert records[0].code_version == thyroid.__version__


def test_the_audit_record_says_the_reasons(records: list[AuditRecord]) -> None:
    send("predict", saved(Image.fromarray(phantom.make_frame(5, suspicious=True))))
    send("predict", image_file())

    assert [record.input_reasons for record in records] == [(), ("too_small",)]
