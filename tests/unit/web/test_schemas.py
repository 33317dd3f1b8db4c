import pytest
from pydantic import ValidationError

from thyroid.web.schemas import (
    AnalyzeRequest,
    GradCAMRequest,
    HealthResponse,
    ImageRequest,
    ModelInfoResponse,
    Prediction,
    PredictionResponse,
    ScoredClass,
)


def test_only_the_image_is_required() -> None:
    assert ImageRequest.model_validate({"image": "x"}).model_dump() == {"image": "x", "filename": None}
    with pytest.raises(ValidationError, match="image"):
        ImageRequest.model_validate({"filename": "a.png"})


def test_an_analysis_has_the_references_defaults_and_ours() -> None:
    assert AnalyzeRequest.model_validate({"image": "x"}).model_dump() == {
        "image": "x",
        "filename": None,
        "layer_name": None,
        "target": "malignant",
        "size": None,
        "include_gradcam": True,
    }


def test_null_counts_as_left_out() -> None:
    every = {"filename": None, "layer_name": None, "target": None, "size": None, "include_gradcam": None}

    assert AnalyzeRequest.model_validate({"image": "x", **every}) == AnalyzeRequest.model_validate({"image": "x"})
    with pytest.raises(ValidationError, match="image"):
        ImageRequest.model_validate({"image": None})


def test_unknown_fields_are_ignored() -> None:
    assert not hasattr(ImageRequest.model_validate({"image": "x", "patient": "y"}), "patient")


@pytest.mark.parametrize("size", [64, 1024, "300"])
def test_a_size_within_its_bounds_is_taken(size: object) -> None:
    assert GradCAMRequest.model_validate({"image": "x", "size": size}).size == int(str(size))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 63),
        ("size", 1025),
        ("size", 100.5),
        ("size", "big"),
        ("target", "Malignant"),
        ("target", 1),
        ("layer_name", 3),
        ("layer_name", "x" * 1025),
        ("include_gradcam", "perhaps"),
        ("filename", "x" * 1025),
        ("filename", ["a"]),
        ("image", 5),
    ],
)
def test_a_field_out_of_its_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        AnalyzeRequest.model_validate({"image": "x", field: value})


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null"])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        AnalyzeRequest.model_validate_json(body)


def test_in_json_the_class_is_called_class() -> None:
    answer = ScoredClass(class_id=1, label="Malignant (Cancerous)", confidence_score=0.8)

    assert list(answer.model_dump(by_alias=True)) == ["class", "label", "confidence_score"]
    assert list(Prediction.model_json_schema(mode="serialization")["properties"]) == [
        "class",
        "label",
        "confidence_score",
        "confidence_percentage",
    ]


def test_the_references_fields_come_first_and_in_its_order() -> None:
    assert list(PredictionResponse.model_fields)[:6] == [
        "success",
        "timestamp",
        "filename",
        "prediction",
        "risk_assessment",
        "recommendation",
    ]
    assert list(HealthResponse.model_fields) == ["status", "model_loaded", "timestamp", "version"]
    assert list(ModelInfoResponse.model_fields)[:6] == [
        "model_name",
        "input_shape",
        "output_shape",
        "total_parameters",
        "classes",
        "conv_layers",
    ]
