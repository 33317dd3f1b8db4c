"""Requests and responses. The reference service's fields come first, as they are there; additions follow them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core.core_schema import literal_schema

from thyroid.core import formats
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.input_check import Reason
from thyroid.core.options import MAX_SIZE, MIN_SIZE, ExplainOptions, Target

MAX_NAME = 1024

# Of a report's images, in pixels. The largest is one at which a report fits into a response whatever the image is, and
# enough for print at half the width of a page.
REPORT_SIZE, MAX_REPORT_SIZE = 512, 800

Filename = Annotated[
    str | None,
    Field(
        max_length=MAX_NAME,
        description="Given back in the response and used for nothing else; never stored, never logged.",
        examples=["thyroid_scan.jpg"],
    ),
]
Score = Annotated[float, Field(ge=0.0, le=1.0, description="Malignancy score.", examples=[0.1234])]
Timestamp = Annotated[str, Field(description="UTC.", examples=["2026-02-13 10:30:45"])]
RiskLabel = Annotated[str, Field(examples=["Low Risk"])]
Recommendation = Annotated[str, Field(examples=["Routine monitoring recommended"])]
LayerUsed = Annotated[str, Field(examples=["depthwise_separable_conv_2"])]


# A `Literal` of the media types, which Python cannot write as one: their list is not known to the type checker.
ImageType = Annotated[str, GetPydanticSchema(lambda *_: literal_schema([*formats.MEDIA_TYPES]))]


# --- requests -------------------------------------------------------------------------------------------------------


ANNOTATIONS = ("title", "description", "default", "examples")


def _allow_null(schema: dict[str, Any]) -> None:
    """Say of every field that may be left out that it may be null."""
    for name, field in schema["properties"].items():
        if name not in schema.get("required", ()) and {"type": "null"} not in field.get("anyOf", ()):
            told = {key: field.pop(key) for key in list(field) if key not in ANNOTATIONS}
            field["anyOf"] = [told, {"type": "null"}]


class PredictOptions(BaseModel):
    """What may come with an image. Fields that are null count as left out; unknown ones are ignored."""

    model_config = ConfigDict(json_schema_extra=_allow_null)

    filename: Filename = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, values: object) -> object:
        return {name: value for name, value in values.items() if value is not None} if type(values) is dict else values


class GradCAMOptions(PredictOptions):
    """What may come with an image that is to be explained."""

    layer_name: str | None = Field(
        default=None,
        max_length=MAX_NAME,
        description="Any of the `conv_layers` of `/api/v1/model-info`; left out or null for the model's default layer.",
    )
    target: Target = Field(default="malignant", description="The class whose evidence is shown.")
    size: int | None = Field(
        default=None,
        ge=MIN_SIZE,
        le=MAX_SIZE,
        description="Longest side of the images returned, shape kept. Left out: 224 × 224, whatever the shape.",
    )

    def explain_options(self) -> ExplainOptions:
        """Return what is asked of the explanation."""
        return ExplainOptions.from_attributes(self)


class AnalyzeOptions(GradCAMOptions):
    """What may come with an image that is to be analysed."""

    include_gradcam: bool = Field(default=True, description="Without it `gradcam` is null.")


class ReportOptions(GradCAMOptions):
    """What may come with an image that is to be reported on."""

    size: int = Field(
        default=REPORT_SIZE,
        ge=MIN_SIZE,
        le=MAX_REPORT_SIZE,
        description="Longest side of the report's images, in pixels, shape kept.",
    )
    include_gradcam: bool = Field(
        default=False, description="Whether a report in JSON holds the images; one in PDF always does."
    )


class _WithImage(BaseModel):
    image: str = Field(
        description=f"The image file ({formats.SENTENCE}) as plain base64 or as a base64 data URI.",
    )


class ImageRequest(PredictOptions, _WithImage):
    """Body of `/api/v1/predict`."""


class GradCAMRequest(GradCAMOptions, _WithImage):
    """Body of `/api/v1/gradcam`."""


class AnalyzeRequest(AnalyzeOptions, _WithImage):
    """Body of `/api/v1/analyze`."""


class ReportRequest(ReportOptions, _WithImage):
    """Body of `/api/v1/report/pdf` and `/api/v1/report/json`."""


class UploadRequest(BaseModel):
    """Body of `/api/v1/uploads`."""

    content_type: ImageType = Field(description="What the image will be sent as.")
    size: int | None = Field(
        default=None, ge=1, description="Of the image file, in bytes. Given, the link takes just that size."
    )


# --- responses --------------------------------------------------------------------------------------------------------


def timestamp(time: datetime) -> str:
    """Return a time in UTC as responses have it."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


