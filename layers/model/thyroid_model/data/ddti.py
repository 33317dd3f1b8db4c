"""Reader of DDTI, a public thyroid ultrasound dataset, from its published layout.

``images/N_k.jpg`` is view ``k`` of case ``N``; ``annotations/N.xml`` is the radiologist's report of case ``N``, with
TI-RADS and, for each view, the outlines of the nodules as JSON:
``<mark><image>k</image><svg>[{"points": [{"x": 1, "y": 2}, …], "regionType": "freehand"}]</svg></mark>``.

Source: Pedraza et al., "An open access thyroid ultrasound image database", SPIE 9287 (2015),
https://doi.org/10.1117/12.2073532.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree  # nosec B405

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from thyroid_model.data.findings import Counts, DataError, Findings, Kind
from thyroid_model.data.image_files import DECODE_ERRORS, digest, read_pixels, shared_between_cases

SET = "DDTI"
# TI-RADS as in Kwak et al., Radiology 260 (2011): 2 and 3 are benign or probably so, 4a and above suspicious.
SUSPICIOUS = {"2": 0, "3": 0, "4a": 1, "4b": 1, "4c": 1, "5": 1}
LABEL_DEFINITION = "radiological suspicion (TI-RADS 4a-5), not biopsy"
_IMAGE_NAME = re.compile(r"(\d+)_(\d+)\.jpe?g", re.IGNORECASE)
_REPORT_NAME = re.compile(r"(\d+)\.xml", re.IGNORECASE)
_VIEW = re.compile(r"[0-9]{1,6}")
_MAX_COORDINATE = 1e5  # pixels

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Frame:
    """A frame, with the TI-RADS category and the outlines of its report.

    Attributes
    ----------
    path : pathlib.Path
        The image file: a whole frame of the ultrasound machine, with caption and rulers.
    case : int
        The case that it belongs to. Frames of one case are always on the same side of a split.
    tirads : str
        As in the report, in lower case. One of the keys of `SUSPICIOUS` if the frame has a label; may be empty.
    outlines : tuple
        The nodules of this view: polygons of at least three corners ``(x, y)``, in pixels of the frame. Empty if the
        report has no readable outline.
    """

    path: Path
    case: int
    tirads: str
    outlines: tuple[Polygon, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether the report gives a TI-RADS category that `SUSPICIOUS` knows."""
        return self.tirads in SUSPICIOUS

    @property
    def label(self) -> int:
        """1 if suspicious, else 0.

        Raises
        ------
        ValueError
            If the frame is not `labelled`.
        """
        if not self.labelled:
            raise ValueError(f"{self.path} has no TI-RADS label.")
        return SUSPICIOUS[self.tirads]

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode the image: uint8 RGB, shape (height, width, 3); the errors are those of `read_pixels`."""
        return read_pixels(self.path)

    def mask(self) -> npt.NDArray[np.bool_]:
        """Rasterise the outlines: True inside a nodule, shape (height, width) of the image.

        Without `outlines` all is False, which does not mean that there is no nodule. Parts outside of the frame are
        clipped.
        """
        with Image.open(self.path) as image:
            mask = Image.new("1", image.size)
        draw = ImageDraw.Draw(mask)
        for outline in self.outlines:
            draw.polygon(list(outline), fill=1, outline=1)
        return np.asarray(mask)


@dataclass
class _Report:
    """Content of one XML file; ``marked`` are the views that it mentions."""

    exists: bool = True
    readable: bool = True
    tirads: str = ""
    outlines: dict[int, tuple[Polygon, ...]] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)


def read(data: Path, findings: Findings | None = None, *, folds: int | None = None) -> list[Frame]:
    """List the labelled frames, in order of case and view.

    A frame that has the same pixels as a frame of another case is left out: its case and label are ambiguous, and it
    could be on both sides of a split.

    Parameters
    ----------
    data : pathlib.Path
        The dataset's folder, or its parent folder, where it is named ``ddti``.
    findings : Findings, optional
        Receives every problem of the dataset, and its counts.
    folds : int, optional
        Number of cases that each class needs; not checked by default.

    Raises
    ------
    DataError
        If the dataset is not there, no frame has a label, or the rule in `thyroid_model.data.findings` says stop; the
        message says what was expected or names the files.
    """
    findings = Findings() if findings is None else findings
    frames, listed = _inspect(data, findings)
    shared = shared_between_cases((pixel_digest, frame.case) for frame, pixel_digest in frames)
    used = []
    for frame, pixel_digest in frames:
        if pixel_digest in shared:
            name = _name(frame.path)
            duplicates = [
                _name(other.path) for other, same in frames if same == pixel_digest and other.case != frame.case
            ]
            findings.add(
                SET,
                Kind.DUPLICATE,
                name,
                f"It has the same pixels as {', '.join(duplicates)} of another case; left out.",
            )
        elif frame.labelled:
            used.append(frame)
    findings.counts[SET] = Counts(listed, len(frames), len(used), sum(bool(frame.outlines) for frame in used))
    if not used:
        raise DataError(f"No frame in {find_root(data)} has a TI-RADS label.")
    if folds is not None:
        findings.require_cases(SET, [(frame.case, frame.label) for frame in used], folds)
    return used


def read_all(data: Path, findings: Findings | None = None) -> list[Frame]:
    """List all frames that can be decoded, in order of case and view: unlabelled and duplicate ones too.

    The parameters and errors are those of `read`. Duplicates and counts are not reported: nothing is left out.
    """
    return [frame for frame, _ in _inspect(data, Findings() if findings is None else findings)[0]]


def find_root(data: Path) -> Path:
    """Return the folder with ``images`` and ``annotations``: ``data/ddti`` or ``data``.

    Raises
    ------
    DataError
        If neither has them.
    """
    for root in (data / "ddti", data):
        if (root / "images").is_dir() and (root / "annotations").is_dir():
            return root
    raise DataError(
        f"No DDTI set in {data} or {data / 'ddti'}: a folder with images/N_k.jpg and annotations/N.xml is needed."
    )


def _inspect(data: Path, findings: Findings) -> tuple[list[tuple[Frame, str]], int]:
    """Return every frame with the digest of its pixels, and the number of images that the dataset lists.

    An image is listed if the file exists, if a report marks it, or if its case has a report and no image.
    """
    root = find_root(data)
    files = _image_files(root, findings)
    reports = _reports(root, findings)
    for case in sorted({case for case, _ in files} - set(reports)):
        findings.add(SET, Kind.MISSING, f"annotations/{case}.xml", "Its case has no report, so no label and outline.")
        reports[case] = _Report(exists=False)

    damaged = set()
    frames = []
    for (case, view), path in files.items():
        report, name = reports[case], _name(path)
        if not (report.exists and report.readable):
            damaged.add((case, view))
        try:
            pixel_digest = digest(read_pixels(path))
        except DECODE_ERRORS as error:
            findings.add(SET, Kind.UNREADABLE, name, f"It cannot be decoded: {error}")
            damaged.add((case, view))
            continue
        frame = Frame(path, case, report.tirads, report.outlines.get(view, ()))
        frames.append((frame, pixel_digest))
        if report.exists and report.readable:
            _report_gaps(frame, name, findings)

    absent = {(case, view) for case, report in reports.items() for view in report.marked} - set(files)
    for case, view in sorted(absent):
        findings.add(SET, Kind.MISSING, f"images/{case}_{view}.jpg", f"annotations/{case}.xml has a mark in it.")
    # The view of a report without image or mark is unknown.
    bare = {case for case, report in reports.items() if not report.marked} - {case for case, _ in files}
    for case in sorted(bare):
        findings.add(SET, Kind.MISSING, f"images/{case}_*.jpg", f"annotations/{case}.xml has no image.")
    missing = len(absent) + len(bare)
    findings.require_intact(SET, len(files) + missing, len(damaged) + missing)
    return frames, len(files) + missing


def _report_gaps(frame: Frame, name: str, findings: Findings) -> None:
    """Add a finding for each of label and outline that a readable report lacks."""
    if not frame.tirads:
        findings.add(SET, Kind.NO_LABEL, name, "Its report gives no TI-RADS category.")
    elif not frame.labelled:
        findings.add(
            SET,
            Kind.UNKNOWN_LABEL,
            name,
            f"Its report says TI-RADS {frame.tirads!r}, not one of {', '.join(SUSPICIOUS)}.",
        )
    if not frame.outlines:
        findings.add(SET, Kind.NO_OUTLINE, name, "Its report has no outline of this view that can be read.")


def _image_files(root: Path, findings: Findings) -> dict[tuple[int, int], Path]:
    """Return the image files by case and view, in that order."""
    files: dict[tuple[int, int], Path] = {}
    for path in sorted((root / "images").iterdir()):
        match = _IMAGE_NAME.fullmatch(path.name)
        if not match:
            findings.add(SET, Kind.EXTRA, _name(path), "Its name is not of the form N_k.jpg; ignored.")
            continue
        view = int(match[1]), int(match[2])
        if view in files:
            findings.add(SET, Kind.DUPLICATE, _name(path), f"It is the same view as {_name(files[view])}; left out.")
        else:
            files[view] = path
    return dict(sorted(files.items()))


def _reports(root: Path, findings: Findings) -> dict[int, _Report]:
    reports: dict[int, _Report] = {}
    for path in sorted((root / "annotations").iterdir()):
        match = _REPORT_NAME.fullmatch(path.name)
        if not match:
            findings.add(SET, Kind.EXTRA, _name(path), "Its name is not of the form N.xml; ignored.")
        elif int(match[1]) in reports:
            findings.add(SET, Kind.DUPLICATE, _name(path), f"There is another report of case {match[1]}; left out.")
        else:
            reports[int(match[1])] = _parse(path, findings)
    return reports


def _parse(path: Path, findings: Findings) -> _Report:
    try:
        # The file comes from a public dataset that the user fetched.
        tree = ElementTree.parse(path)  # noqa: S314 - no entity is ever resolved from outside  # nosec B314
    except (OSError, SyntaxError, ValueError, LookupError) as error:  # broken, or of an unknown encoding
        findings.add(SET, Kind.UNREADABLE, _name(path), f"It is not readable XML, so no label and outline: {error}")
        return _Report(readable=False)

    report = _Report(tirads=(tree.findtext("tirads") or "").strip().lower())
    broken = set()
    for mark in tree.iterfind("mark"):
        number = (mark.findtext("image") or "").strip()
        if not _VIEW.fullmatch(number):
            continue
        view = int(number)
        report.marked.add(view)
        try:
            outlines = _outlines(mark.findtext("svg") or "")
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            broken.add(view)
        else:
            report.outlines[view] = report.outlines.get(view, ()) + outlines
    # Some marks are truncated in the published files. With one nodule lost, the other outlines are incomplete.
    for view in broken:
        report.outlines.pop(view, None)
    return report


def _outlines(svg: str) -> tuple[Polygon, ...]:
    """Return the polygons of a mark, without arrows, which have two points.

    Raises
    ------
    ValueError, TypeError, KeyError, OverflowError, RecursionError
        If it is not the expected JSON.
    """
    regions = json.loads(svg) if svg.strip() else []
    polygons = (tuple((float(point["x"]), float(point["y"])) for point in region["points"]) for region in regions)
    outlines = tuple(polygon for polygon in polygons if len(polygon) >= 3)
    # A NaN fails this comparison as well.
    if not all(abs(value) < _MAX_COORDINATE for polygon in outlines for corner in polygon for value in corner):
        raise ValueError("A corner is far outside of any image.")
    return outlines


def _name(path: Path) -> str:
    """Return the file's path relative to the dataset's folder, as findings name it."""
    return f"{path.parent.name}/{path.name}"
