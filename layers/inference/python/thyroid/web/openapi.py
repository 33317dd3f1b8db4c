"""What a route says of itself in the OpenAPI description, beyond what FastAPI reads from its signature."""

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from thyroid.core import formats
from thyroid.web.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]

# The gateway asks for a key, the application never does: on a laptop no key is needed.
SECURITY_SCHEMES = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "Asked for where the service is deployed, not on a laptop.",
    }
}
WITH_KEY: dict[str, Any] = {"security": [{"ApiKey": []}, {}]}


def request_body(options: type[BaseModel], with_image: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that may come in three kinds, and the key that is asked for; for a route's ``openapi_extra``.

    Parameters
    ----------
    options : type
        The options: fields of a form, or of the query of a raw body.
    with_image : type
        The JSON body.
    """
    fields = {name: _of_text(field) for name, field in options.model_json_schema()["properties"].items()}
    image = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["image"], "properties": {"image": image, **copy.deepcopy(fields)}}
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{with_image.__name__}"}},
        "multipart/form-data": {"schema": form},
    }
    content.update({media_type: {"schema": image} for media_type in formats.MEDIA_TYPES})
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "Where the body is the image file itself. " + field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key != "description"},
        }
        for name, field in fields.items()
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters, **WITH_KEY}


def _of_text(field: dict[str, Any]) -> dict[str, Any]:
    """Describe an option as a query or a form has it, where null is four letters; what is left out is no null."""
    of_text = {key: value for key, value in field.items() if key != "anyOf" and value is not None}
    for kind in field.get("anyOf", []):
        if kind != {"type": "null"}:
            of_text |= kind
    return of_text


def json_body(schema: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that holds no image; for a route's ``openapi_extra``."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}}
    return {"requestBody": {"required": True, "content": content}}


def problem_responses(whats: Mapping[int, str]) -> Responses:
    """Describe error responses; for a route's ``responses``.

    Parameters
    ----------
    whats : mapping of int to str
        Status to what it means.
    """
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": what, "content": {MEDIA_TYPE: {"schema": schema}}} for status, what in whats.items()
    }


GATEWAY_PROBLEMS = {
    403: "`forbidden`: deployed, a key is asked for",
    429: "`throttled`, with `Retry-After`, or `quota_exceeded`: deployed, a key may ask for so much",
}
SLOW = "`request_timeout`: on a server of your own, the body did not arrive in the time that it has"
IMAGE_PROBLEMS = problem_responses(
    GATEWAY_PROBLEMS
    | {
        400: "`invalid_base64`: the image is not base64",
        408: SLOW,
        413: "`payload_too_large`: the body or the image is over its limit, which `detail` names",
        415: "`unsupported_media_type`: not an image format, or not a content type, that is taken",
        422: "`invalid_request`, `unreadable_image`, `unsuitable_image` or `unknown_layer`: `detail` says why",
        503: "`model_unavailable`: no model works here, or `overloaded`: too many requests wait; try again "
        "after `Retry-After` seconds",
        504: "`timeout`: deployed, the response took longer than the gateway waits",
    }
)
PDF_PROBLEMS = IMAGE_PROBLEMS | problem_responses(
    {406: "`not_acceptable`: deployed, `Accept` has to begin with `application/pdf`, or the bytes would come as text"}
)
UPLOAD_PROBLEMS = problem_responses(
    GATEWAY_PROBLEMS
    | {
        408: SLOW,
        413: "`payload_too_large`: the image file is over the limit, which `detail` names",
        415: "`unsupported_media_type`: the body is not JSON",
        422: "`invalid_request`: `detail` says what to change",
        501: "`uploads_unavailable`: there is no bucket here",
    }
)
RESULT_PROBLEMS = problem_responses(
    GATEWAY_PROBLEMS
    | {
        404: "`not_found`: no link has this id, it ended before an image came, or the image was deleted unread",
        410: "`not_answered`: the image was given up after an hour; upload it again",
        413: "`payload_too_large`: the image is over its limit, which `detail` names",
        415: "`unsupported_media_type`: what was uploaded is no image format that is taken",
        422: "`invalid_request`, `unreadable_image` or `unsuitable_image`: `detail` says what is wrong",
        501: "`uploads_unavailable`: there is no bucket here",
    }
)
MODEL_PROBLEMS = problem_responses(
    GATEWAY_PROBLEMS | {503: "`model_unavailable`: no model works here; try again after `Retry-After`"}
)
