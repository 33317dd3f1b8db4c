"""The reference design, which has the same endpoints built the usual way: FastAPI, Mangum, and Keras on TensorFlow.

It follows the reference service: one model, loaded when the process starts, ``model.predict`` for each image and an
eager gradient tape for each map. With ``BENCH_COMPILED=true`` both are compiled by ``tf.function``.
"""

import os
from functools import cache
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

from benchmarks.keras_model import KerasModel

model = KerasModel(compiled=os.environ.get("BENCH_COMPILED") == "true")
if os.environ.get("THYROID_WARM_UP") == "true":  # as the service does
    model.warm_up()

app = FastAPI()


class ImageRequest(BaseModel):
    """An image file, in base64."""

    image: str
    filename: str | None = None
    layer_name: str | None = None


@app.post("/api/v1/predict")
def predict(request: ImageRequest) -> dict[str, Any]:
    """Score an image."""
    return {**model.predict(request.image), "filename": request.filename}


@app.post("/api/v1/gradcam")
def gradcam(request: ImageRequest) -> dict[str, Any]:
    """Draw where the network looked."""
    return {**model.explain(request.image, request.layer_name), "filename": request.filename}


@app.post("/api/v1/analyze")
def analyze(request: ImageRequest) -> dict[str, Any]:
    """Do both: the score by one call, the map by another, as the reference service does."""
    scored, explained = model.predict(request.image), model.explain(request.image, request.layer_name)
    gradcam = {"layer_used": explained["layer_used"], "images": explained["images"]}
    return {**scored, "gradcam": gradcam, "filename": request.filename}


@cache
def _adapter() -> Mangum:
    return Mangum(app, lifespan="off")  # only where it is needed: it makes an event loop


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the response to an event of API Gateway."""
    return _adapter()(event, context)
