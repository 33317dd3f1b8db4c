"""Reader of BUS-BRA, a public dataset of biopsy-proven breast lesions, from its published layout.

``bus_data.csv`` lists the images (``ID``, ``Case``, ``Pathology``); ``Images/bus_0001-l.png`` is an image and
``Masks/mask_0001-l.png`` its mask. Lower-case folders, and masks named like the image, are accepted.

Source: Gómez-Flores, Gregorio-Calas, Coelho de Albuquerque Pereira, "BUS-BRA: A breast ultrasound dataset for assessing
computer-aided diagnosis systems", Medical Physics 51(4), 2024; https://doi.org/10.5281/zenodo.8231412.
"""

from pathlib import Path

from thyroid_model.data.findings import DataError, Findings
from thyroid_model.data.lesions import Lesion, Row, collect, read_table, report_extra

SET = "BUS-BRA"
TABLE = "bus_data.csv"


def read(data: Path, findings: Findings | None = None, *, folds: int | None = None) -> list[Lesion]:
    """List the labelled images, in the order of the table.

    Parameters
    ----------
    data : pathlib.Path
        The dataset's folder, or its parent folder, where it is named ``bus-bra`` or ``BUSBRA``.
    findings, folds
        As in `thyroid_model.data.lesions.collect`.

    Raises
    ------
    DataError
        If the dataset is not there, or the rule in `thyroid_model.data.findings` says stop.
    """
    findings = Findings() if findings is None else findings
    root = find_root(data)
    images, masks = _folder(root, "Images"), _folder(root, "Masks")
    rows = [
        Row(
            images=[images / f"{line['ID']}.png"],
            masks=[masks / f"mask_{line['ID'].removeprefix('bus_')}.png", masks / f"{line['ID']}.png"],
            group=line["Case"],
            label=line["Pathology"],
        )
        for line in read_table(root / TABLE, ("ID", "Case", "Pathology"))
    ]
    known = [path for row in rows for path in (*row.images, *row.masks)]
    report_extra(SET, root, (images, masks), known, findings)
    return collect(SET, root, rows, findings, folds)


def find_root(data: Path) -> Path:
    """Return the folder with ``bus_data.csv``: ``data/bus-bra``, ``data/BUSBRA`` or ``data``.

    Raises
    ------
    DataError
        If none of them has the file.
    """
    for root in (data / "bus-bra", data / "BUSBRA", data):
        if (root / TABLE).is_file():
            return root
    raise DataError(f"No BUS-BRA set in {data} or {data / 'bus-bra'}: a folder with {TABLE}, Images, Masks is needed.")


def _folder(root: Path, published: str) -> Path:
    for folder in (root / published, root / published.lower()):
        if folder.is_dir():
            return folder
    raise DataError(f"The BUS-BRA set in {root} has no folder {published}.")
