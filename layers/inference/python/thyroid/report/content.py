"""What a report says, in words for people. Where the words stand is not known here."""

from datetime import datetime

from thyroid.core import explain
from thyroid.core.analysis import Analysis
from thyroid.core.field_of_view import Box

TITLE = "Thyroid ultrasound report"
NOTICE = "Research and education only, not a diagnosis"
NO_NAME = "none was given"
ESCAPED = "Characters that this page has no letters for are told by their Unicode numbers."
IMAGE = "The image; dashed, the part that the network saw"
SCALE = "from 0, benign, to 1, malignant; from the middle on, the image is called malignant"
MEANS_NOTHING = "The score of such an image means nothing."


def score(analysis: Analysis) -> str:
    """Return the malignancy score with four places."""
    return f"{analysis.assessment.score:.4f}"


def verdict(analysis: Analysis) -> str:
    """Return the class with its probability."""
    return f"{analysis.assessment.label}, {analysis.assessment.confidence_percentage:.2f} %"


def input_check(analysis: Analysis) -> str:
    """Say whether the image looks like what the model was trained on; if not, why, and what follows."""
    checked = analysis.input_check
    if checked.looks_like_ultrasound:
        return checked.detail
    return f"{checked.detail} {MEANS_NOTHING} ({', '.join(checked.reasons)})"


def overlay(explanation: explain.Explanation) -> str:
    """Return what stands above the overlay."""
    if explanation.has_evidence:
        return f"Where the network saw evidence for {explanation.target}"
    return f"The network saw no evidence for {explanation.target}"


def legend(explanation: explain.Explanation) -> str:
    """Say what the map shows, and where it shows nothing."""
    where, target = f"Grad-CAM at {explanation.layer_used}", explanation.target
    if explanation.has_evidence:
        return f"{where}, evidence for {target}: from blue, none, to red, the strongest"
    return f"{where}: nothing there speaks for {target}, so the map is blank"


def time(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def field_of_view(box: Box) -> str:
    """Return the part that the network saw, as corners and size in pixels."""
    return f"{box.width} × {box.height} pixels, from ({box.left}, {box.top}) to ({box.right}, {box.bottom})"


def facts(analysis: Analysis, explanation: explain.Explanation) -> list[tuple[str, str]]:
    """Return what identifies image, model and service, as names and values in the order of the page."""
    return [
        ("Image", f"{analysis.image.width} × {analysis.image.height} pixels"),
        ("SHA-256 of its file", analysis.image.sha256),
        ("Field of view", field_of_view(analysis.field_of_view)),
        ("Map", legend(explanation)),
        ("Model", f"{analysis.model.name} {analysis.model.version}"),
        ("SHA-256 of the model", analysis.model.sha256),
        ("Service", analysis.code_version),
        ("Time", time(analysis.time)),
    ]
