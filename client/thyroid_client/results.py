"""Results as frozen dataclasses that mirror the API's fields; images are PIL images.

Not pydantic: the client is installed into its user's environment, which may have pydantic of another major version, and
reading a dozen fields takes few lines. Fields that the service adds later are ignored here and are in ``raw``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

Raw = Mapping[str, Any]  # never shown and never compared: it holds images in base64


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether the service works.

    Attributes
    ----------
    status : str
        ``healthy`` or ``unhealthy``.
    model_loaded : bool
        True once the model has returned the golden score for the golden image where the service runs.
    timestamp : str
        UTC, ``2026-02-13 10:30:45``.
    version : str
        Of the service.
    raw : mapping
        The response's JSON.
    """

    status: str
    model_loaded: bool
    timestamp: str
    version: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class ModelReference:
    """The model that gave the score; `sha256` is of the compiled graph."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class InputCheck:
    """Whether the image looks like the training images. Where it does not, the score means nothing.

    Attributes
    ----------
    looks_like_ultrasound : bool
        False where there is any reason.
    reasons : tuple of str
        Any of ``too_small``, ``blank``, ``colour_overlay``, ``not_ultrasound``.
    detail : str
        The same in a sentence.
    """

    looks_like_ultrasound: bool
    reasons: tuple[str, ...]
    detail: str


@dataclass(frozen=True, kw_only=True)
class ScoredClass:
    """The class and the malignancy score.

    Attributes
    ----------
    class_id : int
        The API's ``class``: 0 benign, 1 malignant (a score of 0.5 or more).
    label : str
        The class in words.
    confidence_score : float
        Malignancy score, 0 to 1.
    """

    class_id: int
    label: str
    confidence_score: float


@dataclass(frozen=True, kw_only=True)
class Prediction(ScoredClass):
    """The class, the malignancy score, and the probability of the class in percent (0 to 100)."""

    confidence_percentage: float


@dataclass(frozen=True, kw_only=True)
class ReportedMap:
    """What a map is of; the map of a report is in the report as PDF.

    Attributes
    ----------
    layer_used : str
        The conv layer that is shown.
    target : str
        The class whose evidence is shown, ``malignant`` or ``benign``.
    has_evidence : bool
        False where there is no evidence for the class; the map is then all zero.
    """

    layer_used: str
    target: str
    has_evidence: bool


@dataclass(frozen=True, kw_only=True)
class Maps(ReportedMap):
    """An explanation by Grad-CAM: what the map is of, and the map.

    Attributes
    ----------
    heatmap : PIL.Image.Image
        The map in colours, blue 0 to red 1.
    overlay : PIL.Image.Image
        The heatmap laid over the image.
    """

    heatmap: Image.Image = field(compare=False)
    overlay: Image.Image = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class GradCAM(Maps):
    """An explanation with `original`, the image that was sent, resized like the others."""

    original: Image.Image = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class _Result:
    timestamp: str
    model: ModelReference
    input_check: InputCheck
    disclaimer: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class PredictResult(_Result):
    """What `predict` returns.

    Attributes
    ----------
    timestamp : str
        UTC, ``2026-02-13 10:30:45``.
    prediction : Prediction
        Class and score.
    risk_assessment, recommendation : str
        The risk band, and the advice for it.
    model : ModelReference
        The model that gave the score.
    input_check : InputCheck
        Check it before the score.
    disclaimer : str
        Research and education only.
    raw : mapping
        The response's JSON.
    """

    prediction: Prediction
    risk_assessment: str
    recommendation: str


@dataclass(frozen=True, kw_only=True)
class GradCAMResult(GradCAM, _Result):
    """What `gradcam` returns: the explanation, the score in `prediction`, and the rest as in `PredictResult`."""

    prediction: ScoredClass


@dataclass(frozen=True, kw_only=True)
class AnalyzeResult(PredictResult):
    """What `analyze` returns: a `PredictResult` with its explanation."""

    gradcam: GradCAM


@dataclass(frozen=True, kw_only=True)
class UploadResult(PredictResult):
    """What `upload` returns: a `PredictResult` with its explanation, without the original."""

    gradcam: Maps


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """The image of a report: its size in pixels, upright, and the SHA-256 (hexadecimal) of its file."""

    width: int
    height: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of an image, in pixels from its upper left corner; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, kw_only=True)
class Report(PredictResult):
    """What `report_json` returns: a `PredictResult` with what identifies the image, the model and the code.

    Attributes
    ----------
    schema_version : int
        Of these fields.
    filename : str or None
        As it was given.
    gradcam : ReportedMap
        What the map is of.
    image_facts : ImageFacts
        The image that was sent.
    field_of_view : Region
        The part of it that the network saw.
    code_version : str
        Of the service.
    """

    schema_version: int
    filename: str | None
    gradcam: ReportedMap
    image_facts: ImageFacts
    field_of_view: Region
    code_version: str


@dataclass(frozen=True, kw_only=True)
class RiskBand:
    """A risk band: scores from `minimum` up to the next band's.

    Attributes
    ----------
    id : str
        Stays the same where the texts change, such as ``high``.
    minimum : float
        Lowest score of the band, 0 to 1.
    label : str
        What `risk_assessment` says.
    recommendation : str
        What is advised.
    """

    id: str
    minimum: float
    label: str
    recommendation: str


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What the service says of its model.

    Attributes
    ----------
    model_name, description : str
        In words.
    input_shape, output_shape : tuple of int or None
        None where any number is allowed.
    total_parameters : int
        Weights of the network.
    classes : mapping of str to str
        Labels by class, ``"0"`` and ``"1"``.
    conv_layers : tuple of str
        In the network's order; each is a valid `layer_name` of an explanation.
    default_layer : str
        The layer of an explanation where the request names none.
    risk_bands : tuple of RiskBand
        From the highest to the lowest; empty where the service does not return them.
    model : ModelReference
        Name, version and hash.
    evaluation : mapping
        Measured figures.
    disclaimer : str
        Research and education only.
    raw : mapping
        The response's JSON.
    """

    model_name: str
    input_shape: tuple[int | None, ...]
    output_shape: tuple[int | None, ...]
    total_parameters: int
    classes: Mapping[str, str]
    conv_layers: tuple[str, ...]
    default_layer: str
    risk_bands: tuple[RiskBand, ...] = ()
    model: ModelReference
    description: str
    evaluation: Mapping[str, Any] = field(repr=False)
    disclaimer: str
    raw: Raw = field(repr=False, compare=False)
