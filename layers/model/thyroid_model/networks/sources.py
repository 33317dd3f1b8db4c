"""Where a model comes from: ``bundled``, ``published``, or the path of a weights file."""

from dataclasses import dataclass, field
from pathlib import Path

from thyroid.core.manifest import Preprocessing
from thyroid_model.errors import ModelFileError
from thyroid_model.networks import hub
from thyroid_model.record import MODEL_FILE, RecordError, read_evaluation, sha256

BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
BUNDLED_NAME, BUNDLED_VERSION = "thyroid-ddti", "2.1.1"

# The reference service squeezes the whole picture to the input's size with Pillow's Lanczos filter, and divides by 255.
REFERENCE_PREPROCESSING = Preprocessing(field_of_view=False, resize="lanczos", scale=1 / 255)
BUNDLED_PREPROCESSING = Preprocessing(field_of_view=True, resize="lanczos", scale=1 / 255)


@dataclass(frozen=True)
class Source:
    """A weights file and what is known of it before it is opened.

    Attributes
    ----------
    path : pathlib.Path
        The file on this machine.
    origin : str
        Where it came from, for people; never a local path.
    sha256 : str
        Hexadecimal SHA-256 of the file.
    evaluation : dict
        Measured figures, for people.
    calibration : dict
        What was done to the scores, and the prevalence that they are meant for; for people: it is in the weights.
    default_layer : str or None
        The layer whose maps are shown where none is asked for; None for the last conv layer.
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
    """Return the source that ``bundled``, ``published`` or a path stands for; the published one is fetched if need be.

    Raises
    ------
    HubError
        If the published weights cannot be had.
    ModelFileError
        If there is no file at the path.
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
        raise ModelFileError(str(error), "Nothing is compiled with figures that are another network's.") from error
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
    """Describe a file by its content: the published weights are the published model, wherever they lie."""
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
            description="The published weights, with the reference service's preprocessing of the whole picture.",
            origin=f"hub: {published.label}",
            sha256=digest,
            preprocessing=REFERENCE_PREPROCESSING,
        )
    return Source(
        path=path,
        name=path.stem,
        version=digest[:12],
        description="A model from a file, with the reference service's preprocessing of the whole picture.",
        origin=f"file: {path.name}",
        sha256=digest,
        preprocessing=REFERENCE_PREPROCESSING,
    )
