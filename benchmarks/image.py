"""The image that every contender processes, and the requests that hold it."""

import base64
import io
import json
from functools import cache
from typing import Any

from PIL import Image

from events.generate import event
from thyroid import phantom

WIDTH, HEIGHT = 600, 400


@cache
def jpeg() -> bytes:
    """Return a phantom as a JPEG file of 600 × 400 pixels."""
    file = io.BytesIO()
    Image.fromarray(phantom.make(3, suspicious=True, height=HEIGHT, width=WIDTH)).save(file, "JPEG", quality=90)
    return file.getvalue()


def body(**options: str) -> dict[str, Any]:
    """Return the JSON fields of a request: the image in base64, and its options."""
    return {"image": base64.b64encode(jpeg()).decode(), **options}


def request(path: str, **options: str) -> dict[str, Any]:
    """Return the event that API Gateway sends to a function for such a request."""
    return event("bench", "POST", path, body=json.dumps(body(**options)), content_type="application/json")
