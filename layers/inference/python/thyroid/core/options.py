"""What is asked of an explanation, as one value from the request or the command line down to the engine."""

from dataclasses import dataclass, fields
from typing import Literal, Self

Target = Literal["malignant", "benign"]

MIN_SIZE, MAX_SIZE = 64, 1024  # of an explanation's images, longest side in pixels


@dataclass(frozen=True)
class ExplainOptions:
    """What is asked of an explanation; requests, the command line and the client make one of these.

    Attributes
    ----------
    layer_name : str, optional
        One of the manifest's conv layers; the model's default layer if left out.
    target : {"malignant", "benign"}
        The class whose evidence is shown.
    size : int, optional
        Longest side of the images, 64 to 1024 pixels, their shape kept; 224 × 224 if left out, as in the reference
        service.
    """

    layer_name: str | None = None
    target: Target = "malignant"
    size: int | None = None

    @classmethod
    def from_attributes(cls, source: object) -> Self:
        """Make one from an object that has each option as an attribute: a request, or a command line's arguments."""
        return cls(**{field.name: getattr(source, field.name) for field in fields(cls)})


DEFAULT_OPTIONS = ExplainOptions()
