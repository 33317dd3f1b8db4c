"""The picture that everybody is asked about, and the requests that hold it."""

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
    """Return it in base64, as JSON has it, with options beside it."""
    return {"image": base64.b64encode(jpeg()).decode(), **options}


def request(path: str, **options: str) -> dict[str, Any]:
    """Return the event in which API Gateway hands it to a function."""
    return event("bench", "POST", path, body=json.dumps(body(**options)), content_type="application/json")
