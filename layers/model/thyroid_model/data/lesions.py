"""Breast lesions for pre-training: common code of the readers `bus_bra` and `breast`."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thyroid_model.data.findings import Counts, DataError, Findings, Kind
from thyroid_model.data.image_files import DECODE_ERRORS, digest, read_mask, read_pixels, shared_between_cases

LABELS = {"benign": 0, "malignant": 1}
_NORMAL = "normal"


@dataclass(frozen=True)
class Lesion:
    """A labelled image of a breast lesion.

    Attributes
    ----------
    path : pathlib.Path
        The image file.
    group : str
        The patient, as the dataset names them. Images of one patient are always on the same side of a split.
    label : int
        0 benign, 1 malignant; by biopsy, or in BrEaST for some benign ones by follow-up.
    mask_path : pathlib.Path or None
        The mask file, white inside the lesion; None if there is no usable one.
    """

    path: Path
    group: str
    label: int
    mask_path: Path | None

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode the image: uint8 RGB, shape (height, width, 3); the errors are those of `read_pixels`."""
        return read_pixels(self.path)

    def mask(self) -> npt.NDArray[np.bool_]:
        """Decode the mask: True inside the lesion, shape (height, width) of the image.

        Without `mask_path` all is False, which does not mean that there is no lesion.
        """
        if self.mask_path is None:
            return np.zeros(self.pixels().shape[:2], dtype=np.bool_)
        return read_mask(self.mask_path)


@dataclass(frozen=True)
class Row:
    """A row of a dataset's table.

    Attributes
    ----------
    images, masks : sequence of pathlib.Path
        Candidate paths, in the published layout or another; the first one that exists is used. No masks: none is
        listed.
    group, label : str
        As in the table.
    """

    images: Sequence[Path]
    masks: Sequence[Path]
    group: str
    label: str


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Read a CSV file with a header, separated by commas or, as spreadsheets export in many countries, semicolons.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8.
    columns : iterable of str
        Required columns.

    Returns
    -------
    list of dict
        One for each row; a missing cell is an empty string.

    Raises
    ------
    DataError
        If it is unreadable, has no row or lacks a column; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable table: {error}") from error
    header = text.partition("\n")[0]
    lines = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ","
    )
    try:
        missing = [column for column in columns if column not in (lines.fieldnames or ())]
        rows = [{name: (cell or "").strip() for name, cell in line.items() if isinstance(name, str)} for line in lines]
    except csv.Error as error:
        raise DataError(f"{path} is not a readable table: {error}") from error
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}.")
    if not rows:
        raise DataError(f"{path} lists no image.")
    return rows


def collect(
    dataset: str, root: Path, rows: Sequence[Row], findings: Findings, folds: int | None = None
) -> list[Lesion]:
    """Check the rows of a table against the files, and return the usable lesions in the order of the table.

    An image that has the same pixels as an image of another patient is left out, as is a second row of the same image.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    root : pathlib.Path
        The dataset's folder.
    rows : sequence of Row
        All rows of the table.
    findings : Findings
        Receives every problem, and the counts.
    folds : int, optional
        Number of patients that each class needs; not checked by default.

    Raises
    ------
    DataError
        If the rule in `thyroid_model.data.findings` says stop, or no image has a label; the message names the files.
    """
    check = _Check(dataset, root, findings)
    readable = list(check.decode(rows))
    findings.require_intact(dataset, len(check.seen), len(check.damaged))

    shared = shared_between_cases((pixel_digest, lesion.group) for _, lesion, pixel_digest in readable)
    used = []
    for text, lesion, pixel_digest in readable:
        name = check.name(lesion.path)
        if pixel_digest in shared:
            duplicates = [
                check.name(other.path)
                for _, other, same in readable
                if same == pixel_digest and other.group != lesion.group
            ]
            findings.add(
                dataset,
                Kind.DUPLICATE,
                name,
                f"It has the same pixels as {', '.join(duplicates)} of another patient; left out.",
            )
        elif text in LABELS:
            used.append(lesion)
    findings.counts[dataset] = Counts(
        len(check.seen), len(readable), len(used), sum(lesion.mask_path is not None for lesion in used)
    )
    if not used:
        raise DataError(f"No image in {root} is labelled {' or '.join(LABELS)}.")
    if folds is not None:
        findings.require_cases(dataset, [(lesion.group, lesion.label) for lesion in used], folds)
    return used


