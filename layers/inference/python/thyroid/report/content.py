"""What a report says, in words for people. Where the words stand is not known here."""

from thyroid.web.schemas import Region, ReportResponse

TITLE = "Thyroid ultrasound report"
NOTICE = "Research and education only, not a diagnosis"
NO_NAME = "none was given"
ESCAPED = "Characters that this page has no letters for are told by their Unicode numbers."
PICTURE = "The picture; dashed, the part that the network saw"
SCALE = "from 0, benign, to 1, malignant; from the middle on, the picture is called malignant"
MEANS_NOTHING = "The score of such a picture means nothing."


def score(report: ReportResponse) -> str:
    """Return the malignancy score with four places."""
    return f"{report.prediction.confidence_score:.4f}"


def verdict(report: ReportResponse) -> str:
    """Return the class with its probability."""
    return f"{report.prediction.label}, {report.prediction.confidence_percentage:.2f} %"


def input_check(report: ReportResponse) -> str:
    """Say whether the picture looks like what the model was trained on; if not, why, and what follows."""
    checked = report.input_check
    if checked.looks_like_ultrasound:
        return checked.detail
    return f"{checked.detail} {MEANS_NOTHING} ({', '.join(checked.reasons)})"


def overlay(report: ReportResponse) -> str:
    """Return what stands above the overlay."""
    if report.gradcam.has_evidence:
        return f"Where the network saw evidence for {report.gradcam.target}"
    return f"The network saw no evidence for {report.gradcam.target}"


def explanation(report: ReportResponse) -> str:
    """Say what the map shows, and where it shows nothing."""
    shown = report.gradcam
    if shown.has_evidence:
        return f"Grad-CAM at {shown.layer_used}, evidence for {shown.target}: from blue, none, to red, the strongest"
    return f"Grad-CAM at {shown.layer_used}: nothing there speaks for {shown.target}, so the map is blank"


def field_of_view(region: Region) -> str:
    """Return the part that the network saw, as corners and size in pixels."""
    width, height = region.right - region.left, region.bottom - region.top
    return f"{width} × {height} pixels, from ({region.left}, {region.top}) to ({region.right}, {region.bottom})"


def facts(report: ReportResponse) -> list[tuple[str, str]]:
    """Return what identifies picture, model and service, as names and values in the order of the page."""
    return [
        ("Picture", f"{report.picture.width} × {report.picture.height} pixels"),
        ("SHA-256 of its file", report.picture.sha256),
        ("Field of view", field_of_view(report.field_of_view)),
        ("Map", explanation(report)),
        ("Model", f"{report.model.name} {report.model.version}"),
        ("SHA-256 of the model", report.model.sha256),
        ("Service", report.code_version),
        ("Time", f"{report.timestamp} UTC"),
    ]
