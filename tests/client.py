"""What tests of the client share: answers as the service gives them, and a service that answers by a script."""

import base64
from dataclasses import replace
from typing import Any

import httpx

from tests.pictures import picture_file
from thyroid_client import AsyncClient, Client
from thyroid_client.retries import Retries

ADDRESS = "https://api.example.com/prod"
BUCKET = "https://bucket.example.com"
UPLOAD_ID = "6925a1b2-0123456789abcdef0123456789abcdef"
PNG = picture_file()
ENCODED = base64.b64encode(PNG).decode("ascii")

REFERENCE = {"name": "fake", "version": "1.2.3", "sha256": "a" * 64}
CHECK = {"looks_like_ultrasound": True, "reasons": [], "detail": "The picture looks like B-mode ultrasound."}
COMMON = {
    "success": True,
    "timestamp": "2026-02-13 10:30:45",
    "filename": None,
    "model": REFERENCE,
    "input_check": CHECK,
    "disclaimer": "Research and education only.",
}
SCORED = {"class": 1, "label": "Malignant (Cancerous)", "confidence_score": 0.8765}
IMAGES = {"original": ENCODED, "heatmap": ENCODED, "overlay": ENCODED}
GRADCAM = {"layer_used": "conv2d", "images": IMAGES, "target": "malignant", "has_evidence": True}
PREDICTED: dict[str, Any] = COMMON | {
    "prediction": SCORED | {"confidence_percentage": 87.65},
    "risk_assessment": "High Risk",
    "recommendation": "See a specialist",
}
EXPLAINED: dict[str, Any] = COMMON | GRADCAM | {"prediction": SCORED}
ANALYZED: dict[str, Any] = PREDICTED | {"gradcam": GRADCAM}
REPORTED: dict[str, Any] = PREDICTED | {
    "schema_version": 1,
    "gradcam": {"layer_used": "conv2d", "images": None, "target": "malignant", "has_evidence": True},
    "picture": {"width": 96, "height": 64, "sha256": "b" * 64},
    "field_of_view": {"left": 1, "top": 2, "right": 95, "bottom": 60},
    "code_version": "3.0.0",
}
PDF = b"%PDF-1.3 a page"
HEALTHY: dict[str, Any] = {
    "status": "healthy",
    "model_loaded": True,
    "timestamp": "2026-02-13 10:30:45",
    "version": "3.0.0",
}
MODEL_INFO: dict[str, Any] = {
    "model_name": "Thyroid Cancer Detection Model",
    "input_shape": [None, 224, 224, 3],
    "output_shape": [None, 1],
    "total_parameters": 278039,
    "classes": {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"},
    "conv_layers": ["conv2d", "gated_conv"],
    "default_layer": "gated_conv",
    "risk_bands": [
        {"id": "high", "minimum": 0.5, "label": "High Risk", "recommendation": "See a specialist"},
        {"id": "low", "minimum": 0, "label": "Low Risk", "recommendation": "Wait"},
    ],
    "model": REFERENCE,
    "description": "A model for tests.",
    "evaluation": {"auc": 0.7},
    "disclaimer": "Research and education only.",
}
LINK: dict[str, Any] = {
    "success": True,
    "id": UPLOAD_ID,
    "upload": {"method": "POST", "url": f"{BUCKET}/", "fields": {"key": "api/1", "policy": "abc"}},
    "expires": "2026-02-13 10:45:45",
    "largest": 33_554_432,
    "result": f"/api/v1/uploads/{UPLOAD_ID}",
}
MAP_LINKS = {name: f"{BUCKET}/{name}.png?X-Amz-Signature=secret" for name in ("heatmap", "overlay")}
UPLOADED: dict[str, Any] = PREDICTED | {"gradcam": GRADCAM | {"images": MAP_LINKS}}


def problem(status: int, code: str, detail: str, **headers: str) -> httpx.Response:
    """An error as the service and its gateway answer it."""
    body = {"title": "No", "status": status, "detail": detail, "code": code, "request_id": "r-1"}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"} | headers)


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


Scripted = httpx.Response | Exception


class Script:
    """Answers in turn what it was given, and keeps what it was asked and how long it was waited for.

    Time passes only by waiting.
    """

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waited: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.requests]

    def client(self, api_key: str | None = None, **more: Any) -> Client:
        client = Client(ADDRESS, api_key, transport=httpx.MockTransport(self), sleep=self.waited.append, **more)
        client._rules = self.timed(client._rules)
        return client

    def async_client(self, api_key: str | None = None, **more: Any) -> AsyncClient:
        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        client = AsyncClient(ADDRESS, api_key, transport=httpx.MockTransport(self.answer), sleep=sleep, **more)
        client._rules = self.timed(client._rules)
        return client

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)

    def timed(self, rules: Retries) -> Retries:
        """Without chance: each wait is the longest that it can be."""
        return replace(rules, clock=lambda: sum(self.waited), random=lambda: 1.0)