def report_extra(dataset: str, root: Path, folders: Iterable[Path], known: Iterable[Path], findings: Findings) -> None:
    """Add a finding for each file of these folders that is not known."""
    expected = set(known)
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path not in expected:
                findings.add(
                    dataset, Kind.EXTRA, path.relative_to(root).as_posix(), "The table does not list it; ignored."
                )


class _Check:
    """Checks the files that a table lists, and adds findings."""

    def __init__(self, dataset: str, root: Path, findings: Findings) -> None:
        self.dataset, self.root, self.findings = dataset, root, findings
        self.seen: set[Path] = set()
        self.damaged: set[Path] = set()

    def name(self, path: Path) -> str:
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()

    def add(self, kind: Kind, path: Path, sentence: str) -> None:
        self.findings.add(self.dataset, kind, self.name(path), sentence)

    def decode(self, rows: Iterable[Row]) -> Iterator[tuple[str, Lesion, str]]:
        """Yield of each image that can be decoded: the label's text, the lesion and the digest of its pixels."""
        for row in rows:
            path = _first(row.images)
            if path in self.seen:
                self.add(Kind.DUPLICATE, path, "The table lists it more than once; the first row counts.")
                continue
            self.seen.add(path)
            if not _exists(path):
                self.add(Kind.MISSING, path, "The table lists it, but it is not there.")
                self.damaged.add(path)
                continue
            try:
                pixels = read_pixels(path)
            except DECODE_ERRORS as error:
                self.add(Kind.UNREADABLE, path, f"It cannot be decoded: {error}")
                self.damaged.add(path)
                continue
            text = row.label.lower()
            self.check_label(path, text)
            mask = self.usable_mask(path, row, pixels.shape[:2]) if text != _NORMAL else None
            # The number is arbitrary where the text is no label: `collect` leaves the image out.
            yield text, Lesion(path, row.group, LABELS.get(text, 0), mask), digest(pixels)

    def check_label(self, path: Path, text: str) -> None:
        if text in ("", _NORMAL):
            why = "shows no lesion" if text else "has no label"
            self.add(Kind.NO_LABEL, path, f"By the table it {why}; left out.")
        elif text not in LABELS:
            self.add(Kind.UNKNOWN_LABEL, path, f"The table says {text!r}, not {' or '.join(LABELS)}; left out.")

    def usable_mask(self, path: Path, row: Row, size: tuple[int, ...]) -> Path | None:
        if not row.masks:
            self.add(Kind.NO_OUTLINE, path, "The table lists no mask of it.")
            return None
        mask_path = _first(row.masks)
        if not _exists(mask_path):
            self.add(Kind.MISSING, mask_path, f"It is the mask of {self.name(path)}, which is used without outline.")
            self.damaged.add(path)
            return None
        try:
            mask = read_mask(mask_path)
        except DECODE_ERRORS as error:
            self.add(Kind.UNREADABLE, mask_path, f"{self.name(path)} is used without outline: {error}")
            self.damaged.add(path)
            return None
        if mask.shape != size or not mask.any():
            why = "is empty" if mask.shape == size else f"is of another size, {mask.shape} instead of {tuple(size)}"
            self.add(Kind.NO_OUTLINE, path, f"Its mask {why}.")
            return None
        return mask_path


def _first(paths: Sequence[Path]) -> Path:
    """Return the first path that exists, else the first one, which the findings name."""
    return next((path for path in paths if _exists(path)), paths[0])


def _exists(path: Path) -> bool:
    """Return False for invalid file names, for which ``Path.exists`` raises."""
    return os.path.exists(path)  # noqa: PTH110 - it does not raise
