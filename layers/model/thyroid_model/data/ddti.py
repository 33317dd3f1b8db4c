"""Reader of DDTI, the public thyroid ultrasound set, from its published layout.

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
_PICTURE = re.compile(r"(\d+)_(\d+)\.jpe?g", re.IGNORECASE)
_REPORT = re.compile(r"(\d+)\.xml", re.IGNORECASE)
_VIEW = re.compile(r"[0-9]{1,6}")
_FAR = 1e5  # pixels

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Frame:
    """A frame and what the report says of it.

    Attributes
    ----------
    path : pathlib.Path
        The picture: a whole machine frame, with caption and rulers.
    case : int
        The case it belongs to. Frames of one case never go to both sides of a split.
    tirads : str
        As in the report, in lower case. One of the keys of `SUSPICIOUS` if the frame has a label; may be empty.
    outlines : tuple
        The nodules of this view: polygons, each of at least three corners ``(x, y)``, in pixels of the frame. Empty if
        the report has none that can be read.
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
        """Decode the picture: 8-bit RGB, shape (height, width, 3)."""
        return read_pixels(self.path)

    def mask(self) -> npt.NDArray[np.bool_]:
        """Fill the outlines: True in a nodule, shape (height, width) of the picture.

        Without `outlines` all is False, which does not mean that there is no nodule. What lies outside of the frame is
        cut off.
        """
        with Image.open(self.path) as picture:
            mask = Image.new("1", picture.size)
        draw = ImageDraw.Draw(mask)
        for outline in self.outlines:
            draw.polygon(list(outline), fill=1, outline=1)
        return np.asarray(mask)


@dataclass
class _Report:
    """What one XML file says; ``marked`` are the views that it speaks of."""

    there: bool = True
    readable: bool = True
    tirads: str = ""
    outlines: dict[int, tuple[Polygon, ...]] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)


