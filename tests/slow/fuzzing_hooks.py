"""What Schemathesis is told of this API that no OpenAPI description can say. Loaded by name (schemathesis.toml)."""

import zlib
from typing import Any

import schemathesis
from pydantic import BaseModel, ValidationError
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

from tests.corpus import ENCODED, PNG
from tests.endpoints import IMAGE_ENDPOINTS
from thyroid.core.formats import MEDIA_TYPES
from thyroid.web import schemas

# Why what a description allows is refused all the same: no schema says what an image is, or what this model's layers
# are called; the largest upload is a setting; an empty file is no image.
NO_SCHEMA_SAYS = {
    "invalid_base64",
    "unsupported_media_type",
    "unreadable_image",
    "payload_too_large",
    "unknown_layer",
}
EMPTY = "empty"
BY_THE_GATEWAY = "nothing at this address for this method"

REQUESTS: dict[str, type[BaseModel]] = {
    endpoint.path: getattr(schemas, endpoint.request_model) for endpoint in IMAGE_ENDPOINTS
}


@schemathesis.hook
def map_case(_context: Any, case: Any) -> Any:
    """Send a sound image with half of what is valid: random bytes are none, and would meet nothing behind it."""
    if case.meta is not None and case.meta.generation.mode.is_positive and _chosen(case):
        if isinstance(case.body, dict) and "image" in case.body:
            case.body["image"] = PNG if case.media_type == "multipart/form-data" else ENCODED
        elif case.media_type in MEDIA_TYPES:
            case.body = PNG
    return case


@schemathesis.hook
def filter_failure(_context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Tell a failure from what the API does by design; true keeps it."""
    if isinstance(failure, RejectedPositiveData):
        problem = response.json()
        return problem["code"] not in NO_SCHEMA_SAYS and EMPTY not in problem["detail"]
    if isinstance(failure, UnsupportedMethodResponse):
        return BY_THE_GATEWAY not in response.text  # which has one refusal for what is no method and no address
    if isinstance(failure, AcceptedNegativeData):
        wrong = {place.name for place, info in case.meta.components.items() if info.mode.is_negative}
        as_it_is = case.media_type in MEDIA_TYPES
        if wrong == {"QUERY"} and not as_it_is:
            return False  # of JSON and forms their own fields count
        if wrong == {"BODY"} and as_it_is:
            return False  # what an image is its bytes tell, whatever type it was sent as
        return not (wrong <= {"BODY", "QUERY"} and _says_what_is_meant(case))
    return True


def _chosen(case: Any) -> bool:
    return zlib.crc32(repr((case.query, case.body)).encode("utf-8", "replace")) % 2 == 0


def _says_what_is_meant(case: Any) -> bool:
    """Tell whether a body is wrong only in that a number or a switch is a text or another number: 64.0, "64", 0, "no".

    Such are read as what they say, as the reference service reads them.
    """
    model = REQUESTS.get(case.path)
    if model is None or not isinstance(case.body, dict):
        return False
    rest = {name: value for name, value in case.body.items() if name not in {"size", "include_gradcam"}}
    try:
        model.model_validate(rest | {"image": ENCODED}, strict=True)
    except ValidationError:
        return False
    return isinstance(case.body.get("image"), str | bytes)