def now() -> str:
    """Return the present time as responses have it."""
    return timestamp(datetime.now(UTC))


class _Response(BaseModel):
    # `class` is a word of the language, so the attribute is `class_id`; in JSON it is `class`.
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class ModelReference(_Response):
    """Which model gave the score."""

    name: str
    version: str
    sha256: str = Field(description="Of the compiled graph that gave the score.")


class InputCheck(_Response):
    """Whether the image looks like what the model was trained on. The score of one that does not means nothing."""

    looks_like_ultrasound: bool = Field(description="False where there is any reason. True says nothing of the organ.")
    reasons: list[Reason] = Field(description="What speaks against it; empty where nothing does.", examples=[[]])
    detail: str = Field(description="The same in a sentence.", examples=["The image looks like B-mode ultrasound."])


class ScoredClass(_Response):
    """The class and the malignancy score."""

    class_id: Literal[0, 1] = Field(serialization_alias="class", description="0 benign, 1 malignant (score ≥ 0.5).")
    label: str = Field(examples=["Benign (Non-Cancerous)"])
    confidence_score: Score


class Prediction(ScoredClass):
    """The class, the malignancy score and the probability of the class."""

    confidence_percentage: float = Field(
        ge=0.0, le=100.0, description="Probability of the label given, times 100.", examples=[87.66]
    )


class GradCAMImages(_Response):
    """PNG files in base64."""

    original: str = Field(description="The image that was sent, resized.")
    heatmap: str = Field(description="The class activation map in colours, blue 0 to red 1.")
    overlay: str = Field(description="The heatmap laid over the image, within the part that the network saw.")


ImagesT = TypeVar("ImagesT")


class Explained(_Response, Generic[ImagesT]):
    """An explanation whose images are in the response, elsewhere or left out."""

    layer_used: LayerUsed
    images: ImagesT
    target: Target = Field(description="The class whose evidence is shown.")
    has_evidence: bool = Field(description="False where nothing speaks for the target; the map is then all zero.")


class GradCAM(Explained[GradCAMImages]):
    """An explanation by Grad-CAM."""


class _ImageResponse(_Response):
    success: Literal[True] = True
    timestamp: Timestamp
    filename: Filename


class PredictionResponse(_ImageResponse):
    """Response of `/api/v1/predict`."""

    prediction: Prediction
    risk_assessment: RiskLabel
    recommendation: Recommendation
    model: ModelReference
    input_check: InputCheck
    disclaimer: str = DISCLAIMER


class ExplainedResponse(_ImageResponse):
    """A score and an explanation, whose images may be elsewhere."""

    layer_used: LayerUsed
    images: GradCAMImages | None
    prediction: ScoredClass
    target: Target
    has_evidence: bool = Field(description="False where nothing speaks for the target; the map is then all zero.")
    model: ModelReference
    input_check: InputCheck
    disclaimer: str = DISCLAIMER


class GradCAMResponse(ExplainedResponse):
    """Response of `/api/v1/gradcam`."""

    images: GradCAMImages


