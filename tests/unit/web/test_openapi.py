import json

import pytest
from pydantic import BaseModel

from thyroid.core.formats import MEDIA_TYPES
from thyroid.web.openapi import IMAGE_PROBLEMS, SECURITY_SCHEMES, request_body
from thyroid.web.schemas import (
    AnalyzeOptions,
    AnalyzeRequest,
    GradCAMOptions,
    GradCAMRequest,
    ImageRequest,
    PredictOptions,
    ReportOptions,
    ReportRequest,
)

OPTIONS = {"filename", "layer_name", "target", "size", "include_gradcam"}
ANALYZE = request_body(AnalyzeOptions, AnalyzeRequest)


def test_a_body_is_json_or_a_form_or_the_image_itself() -> None:
    content = ANALYZE["requestBody"]["content"]

    assert set(content) == {"application/json", "multipart/form-data", *MEDIA_TYPES}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/AnalyzeRequest"}
    assert content["image/png"]["schema"] == {"type": "string", "format": "binary"}


def test_a_form_has_the_image_and_the_options_as_fields() -> None:
    form = ANALYZE["requestBody"]["content"]["multipart/form-data"]["schema"]

    assert form["required"] == ["image"]
    assert set(form["properties"]) == OPTIONS | {"image"}


def test_the_query_has_the_options_and_none_is_required() -> None:
    parameters = ANALYZE["parameters"]

    assert {parameter["name"] for parameter in parameters} == OPTIONS
    assert {(parameter["in"], parameter["required"]) for parameter in parameters} == {("query", False)}
    size = next(parameter["schema"] for parameter in parameters if parameter["name"] == "size")
    assert "64" in str(size)
    assert "1024" in str(size)


@pytest.mark.parametrize("with_image", [ImageRequest, GradCAMRequest, AnalyzeRequest, ReportRequest])
def test_in_json_every_option_may_be_null_and_the_image_may_not(with_image: type[BaseModel]) -> None:
    fields = with_image.model_json_schema()["properties"]

    null = {name for name, field in fields.items() if {"type": "null"} in field.get("anyOf", [])}
    assert null == set(fields) - {"image"}
    with_image.model_validate(dict.fromkeys(null) | {"image": "AAAA"})


@pytest.mark.parametrize("options", [PredictOptions, GradCAMOptions, AnalyzeOptions, ReportOptions])
def test_in_a_form_or_a_query_no_option_is_null_for_there_it_would_be_four_letters(options: type[BaseModel]) -> None:
    described = request_body(options, ImageRequest)

    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    for field in (*form.values(), *(parameter["schema"] for parameter in described["parameters"])):
        assert "type" in field
        assert '"null"' not in json.dumps(field)


def test_an_endpoint_describes_no_option_that_it_does_not_take() -> None:
    described = request_body(PredictOptions, ImageRequest)

    assert [parameter["name"] for parameter in described["parameters"]] == ["filename"]


def test_errors_are_described_as_problems() -> None:
    assert set(IMAGE_PROBLEMS) == {400, 403, 408, 413, 415, 422, 429, 503, 504}
    for answer in IMAGE_PROBLEMS.values():
        assert answer["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_a_key_may_be_sent_and_may_be_left_out_where_none_is_asked_for() -> None:
    assert ANALYZE["security"] == [{name: []} for name in SECURITY_SCHEMES] + [{}]
