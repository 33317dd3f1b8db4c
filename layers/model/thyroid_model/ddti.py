"""Reader of DDTI, the public thyroid ultrasound set, from its published layout.

``images/N_k.jpg`` is view ``k`` of case ``N``; ``annotations/N.xml`` is the radiologist's report of case ``N``.

Source: Pedraza et al., "An open access thyroid ultrasound image database", SPIE 9287 (2015),
https://doi.org/10.1117/12.2073532.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image

# TI-RADS as in Kwak et al., Radiology 260 (2011): 2 and 3 are benign or probably so, 4a and above suspicious.
SUSPICIOUS = {"2": 0, "3": 0, "4a": 1, "4b": 1, "4c": 1, "5": 1}
LABEL_DEFINITION = "radiological suspicion (TI-RADS 4a-5), not biopsy"
_NAME = re.compile(r"(\d+)_(\d+)\.jpe?g", re.IGNORECASE)


@dataclass(frozen=True)
class Frame:
    """A labelled frame.

    Attributes
    ----------
    path : pathlib.Path
        The picture: a whole machine frame, with caption and rulers.
    case : int
        The case it belongs to. Frames of one case never go to both sides of a split.
    tirads : str
        One of the keys of `SUSPICIOUS`.
    """

    path: Path
    case: int
    tirads: str

    @property
    def label(self) -> int:
        """1 if suspicious, else 0."""
        return SUSPICIOUS[self.tirads]

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode the picture: 8-bit RGB, shape (height, width, 3)."""
        return read_pixels(self.path)


def read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture file: 8-bit RGB, shape (height, width, 3)."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read(data: Path) -> list[Frame]:
    """List the labelled frames, in order of case and view.

    A frame whose very pixels are also another case's is left out: whose it is, and its label, cannot be known, and it
    could sit on both sides of a split.

    Parameters
    ----------
    data : pathlib.Path
        The set's folder, or the one that holds it as ``ddti``.

    Raises
    ------
    FileNotFoundError
        If there is no such set; the message says what was looked for.
    ValueError
        If no frame has a label, or a report cannot be read; the message names it.
    """
    root = find_root(data)
    pictures = [(path, case, _digest(path)) for path, case in _pictures(root)]
    cases: dict[str, set[int]] = {}
    for _, case, digest in pictures:
        cases.setdefault(digest, set()).add(case)

    frames = []
    for path, case, digest in pictures:
        tirads = _tirads(root / "annotations" / f"{case}.xml")
        if tirads in SUSPICIOUS and len(cases[digest]) == 1:
            frames.append(Frame(path, case, tirads))
    if not frames:
        raise ValueError(f"No frame in {root} has a TI-RADS label.")
    return frames


def find_root(data: Path) -> Path:
    """Return the folder with ``images`` and ``annotations``: ``data/ddti`` or ``data``.

    Raises
    ------
    FileNotFoundError
        If neither is.
    """
    for root in (data / "ddti", data):
        if (root / "images").is_dir() and (root / "annotations").is_dir():
            return root
    raise FileNotFoundError(
        f"No DDTI set in {data} or {data / 'ddti'}: a folder with images/N_k.jpg and annotations/N.xml is needed."
    )


def _pictures(root: Path) -> list[tuple[Path, int]]:
    numbered = []
    for path in (root / "images").iterdir():
        if match := _NAME.fullmatch(path.name):
            numbered.append((int(match[1]), int(match[2]), path))
    return [(path, case) for case, _, path in sorted(numbered)]


def _tirads(report: Path) -> str:
    if not report.is_file():
        return ""
    try:
        # The file comes from a public set that the user fetched; no entity is ever resolved from outside.
        text = ElementTree.parse(report).findtext("tirads")  # noqa: S314
    except ElementTree.ParseError as error:
        raise ValueError(f"{report} is not readable XML: {error}") from error
    return (text or "").strip().lower()


def _digest(path: Path) -> str:
    """Hash the decoded pixels: two files of different bytes may show the same."""
    pixels = read_pixels(path)
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()
