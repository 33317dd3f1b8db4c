"""Reader of BrEaST, a public set of breast lesions with one picture a patient.

Two layouts are read:

- as published: ``caseNNN.png`` and ``caseNNN_tumor.png`` in one folder, and the clinical spreadsheet exported as a CSV
  file, with its columns ``CaseID``, ``Image_filename``, ``Mask_tumor_filename`` and ``Classification``;
- as repackaged: ``manifest.csv`` with ``image``, ``label``, ``group``, ``mask`` and ``keep`` (0: leave it out), whose
  files are named from the set's folder on.

Pictures of normal tissue have no lesion and so no label; they are left out.

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
    """List the labelled pictures, in the order of the table.

    Parameters
    ----------
    data : pathlib.Path
        The set's folder, or the one that holds it as ``breast`` or ``BrEaST``.
    findings, folds
        As in `thyroid_model.data.lesions.collect`.

    Raises
    ------
    DataError
        If there is no such set, or the rule in `thyroid_model.data.findings` says stop.
    """
    findings = Findings() if findings is None else findings
    table = find_table(data)
    root = table.parent
    if table.name == MANIFEST:
        rows, left_aside = _manifest_rows(root, read_table(table, MANIFEST_COLUMNS))
        folders = [root / "images", root / "masks"]
        if absent := [folder.name for folder in folders if not folder.is_dir()]:
            raise DataError(f"The BrEaST set in {root} has no folder {', '.join(absent)}.")
    else:
        folder = root / PUBLISHED_FOLDER
        if not folder.is_dir():
            raise DataError(f"The BrEaST set in {root} has no folder {PUBLISHED_FOLDER}.")
        rows, left_aside = _published_rows(folder, read_table(table, PUBLISHED_COLUMNS))
        folders = [folder]
    known = [path for row in rows for path in (*row.images, *row.masks)]
    report_extra(SET, root, folders, [*known, *left_aside], findings)
    return collect(SET, root, rows, findings, folds)


def find_table(data: Path) -> Path:
    """Return the set's table: ``manifest.csv``, or the one CSV file with the published columns.

    Raises
    ------
    DataError
        If ``data/breast``, ``data/BrEaST`` and ``data`` have neither; the message says so if the spreadsheet is there
        but was not exported.
    """
    for root in (data / "breast", data / "BrEaST", data):
        # BUS-BRA, repackaged, has a manifest of the same columns.
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
    """Return the rows to keep, and the files of those that are not: they are of the set all the same."""
    rows, left_aside = [], []
    for line in lines:
        image, masks = root / line["image"], [root / line["mask"]] if line["mask"] else []
        if line.get("keep", "1") == "0":
            left_aside += [image, *masks]
        else:
            rows.append(Row([image], masks, line["group"], line["label"]))
    return rows, left_aside


def _published_rows(folder: Path, lines: list[dict[str, str]]) -> tuple[list[Row], list[Path]]:
    """Return the rows, and the masks of what is no tumour (``caseNNN_otherK.png``), which are not used."""
    rows: list[Row] = []
    others: list[Path] = []
    files = sorted(folder.iterdir())
    for line in lines:
        masks = [folder / line["Mask_tumor_filename"]] if line["Mask_tumor_filename"] else []
        rows.append(Row([folder / line["Image_filename"]], masks, line["CaseID"], line["Classification"]))
        stem = Path(line["Image_filename"]).stem
        others += (path for path in files if path.name.startswith(f"{stem}_other") and path.suffix == ".png")
    return rows, others
