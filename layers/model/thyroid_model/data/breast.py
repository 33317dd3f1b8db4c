"""Reader of BrEaST, a public dataset of breast lesions with one image per patient.

Two layouts are read:

- as published: ``caseNNN.png`` and ``caseNNN_tumor.png`` in one folder, and the clinical spreadsheet exported as a CSV
  file, with its columns ``CaseID``, ``Image_filename``, ``Mask_tumor_filename`` and ``Classification``;
- as repackaged: ``manifest.csv`` with ``image``, ``label``, ``group``, ``mask`` and ``keep`` (0: leave it out); the
  paths are relative to the dataset's folder.

Images of normal tissue have no lesion and therefore no label; they are left out.

Source: Pawłowska et al., "Curated benchmark dataset for ultrasound based breast lesion analysis", Scientific Data 11,
2024, https://doi.org/10.1038/s41597-024-02984-z; data https://doi.org/10.7937/9WKK-Q141.
"""

from pathlib import Path

from thyroid_model.data.findings import DataError, Findings
from thyroid_model.data.lesions import Lesion, Row, collect, read_table, report_extra

SET = "BrEaST"
MANIFEST = "manifest.csv"
MANIFEST_COLUMNS = ("image", "label", "group", "mask")
PUBLISHED_COLUMNS = ("CaseID", "Image_filename", "Mask_tumor_filename", "Classification")
PUBLISHED_FOLDER = "BrEaST-Lesions_USG-images_and_masks"


def read(data: Path, findings: Findings | None = None, *, folds: int | None = None) -> list[Lesion]:
    """List the labelled images, in the order of the table.

    Parameters
    ----------
    data : pathlib.Path
        The dataset's folder, or its parent folder, where it is named ``breast`` or ``BrEaST``.
    findings, folds
        As in `thyroid_model.data.lesions.collect`.

    Raises
    ------
    DataError
        If the dataset is not there, or the rule in `thyroid_model.data.findings` says stop.
    """
    findings = Findings() if findings is None else findings
    table = find_table(data)
    root = table.parent
    if table.name == MANIFEST:
        rows, ignored = _manifest_rows(root, read_table(table, MANIFEST_COLUMNS))
        folders = [root / "images", root / "masks"]
        if absent := [folder.name for folder in folders if not folder.is_dir()]:
            raise DataError(f"The BrEaST set in {root} has no folder {', '.join(absent)}.")
    else:
        folder = root / PUBLISHED_FOLDER
        if not folder.is_dir():
            raise DataError(f"The BrEaST set in {root} has no folder {PUBLISHED_FOLDER}.")
        rows, ignored = _published_rows(folder, read_table(table, PUBLISHED_COLUMNS))
        folders = [folder]
    known = [path for row in rows for path in (*row.images, *row.masks)]
    report_extra(SET, root, folders, [*known, *ignored], findings)
    return collect(SET, root, rows, findings, folds)


def find_table(data: Path) -> Path:
    """Return the dataset's table: ``manifest.csv``, or the CSV file with the published columns.

    Raises
    ------
    DataError
        If none of ``data/breast``, ``data/BrEaST`` and ``data`` has one; the message says so if there is a spreadsheet
        that was not exported.
    """
    for root in (data / "breast", data / "BrEaST", data):
        # A repackaged BUS-BRA has a manifest with the same columns.
        if not root.is_dir() or (root / "bus_data.csv").exists():
            continue
        for table in sorted(root.glob("*.csv"), key=lambda path: (path.name != MANIFEST, path.name)):
            if _has_columns(table, MANIFEST_COLUMNS if table.name == MANIFEST else PUBLISHED_COLUMNS):
                return table
        if sheets := sorted(root.glob("*.xlsx")):
            raise DataError(f"Export {sheets[0]} as a CSV file beside it: spreadsheets are not read.")
    raise DataError(
        f"No BrEaST set in {data} or {data / 'breast'}: a folder with {MANIFEST} ({', '.join(MANIFEST_COLUMNS)}), or "
        f"with the clinical table as CSV ({', '.join(PUBLISHED_COLUMNS)}), is needed."
    )


def _has_columns(table: Path, columns: tuple[str, ...]) -> bool:
    try:
        read_table(table, columns)
    except DataError:
        return False
    return True


def _manifest_rows(root: Path, lines: list[dict[str, str]]) -> tuple[list[Row], list[Path]]:
    """Return the rows to use, and the files of the other rows, which belong to the dataset too."""
    rows, ignored = [], []
    for line in lines:
        image, masks = root / line["image"], [root / line["mask"]] if line["mask"] else []
        if line.get("keep", "1") == "0":
            ignored += [image, *masks]
        else:
            rows.append(Row([image], masks, line["group"], line["label"]))
    return rows, ignored


def _published_rows(folder: Path, lines: list[dict[str, str]]) -> tuple[list[Row], list[Path]]:
    """Return the rows, and the unused masks of findings that are not tumours (``caseNNN_otherK.png``)."""
    rows: list[Row] = []
    others: list[Path] = []
    files = sorted(folder.iterdir())
    for line in lines:
        masks = [folder / line["Mask_tumor_filename"]] if line["Mask_tumor_filename"] else []
        rows.append(Row([folder / line["Image_filename"]], masks, line["CaseID"], line["Classification"]))
        stem = Path(line["Image_filename"]).stem
        others += (path for path in files if path.name.startswith(f"{stem}_other") and path.suffix == ".png")
    return rows, others
