"""Every sample event of an endpoint gets a response of its function that is no refusal."""

import base64
import json

import pytest

from events.generate import events
from functions.endpoints import ENDPOINTS, JSON, Endpoint
from tests.endpoints import handler_of
from tests.events import CONTEXT

EVENTS = events()
WITHOUT_BUCKETS = {"upload_links": (501, "uploads_unavailable")}

pytestmark = pytest.mark.usefixtures("artifact")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[endpoint.name for endpoint in ENDPOINTS])
def test_a_sample_event_gets_what_its_endpoint_promises(endpoint: Endpoint) -> None:
    answer = handler_of(endpoint.function)(EVENTS[endpoint.name], CONTEXT)

    if endpoint.function in WITHOUT_BUCKETS:
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == WITHOUT_BUCKETS[endpoint.function]
        return
    assert answer["statusCode"] == endpoint.status, answer["body"]
    assert answer["headers"]["content-type"] == endpoint.media_type
    assert answer["isBase64Encoded"] is (endpoint.media_type != JSON)
    if endpoint.takes_image and endpoint.media_type == JSON:
        assert json.loads(answer["body"])["filename"] == "phantom.png"


def test_the_same_image_gets_the_same_score_as_json_and_as_the_body_itself() -> None:
    predict = handler_of("predict")
    in_json, as_it_is = (json.loads(predict(EVENTS[name], CONTEXT)["body"]) for name in ("predict", "predict_raw"))
    assert base64.b64decode(EVENTS["predict_raw"]["body"]).startswith(b"\x89PNG")
    assert in_json["prediction"] == as_it_is["prediction"]
