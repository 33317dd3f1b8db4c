"""Sources of a model: ``bundled``, ``published``, or the path of a weights file."""

from dataclasses import dataclass, field
from pathlib import Path

from thyroid.core.manifest import Preprocessing
from thyroid_model.errors import ModelFileError
from thyroid_model.networks import hub
from thyroid_model.record import MODEL_FILE, RecordError, read_evaluation, sha256

BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
BUNDLED_NAME, BUNDLED_VERSION = "thyroid-ddti", "2.1.1"

# The reference service resizes the whole image to the input's size with Pillow's Lanczos filter, and divides by 255.
REFERENCE_PREPROCESSING = Preprocessing(field_of_view=False, resize="lanczos", scale=1 / 255)
BUNDLED_PREPROCESSING = Preprocessing(field_of_view=True, resize="lanczos", scale=1 / 255)


@dataclass(frozen=True)
class Source:
    """A weights file, and its metadata.

    Attributes
    ----------
    path : pathlib.Path
        The local file.
    name, version : str
        Name and version of the model.
    description : str
        A few sentences for people.
    origin : str
        Where the file is from, for people; never a local path.
    sha256 : str
        Hexadecimal SHA-256 of the file.
    preprocessing : Preprocessing
        How an image becomes the network's input.
    evaluation : dict
        Measured metrics, for people.
    calibration : dict
        Method of the calibration, and the prevalence that the scores are meant for; for people, since the weights
        contain the calibration.
    default_layer : str or None
        The layer whose map is shown by default; None for the last conv layer.
    """

    path: Path
    name: str
    version: str
    description: str
    origin: str
    sha256: str
    preprocessing: Preprocessing
    evaluation: dict[str, object] = field(default_factory=dict)
    calibration: dict[str, object] = field(default_factory=lambda: {"method": "none"})
    default_layer: str | None = None


def resolve(model: str) -> Source:
    """Return the source for ``bundled``, ``published`` or a path; the published weights are downloaded if necessary.

    Raises
    ------
    HubError
        If the published weights cannot be downloaded.
    ModelFileError
        If there is no file at the path, or the bundled model and its evaluation do not match.
    """
    if model == "bundled":
        return _bundled()
    if model == "published":
        return _from_file(hub.fetch(hub.published()))
    return _from_file(Path(model))


def _bundled() -> Source:
    path = BUNDLED_FOLDER / MODEL_FILE
    try:
        evaluation = read_evaluation(BUNDLED_FOLDER)
    except RecordError as error:
        raise ModelFileError(str(error), "A model is only compiled with its own evaluation.") from error
    return Source(
        path=path,
        name=BUNDLED_NAME,
        version=BUNDLED_VERSION,
        description=(
            "A network of the published family at 128×128, trained on breast lesions and then on the field of view of "
            "DDTI's frames, with statistics of the whole picture added; calibrated for even odds. Its label is "
            "radiological suspicion (TI-RADS 4a to 5 against 2 and 3), not biopsy."
        ),
        origin="bundled with the project",
        sha256=sha256(path),
        preprocessing=BUNDLED_PREPROCESSING,
        evaluation=evaluation,
        calibration=evaluation["training"]["calibration"],
        default_layer=evaluation["maps"]["default_layer"],
    )


def _from_file(path: Path) -> Source:
    """Describe a file by its content: a copy of the published weights is the published model."""
    if not path.is_file():
        raise ModelFileError(
            f"There is no model file at {path}.",
            "Give `bundled`, `published` or the path of a .h5 or .keras file.",
        )
    digest, published = sha256(path), hub.published()
    if digest == published.sha256:
        return Source(
            path=path,
            name=published.repository,
            version=digest[:12],
            description="The published weights, with the reference service's preprocessing of the whole image.",
            origin=f"hub: {published.label}",
            sha256=digest,
            preprocessing=REFERENCE_PREPROCESSING,
        )
    return Source(
        path=path,
        name=path.stem,
        version=digest[:12],
        description="A model from a file, with the reference service's preprocessing of the whole image.",
        origin=f"file: {path.name}",
        sha256=digest,
        preprocessing=REFERENCE_PREPROCESSING,
    )