def read(data: Path, findings: Findings | None = None, *, folds: int | None = None) -> list[Frame]:
    """List the labelled frames, in order of case and view.

    A frame whose very pixels are also another case's is left out: whose it is, and its label, cannot be known, and it
    could sit on both sides of a split.

    Parameters
    ----------
    data : pathlib.Path
        The set's folder, or the one that holds it as ``ddti``.
    findings : Findings, optional
        Gets every problem of the set and its counts.
    folds : int, optional
        How many cases each class needs; not checked if not given.

    Raises
    ------
    DataError
        If there is no such set, no frame has a label, or the rule in `thyroid_model.data.findings` says stop; the
        message says what was looked for or names the files.
    """
    findings = Findings() if findings is None else findings
    frames, listed = _inspect(data, findings)
    shared = shared_between_cases((of_pixels, frame.case) for frame, of_pixels in frames)
    used = []
    for frame, of_pixels in frames:
        if of_pixels in shared:
            name = _name(frame.path)
            twins = [_name(other.path) for other, same in frames if same == of_pixels and other.case != frame.case]
            findings.add(
                SET, Kind.DUPLICATE, name, f"It has the same pixels as {', '.join(twins)} of another case; left out."
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
    """List all frames that can be decoded, in order of case and view: without a label, and other cases' twins, too.

    The parameters and errors are those of `read`. Duplicates and counts of use are not reported: nothing is left out.
    """
    return [frame for frame, _ in _inspect(data, Findings() if findings is None else findings)[0]]


def find_root(data: Path) -> Path:
    """Return the folder with ``images`` and ``annotations``: ``data/ddti`` or ``data``.

    Raises
    ------
    DataError
        If neither is.
    """
    for root in (data / "ddti", data):
        if (root / "images").is_dir() and (root / "annotations").is_dir():
            return root
    raise DataError(
        f"No DDTI set in {data} or {data / 'ddti'}: a folder with images/N_k.jpg and annotations/N.xml is needed."
    )


def _inspect(data: Path, findings: Findings) -> tuple[list[tuple[Frame, str]], int]:
    """Return every frame with the digest of its pixels, and how many pictures the set lists.

    A picture is listed if it is there, if a report has a mark in it, or if its case has a report and no picture.
    """
    root = find_root(data)
    pictures = _pictures(root, findings)
    reports = _reports(root, findings)
    for case in sorted({case for case, _ in pictures} - set(reports)):
        findings.add(SET, Kind.MISSING, f"annotations/{case}.xml", "Its case has no report, so no label and outline.")
        reports[case] = _Report(there=False)

    damaged = set()
    frames = []
    for (case, view), path in pictures.items():
        report, name = reports[case], _name(path)
        if not (report.there and report.readable):
            damaged.add((case, view))
        try:
            of_pixels = digest(read_pixels(path))
        except DECODE_ERRORS as error:
            findings.add(SET, Kind.UNREADABLE, name, f"It is no whole picture: {error}")
            damaged.add((case, view))
            continue
        frame = Frame(path, case, report.tirads, report.outlines.get(view, ()))
        frames.append((frame, of_pixels))
        if report.there and report.readable:
            _report_gaps(frame, name, findings)

    absent = {(case, view) for case, report in reports.items() for view in report.marked} - set(pictures)
    for case, view in sorted(absent):
        findings.add(SET, Kind.MISSING, f"images/{case}_{view}.jpg", f"annotations/{case}.xml has a mark in it.")
    # Of a report without picture or mark the view is not known.
    bare = {case for case, report in reports.items() if not report.marked} - {case for case, _ in pictures}
    for case in sorted(bare):
        findings.add(SET, Kind.MISSING, f"images/{case}_*.jpg", f"annotations/{case}.xml has no picture.")
    missing = len(absent) + len(bare)
    findings.require_intact(SET, len(pictures) + missing, len(damaged) + missing)
    return frames, len(pictures) + missing


def _report_gaps(frame: Frame, name: str, findings: Findings) -> None:
    """Report what a readable report does not say of a frame."""
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


def _pictures(root: Path, findings: Findings) -> dict[tuple[int, int], Path]:
    """Return the picture files by case and view, in that order."""
    pictures: dict[tuple[int, int], Path] = {}
    for path in sorted((root / "images").iterdir()):
        match = _PICTURE.fullmatch(path.name)
        if not match:
            findings.add(SET, Kind.EXTRA, _name(path), "Its name is not of the form N_k.jpg; ignored.")
            continue
        view = int(match[1]), int(match[2])
        if view in pictures:
            findings.add(SET, Kind.DUPLICATE, _name(path), f"It is the same view as {_name(pictures[view])}; left out.")
        else:
            pictures[view] = path
    return dict(sorted(pictures.items()))


def _reports(root: Path, findings: Findings) -> dict[int, _Report]:
    reports: dict[int, _Report] = {}
    for path in sorted((root / "annotations").iterdir()):
        match = _REPORT.fullmatch(path.name)
        if not match:
            findings.add(SET, Kind.EXTRA, _name(path), "Its name is not of the form N.xml; ignored.")
        elif int(match[1]) in reports:
            findings.add(SET, Kind.DUPLICATE, _name(path), f"There is another report of case {match[1]}; left out.")
        else:
            reports[int(match[1])] = _parse(path, findings)
    return reports


def _parse(path: Path, findings: Findings) -> _Report:
    try:
        # The file comes from a public set that the user fetched.
        tree = ElementTree.parse(path)  # noqa: S314 - no entity is ever resolved from outside  # nosec B314
    except (OSError, SyntaxError, ValueError, LookupError) as error:  # broken, or of an encoding that nobody knows
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
    # The published files cut some marks off in the middle. With one nodule lost, the others are no outline of the view.
    for view in broken:
        report.outlines.pop(view, None)
    return report


def _outlines(svg: str) -> tuple[Polygon, ...]:
    """Return the polygons of a mark; arrows, which the set has too, have two points and are none.

    Raises
    ------
    ValueError, TypeError, KeyError, OverflowError, RecursionError
        If it is not the JSON that the set has.
    """
    regions = json.loads(svg) if svg.strip() else []
    polygons = (tuple((float(point["x"]), float(point["y"])) for point in region["points"]) for region in regions)
    outlines = tuple(polygon for polygon in polygons if len(polygon) >= 3)
    # Written so that what is not a number fails as well.
    if not all(abs(place) < _FAR for polygon in outlines for corner in polygon for place in corner):
        raise ValueError("A corner lies far from any picture.")
    return outlines


def _name(path: Path) -> str:
    """Return the file's name as findings have it: from the set's folder on."""
    return f"{path.parent.name}/{path.name}"
