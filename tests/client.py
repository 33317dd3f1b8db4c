"""What tests of the client share: responses of the service, and a service that responds by a script."""

import base64
from dataclasses import replace
from typing import Any

import httpx

from tests.images import image_file
from thyroid_client import AsyncClient, Client
from thyroid_client.retries import Retries

ADDRESS = "https://api.example.com/prod"
BUCKET = "https://bucket.example.com"
UPLOAD_ID = "6925a1b2-0123456789abcdef0123456789abcdef"
PNG = image_file()
ENCODED = base64.b64encode(PNG).decode("ascii")

REFERENCE = {"name": "fake", "version": "1.2.3", "sha256": "a" * 64}
CHECK = {"looks_like_ultrasound": True, "reasons": [], "detail": "The image looks like B-mode ultrasound."}
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
    "schema_version": 2,
    "gradcam": {"layer_used": "conv2d", "images": None, "target": "malignant", "has_evidence": True},
    "image_facts": {"width": 96, "height": 64, "sha256": "b" * 64},
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
    """An error response of the service or its gateway."""
    body = {"title": "No", "status": status, "detail": detail, "code": code, "request_id": "r-1"}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"} | headers)


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


Scripted = httpx.Response | Exception


class Script:
    """Returns the given responses in turn, and keeps the requests and the waits between them.

    Time passes only by waiting.
    """

    def __init__(self, *responses: Scripted) -> None:
        self.responses = list(responses)
        self.requests: list[httpx.Request] = []
        self.waited: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.requests]

    def client(self, api_key: str | None = None, **more: Any) -> Client:
        client = Client(ADDRESS, api_key, transport=httpx.MockTransport(self), sleep=self.waited.append, **more)
        client._retries = self.timed(client._retries)
        return client

    def async_client(self, api_key: str | None = None, **more: Any) -> AsyncClient:
        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        client = AsyncClient(ADDRESS, api_key, transport=httpx.MockTransport(self.respond), sleep=sleep, **more)
        client._retries = self.timed(client._retries)
        return client

    async def respond(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)

    def timed(self, retries: Retries) -> Retries:
        """Without randomness: each wait is the longest that it can be."""
        return replace(retries, clock=lambda: sum(self.waited), random=lambda: 1.0)
