"""The OpenAPI file in the repository is what the application gives."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docs import make_openapi
from tests.endpoints import IMAGE_PATHS


def without_samples(text: str) -> tuple[str, list[np.ndarray]]:
    """Split a description into its text without the sample images, and their pixels."""
    description: dict[str, Any] = json.loads(text)
    pixels = []
    for path in IMAGE_PATHS:
        operation = description["paths"][path]["post"]
        example = operation["requestBody"]["content"]["application/json"]["example"]
        file = io.BytesIO(base64.b64decode(example.pop("image")))
        pixels.append(np.asarray(Image.open(file), np.int16))
    return json.dumps(description, indent=2), pixels


def test_the_file_is_what_the_application_gives() -> None:
    # GIVEN the file and the description made now, both in their order
    stored, stored_images = without_samples(make_openapi.FILE.read_text("utf-8"))
    made, made_images = without_samples(make_openapi.description())
    # THEN they are the same
    if stored != made:
        pytest.fail("docs/openapi.json is not what the application gives; run `make openapi`.")
    # AND so are the samples, as pixels: JPEG encoders differ, and processors may round a grey level up or down
    for old, new in zip(stored_images, made_images, strict=True):
        assert old.shape == new.shape
        assert np.abs(old - new).mean() < 2


def test_it_is_written_two_spaces_deep_with_an_end_of_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_openapi, "FILE", tmp_path / "openapi.json")
    make_openapi.main()
    text = make_openapi.FILE.read_text("utf-8")
    assert text.startswith('{\n  "openapi": "3')
    assert text.endswith("\n}\n")
