"""What is known of one image once it was analysed. Every interface renders this value, and nothing else."""

from dataclasses import dataclass
from datetime import datetime

from thyroid.core.assessment import Assessment
from thyroid.core.explain import Explanation
from thyroid.core.field_of_view import Box
from thyroid.core.input_check import InputCheck
from thyroid.core.manifest import ModelReference


@dataclass(frozen=True)
class ImageFacts:
    """What is known of an image apart from what it shows.

    Attributes
    ----------
    width, height : int
        Of the upright decoded image, in pixels.
    sha256 : str
        Of the file's bytes, as they came, in 64 hexadecimal digits.
    """

    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Analysis:
    """One image and what the model says of it.

    Attributes
    ----------
    time : datetime.datetime
        When it was scored, UTC.
    image : ImageFacts
        Size and hash.
    field_of_view : Box
        The part of the image that the network saw, in pixels of the upright image.
    input_check : InputCheck
        Whether the image looks like what the model was trained on.
    assessment : Assessment
        The score and what it means.
    model : ModelReference
        Which model gave the score.
    code_version : str
        Version of this package and, where it is known, the commit.
    duration_ms : float
        From the file's bytes to its score, in milliseconds.
    explanation : Explanation or None
        Which parts of the image speak for a class, where that was asked for.
    """

    time: datetime
    image: ImageFacts
    field_of_view: Box
    input_check: InputCheck
    assessment: Assessment
    model: ModelReference
    code_version: str
    duration_ms: float
    explanation: Explanation | None = None
