"""The same endpoint built the usual way, to measure ours against: FastAPI, Mangum, and Keras on TensorFlow.

It follows the reference service: one model, loaded when the process starts, and ``model.predict`` for each picture.
Preprocessing, network and weights are the bundled model's, so both give the same score and only the way differs.
"""

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from mangum import Mangum
from PIL import Image
from pydantic import BaseModel

import thyroid_model
from thyroid.manifest import Preprocessing
from thyroid.preprocessing import prepare
from thyroid_model.meaning import CLASSES, RISK_BANDS
from thyroid_model.weights import load_model

# `thyroid_model.sources` knows both, but brings the hub's client along, which would be slower to import.
MODEL_FILE = Path(thyroid_model.__file__).with_name("bundled") / "model.keras"
PREPROCESSING = Preprocessing(field_of_view=True, resize="lanczos", scale=1 / 255)

model = load_model(MODEL_FILE)
_, HEIGHT, WIDTH, CHANNELS = model.input_shape
if os.environ.get("THYROID_WARM_UP") == "true":  # as ours: Keras traces the graph at the first prediction
    model.predict(np.zeros((1, HEIGHT, WIDTH, CHANNELS), np.float32), verbose=0)

app = FastAPI()


class ImageRequest(BaseModel):
    """A picture file, in base64."""

    image: str
    filename: str | None = None


@app.post("/api/v1/predict")
def predict(request: ImageRequest) -> dict[str, Any]:
    """Score a picture."""
    picture = Image.open(io.BytesIO(base64.b64decode(request.image))).convert("RGB")
    tensor = prepare(np.asarray(picture), PREPROCESSING, HEIGHT, WIDTH).tensor
    score = float(model.predict(tensor, verbose=0)[0, 0])
    class_id = int(score >= 0.5)
    band = next(band for band in RISK_BANDS if score >= band.minimum)
    return {
        "success": True,
        "filename": request.filename,
        "prediction": {"class": class_id, "label": CLASSES[str(class_id)], "confidence_score": score},
        "risk_assessment": band.label,
        "recommendation": band.recommendation,
    }


handler = Mangum(app, lifespan="off")
