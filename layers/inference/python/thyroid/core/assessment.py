"""Turns a score into its meaning: class, confidence, risk band and recommendation, in the model's own words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from thyroid.core.manifest import Manifest

MALIGNANT_FROM = 0.5


@dataclass(frozen=True)
class Assessment:
    """What a score says.

    Attributes
    ----------
    class_id : int
        1 malignant, 0 benign.
    label : str
        The class in words.
    score : float
        Malignancy score in [0, 1].
    confidence_percentage : float
        Probability of the label given, times 100, with two decimals.
    risk_id : str
        The risk band's id, such as ``high``.
    risk : str
        The risk band's label.
    recommendation : str
        What the band advises.
    """

    class_id: Literal[0, 1]
    label: str
    score: float
    confidence_percentage: float
    risk_id: str
    risk: str
    recommendation: str


def assess(score: float, manifest: Manifest) -> Assessment:
    """Turn a malignancy score into its assessment.

    The score is given as the shortest decimal that names the network's float32, and never rounded further: rounding
    could lift 0.74999 to 0.75 and leave it beside the band below. A float32 on one side of a band's limit stays there.

    Parameters
    ----------
    score : float
        Malignancy score in [0, 1].
    manifest : Manifest
        Names the classes and the risk bands.
    """
    score = float(str(np.float32(score)))
    class_id: Literal[0, 1] = 1 if score >= MALIGNANT_FROM else 0
    probability = score if class_id == 1 else 1.0 - score
    band = next(band for band in manifest.risk_bands if score >= band.minimum)
    return Assessment(
        class_id=class_id,
        label=manifest.classes[str(class_id)],
        score=score,
        confidence_percentage=round(100.0 * probability, 2),
        risk_id=band.id,
        risk=band.label,
        recommendation=band.recommendation,
    )
