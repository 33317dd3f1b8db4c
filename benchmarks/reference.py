"""The same endpoints built the usual way, to measure ours against: FastAPI, Mangum, and Keras on TensorFlow.

It follows the reference service: one model, loaded when the process starts, ``model.predict`` for each picture and an
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
if os.environ.get("THYROID_WARM_UP") == "true":  # as ours
    model.warm_up()

app = FastAPI()


class ImageRequest(BaseModel):
    """A picture file, in base64."""

    image: str
    filename: str | None = None
    layer_name: str | None = None


@app.post("/api/v1/predict")
def predict(request: ImageRequest) -> dict[str, Any]:
    """Score a picture."""
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
    return Mangum(app, lifespan="off")  # which makes an event loop: not where only the application is wanted


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of API Gateway."""
    return _adapter()(event, context)
