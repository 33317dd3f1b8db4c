"""The sample events in the repository are the ones that their script makes."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from events.generate import FOLDER, events

MADE = events()


def split(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], np.ndarray | None]:
    """Return an event without its body, the body's fields without the image, and the image's pixels."""
    rest = {key: value for key, value in event.items() if key != "body"}
    if event.get("body") is None:
        return rest, {}, None
    fields = {"image": event["body"]} if event["isBase64Encoded"] else json.loads(event["body"])
    if "image" not in fields:
        return rest, fields, None
    file = base64.b64decode(fields.pop("image").removeprefix("data:image/png;base64,"), validate=True)
    return rest, fields, np.asarray(Image.open(io.BytesIO(file)), np.int16)


def test_every_event_of_the_script_is_there_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_an_event_is_as_its_script_makes_it(name: str) -> None:
    # GIVEN the event of the repository and the one made now
    stored = split(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))
    made = split(MADE[name])
    # THEN all but the image is the same
    assert stored[:2] == made[:2]
    # AND so is the image: pixels, not bytes, since PNG encoders differ; processors may round a grey level up or down
    if made[2] is None:
        assert stored[2] is None
    else:
        assert stored[2] is not None
        assert stored[2].shape == made[2].shape
        assert np.abs(stored[2] - made[2]).max() <= 1


@pytest.mark.parametrize("name", MADE)
def test_an_event_is_small_enough_for_lambda(name: str) -> None:
    assert (FOLDER / f"{name}.json").stat().st_size < 6_291_456
