"""Images that a fuzzer mutated, as requests to a function: an answer, or one of our refusals."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from functions import predict
from tests.events import CONTEXT, rest_event
from tests.hostile.mutations import mutated
from thyroid.web.problems import MEDIA_TYPE


# The same requests each time, however long each takes.
@settings(derandomize=True, database=None, deadline=None, max_examples=1_000, suppress_health_check=list(HealthCheck))
@given(mutated())
@pytest.mark.usefixtures("artifact")
@pytest.mark.filterwarnings("ignore:::PIL")  # which the service has off
def test_a_mutated_image_is_answered_or_refused(data: bytes) -> None:
    event = rest_event("POST", "/api/v1/predict", body=data, headers={"Content-Type": "image/png"})

    answer = predict.handler(event, CONTEXT)

    body = json.loads(answer["body"])
    if answer["statusCode"] == 200:
        assert 0 <= body["prediction"]["confidence_score"] <= 1
    else:
        assert answer["statusCode"] in {413, 415, 422}
        assert answer["headers"]["content-type"] == MEDIA_TYPE
        assert body["code"] in {"payload_too_large", "unsupported_media_type", "unreadable_image", "invalid_request"}
