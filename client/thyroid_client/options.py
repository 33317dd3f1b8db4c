"""What may be asked of an explanation, in one value."""

from dataclasses import asdict, dataclass
from typing import Literal

Target = Literal["malignant", "benign"]


@dataclass(frozen=True)
class ExplainOptions:
    """Options of `gradcam`, `analyze` and the reports; what is None is left to the service.

    Attributes
    ----------
    layer_name : str, optional
        One of `model_info().conv_layers`; the model's default layer if left out.
    target : {'malignant', 'benign'}, optional
        The class whose evidence is shown; malignant if left out.
    size : int, optional
        Longest side of the returned images in pixels, 64 to 1024; 224 × 224, whatever the shape, if left out. Of a
        report 64 to 800, and 512 if left out.
    """

    layer_name: str | None = None
    target: Target | None = None
    size: int | None = None

    def fields(self) -> dict[str, str]:
        """Return the options that are set, as fields of a query or a form."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


DEFAULT_OPTIONS = ExplainOptions()