class AnalyzeResponse(_ImageResponse):
    """Response of `/api/v1/analyze`."""

    prediction: Prediction
    risk_assessment: RiskLabel
    recommendation: Recommendation
    gradcam: GradCAM | None
    model: ModelReference
    input_check: InputCheck
    disclaimer: str = DISCLAIMER


class ImageFacts(_Response):
    """The image that a report is about."""

    width: int = Field(ge=1, description="Of the upright image, in pixels.")
    height: int = Field(ge=1, description="Of the upright image, in pixels.")
    sha256: str = Field(description="Of the file that was sent.")


class Region(_Response):
    """A part of an image, in pixels from its upper left corner; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class ReportedGradCAM(Explained[GradCAMImages | None]):
    """An explanation by Grad-CAM, with its images if they were asked for."""


class ReportResponse(_ImageResponse):
    """Response of `/api/v1/report/json`, and all that a report in PDF says."""

    schema_version: Literal[2] = Field(default=2, description="Grows when a field changes or goes, not when one comes.")
    prediction: Prediction
    risk_assessment: RiskLabel
    recommendation: Recommendation
    gradcam: ReportedGradCAM
    image_facts: ImageFacts
    field_of_view: Region = Field(description="The part of the image that the network saw.")
    model: ModelReference
    code_version: str = Field(description="Of the service, and its commit where it is known.", examples=["3.0.0"])
    input_check: InputCheck
    disclaimer: str = DISCLAIMER


class UploadForm(_Response):
    """A multipart form that a browser, or any HTTP client, sends to the bucket itself."""

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str] = Field(description="Come first, as they are; the image follows as the part `file`.")


class UploadResponse(_Response):
    """Response of `POST /api/v1/uploads`."""

    success: Literal[True] = True
    id: str
    upload: UploadForm
    expires: Timestamp
    largest: int = Field(description="Largest image file that the link takes, in bytes.")
    result: str = Field(
        description="Where the result will be: asked for too early, it is 202.",
        examples=["/api/v1/uploads/6925a1b2-0123456789abcdef0123456789abcdef"],
    )


class WaitingResponse(_Response):
    """Response of `GET /api/v1/uploads/{id}` while there is no result."""

    success: Literal[True] = True
    status: Literal["waiting"] = "waiting"
    detail: str = "No result yet; ask again after `Retry-After` seconds."


class HealthResponse(_Response):
    """Response of `/api/v1/health`."""

    status: Literal["healthy", "unhealthy"]
    model_loaded: bool = Field(description="True once the model gave its golden image its golden score here.")
    timestamp: Timestamp
    version: str = Field(examples=["3.0.0"])


class RiskBand(_Response):
    """Scores from `minimum` up to the next band's."""

    id: str = Field(description="Stays the same where the texts change.", examples=["high"])
    minimum: float = Field(ge=0.0, le=1.0)
    label: str = Field(description="What `risk_assessment` says.")
    recommendation: str


class ModelInfoResponse(_Response):
    """Response of `/api/v1/model-info`."""

    model_name: str
    input_shape: tuple[int | None, int, int, int] = Field(examples=[[None, 224, 224, 3]])
    output_shape: tuple[int | None, int] = Field(examples=[[None, 1]])
    total_parameters: int
    classes: dict[str, str] = Field(examples=[{"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"}])
    conv_layers: list[str] = Field(description="In graph order; each can be the `layer_name` of a Grad-CAM request.")
    default_layer: str
    risk_bands: list[RiskBand] = Field(description="From the highest to the lowest.")
    model: ModelReference
    description: str
    evaluation: dict[str, object] = Field(description="Measured figures of the model.")
    disclaimer: str = DISCLAIMER


class RootResponse(_Response):
    """Response of `/`."""

    message: str
    version: str
    docs: str = Field(description="Interactive documentation, relative to this address.")
    page: str = Field(description="A page to try it in a browser, relative to this address.")
    endpoints: dict[str, str]
    disclaimer: str = DISCLAIMER
