"""The artifact's manifest, ``model.json``: all that the serving world knows of a model.

The model world writes it, the serving world reads it; it is the contract between the two.
"""

from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from thyroid.errors import ModelUnavailableError, UnknownLayerError

MANIFEST_FILE = "model.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Weights(_Part):
    """Where the weights came from: a readable source and the SHA-256 of the file."""

    source: str
    sha256: str


class ModelReference(_Part):
    """Which model: its name, its version, and the SHA-256 of the graph that gives the score."""

    name: str
    version: str
    sha256: str


class Preprocessing(_Part):
    """How pixels become the network's input. It travels with the model: a wrong resize filter moves the score.

    Attributes
    ----------
    field_of_view : bool
        Whether the image is first cropped to the ultrasound field of view (:mod:`thyroid.core.field_of_view`).
    resize : str
        Pillow's resampling filter.
    scale : float
        Factor on 8-bit values; 1/255 gives [0, 1].
    """

    field_of_view: bool
    resize: Literal["nearest", "bilinear", "bicubic", "lanczos"]
    scale: float


class RiskBand(_Part):
    """One risk band: scores from ``minimum`` up to the next band's.

    Attributes
    ----------
    id : str
        Names the band wherever its texts may change, such as ``high``: lower-case letters, digits and underscores.
    minimum : float
        In [0, 1]; the lowest score of the band.
    label : str
        The band in words, as responses have it in ``risk_assessment``.
    recommendation : str
        What the band advises.
    """

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    minimum: float = Field(ge=0, le=1)
    label: str
    recommendation: str


class ConvLayer(_Part):
    """A conv layer whose class activation map the artifact can give; ``height`` × ``width`` is the map's size."""

    name: str
    height: PositiveInt
    width: PositiveInt

    @property
    def size(self) -> str:
        """The map's size in words, such as ``16x16``."""
        return f"{self.height}x{self.width}"


class GraphFile(_Part):
    """A LiteRT file of the artifact, with the SHA-256 that the engine checks on opening."""

    file: str
    sha256: str


class Golden(_Part):
    """An image made by code and the score that this artifact gave it when it was compiled."""

    file: str
    sha256: str
    score: float
    tolerance: float


class Parity(_Part):
    """How far the compiled graphs were from TensorFlow on the images tried at compile time.

    The score's error is its difference from Keras in float32; beside it stands Keras's own, against float64. A map's
    error is the largest difference over its cells from float64 gradients, relative to the map's largest absolute
    value; beside them stand those of TensorFlow's own float32.
    """

    images: int
    score_worst: float
    tensorflow_score_worst: float
    map_median: float
    tensorflow_map_median: float
    map_worst: float
    tensorflow_map_worst: float


class Manifest(_Part):
    """The whole of ``model.json``.

    Attributes
    ----------
    input_shape : list of int or None
        Batch, height, width, channels; the batch is open.
    output_shape : list of int or None
        Batch and the one score.
    classes : dict of str to str
        Class number, as a string, to its label: "0" and "1".
    risk_bands : list of RiskBand
        From the highest minimum to the lowest, which is 0, so that every score has one. No id comes twice.
    conv_layers : list of ConvLayer
        In graph order; a block's inner layers come before the block. No name comes twice.
    evaluation : dict
        Measured figures of the model, as written by the evaluation; free-form, for people.
    score_graph : GraphFile
        Gives the score and the default layer's map.
    maps_graphs : dict of str to GraphFile
        What gives the maps of all layers of one size, by :attr:`ConvLayer.size`.
    """

    schema_version: Literal[3] = 3
    name: str
    version: str
    description: str
    weights: Weights
    input_shape: tuple[PositiveInt | None, PositiveInt, PositiveInt, PositiveInt]
    output_shape: tuple[PositiveInt | None, PositiveInt]
    total_parameters: int
    preprocessing: Preprocessing
    classes: dict[str, str]
    risk_bands: tuple[RiskBand, ...]
    conv_layers: tuple[ConvLayer, ...]
    default_layer: str
    calibration: dict[str, object]
    evaluation: dict[str, object]
    score_graph: GraphFile
    maps_graphs: dict[str, GraphFile]
    golden: Golden
    parity: Parity

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        """Refuse what would otherwise fail, or give wrong results, when an image is scored."""
        if set(self.classes) != {"0", "1"}:
            raise ValueError("the classes must be 0 and 1")
        minima = [band.minimum for band in self.risk_bands]
        if not minima or minima[-1] != 0 or not all(higher > lower for higher, lower in pairwise(minima)):
            raise ValueError("the risk bands must go down to 0")
        if len({band.id for band in self.risk_bands}) != len(self.risk_bands):
            raise ValueError("the id of a risk band comes twice")
        names = [layer.name for layer in self.conv_layers]
        if len(set(names)) != len(names):
            raise ValueError("a conv layer comes twice")
        if self.default_layer not in names:
            raise ValueError("the default layer must be one of the conv layers")
        if {layer.size for layer in self.conv_layers} != set(self.maps_graphs):
            raise ValueError("there must be a graph of maps for each size of a conv layer, and no other")
        return self

    def layer(self, name: str | None) -> ConvLayer:
        """Return the conv layer of that name; the default one if there is no name.

        Raises
        ------
        UnknownLayerError
            If there is no such layer; the message names those that exist.
        """
        wanted = name or self.default_layer
        for layer in self.conv_layers:
            if layer.name == wanted:
                return layer
        names = ", ".join(layer.name for layer in self.conv_layers)
        raise UnknownLayerError(f"The model has no conv layer of that name; it has: {names}.")

    @property
    def sha256(self) -> str:
        """The hash by which responses name the model: that of the graph which gives the score."""
        return self.score_graph.sha256

    @property
    def reference(self) -> ModelReference:
        """How responses and records name the model."""
        return ModelReference(name=self.name, version=self.version, sha256=self.sha256)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read and validate ``folder/model.json``.

        Raises
        ------
        ModelUnavailableError
            If there is none, or it is not one that this version reads.
        """
        try:
            return cls.model_validate_json((folder / MANIFEST_FILE).read_bytes())
        except OSError as error:
            raise ModelUnavailableError(
                f"There is no compiled model ({MANIFEST_FILE}) in the model folder; run `make model` to compile one."
            ) from error
        except ValidationError as error:
            raise ModelUnavailableError(
                f"{MANIFEST_FILE} is damaged or of another version; run `make model` to compile the model again."
            ) from error
