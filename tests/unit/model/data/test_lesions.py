import csv
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thyroid import phantom
from thyroid_model.data import breast, bus_bra
from thyroid_model.data.findings import DataError, Findings, Kind
from thyroid_model.data.image_files import digest
from thyroid_model.data.lesions import Lesion

CASES = 20  # one bad image is not yet more than 5 %


@functools.cache
def image(seed: int) -> Image.Image:
    return Image.fromarray(phantom.make(seed, suspicious=False, height=64, width=80)).convert("L")


def write_image(path: Path, seed: int) -> None:
    image(seed).save(path)


def write_mask(path: Path, *, width: int = 80, empty: bool = False) -> None:
    mask = np.zeros((64, width), np.uint8)
    mask[10:30, 20:50] = 0 if empty else 255
    Image.fromarray(mask).save(path)


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def bus_rows() -> list[dict[str, str]]:
    """Patient 1 has two images."""
    return [
        {
            "ID": f"bus_{number:04}-l",
            "Case": str(max(1, number - 1)),
            "Pathology": "malignant" if number > CASES // 2 else "benign",
        }
        for number in range(1, CASES + 1)
    ]


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    """BUS-BRA as published."""
    root = tmp_path / "data" / "BUSBRA"
    (root / "Images").mkdir(parents=True)
    (root / "Masks").mkdir()
    write_table(root / "bus_data.csv", bus_rows())
    for number in range(1, CASES + 1):
        write_image(root / "Images" / f"bus_{number:04}-l.png", number)
        write_mask(root / "Masks" / f"mask_{number:04}-l.png")
    return root


def manifest_rows() -> list[dict[str, str]]:
    return [
        {
            "image": f"images/case{n:03}.png",
            "label": "malignant" if n > CASES // 2 else "benign",
            "group": f"breast_{n}",
            "mask": f"masks/case{n:03}.png",
            "keep": "1",
        }
        for n in range(1, CASES + 1)
    ]


@pytest.fixture
def repackaged(tmp_path: Path) -> Path:
    """BrEaST with a manifest."""
    root = tmp_path / "data" / "breast"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    write_table(root / "manifest.csv", manifest_rows())
    for n in range(1, CASES + 1):
        write_image(root / "images" / f"case{n:03}.png", n)
        write_mask(root / "masks" / f"case{n:03}.png")
    return root


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """BrEaST as published: the first case has another mask too, the last shows no lesion."""
    root = tmp_path / "BrEaST"
    folder = root / breast.PUBLISHED_FOLDER
    folder.mkdir(parents=True)
    rows = []
    for n in range(1, CASES + 1):
        normal = n == CASES
        write_image(folder / f"case{n:03}.png", n)
        if not normal:
            write_mask(folder / f"case{n:03}_tumor.png")
        rows.append(
            {
                "CaseID": str(n),
                "Image_filename": f"case{n:03}.png",
                "Mask_tumor_filename": "" if normal else f"case{n:03}_tumor.png",
                "Mask_other_filename": "case001_other1.png" if n == 1 else "",
                "Interpretation": "a cell\nof two lines; and, marks",
                "Classification": "normal" if normal else "malignant" if n > CASES // 2 else "benign",
            }
        )
    write_mask(folder / "case001_other1.png")
    write_table(root / "clinical data.csv", rows)
    return root


def found(findings: Findings) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.name) for finding in findings.findings]


def test_bus_bra_is_read_as_published(bus: Path) -> None:
    findings = Findings()

    lesions = bus_bra.read(bus, findings)

    images, masks = bus / "Images", bus / "Masks"
    assert lesions[0] == Lesion(images / "bus_0001-l.png", "1", 0, masks / "mask_0001-l.png")
    assert lesions[-1] == Lesion(images / "bus_0020-l.png", "19", 1, masks / "mask_0020-l.png")
    assert [lesion.group for lesion in lesions[:3]] == ["1", "1", "2"]
    assert findings.findings == []
    assert findings.as_dict()["BUS-BRA"]["used"] == CASES


def test_bus_bra_is_read_with_folders_in_lower_case_and_masks_named_like_the_image(bus: Path) -> None:
    for mask in (bus / "Masks").iterdir():
        mask.rename(mask.with_name(mask.name.replace("mask_", "bus_")))
    (bus / "Images").rename(bus / "images")
    (bus / "Masks").rename(bus / "masks")
    root = bus.rename(bus.with_name("bus-bra"))
    findings = Findings()

    lesions = bus_bra.read(root, findings)

    # On a file system that does not tell case apart the published names stay, and are right too.
    assert {str(lesion.path.parent.name).lower() for lesion in lesions} == {"images"}
    assert all(lesion.mask_path is not None for lesion in lesions)
    assert findings.findings == []


def test_each_set_is_found_from_its_own_folder_or_the_one_above(bus: Path, repackaged: Path) -> None:
    assert bus_bra.read(bus) == bus_bra.read(bus.parent)
    assert breast.read(repackaged) == breast.read(repackaged.parent)


def test_pixels_and_mask_are_those_of_the_files(bus: Path) -> None:
    lesion = bus_bra.read(bus)[0]

    pixels, mask = lesion.pixels(), lesion.mask()

    assert pixels.shape == (64, 80, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[..., 0], np.asarray(Image.open(lesion.path)))
    assert mask.shape == (64, 80)
    assert mask.dtype == np.bool_
    assert mask.sum() == mask[10:30, 20:50].sum() == 600


def test_breast_is_read_as_repackaged(repackaged: Path) -> None:
    findings = Findings()

    lesions = breast.read(repackaged, findings)

    image, mask = repackaged / "images" / "case001.png", repackaged / "masks" / "case001.png"
    assert lesions[0] == Lesion(image, "breast_1", 0, mask)
    assert [lesion.label for lesion in lesions] == [0] * 10 + [1] * 10
    assert findings.findings == []


def test_breast_is_read_as_published_and_leaves_normal_images_out(published: Path) -> None:
    findings = Findings()

    lesions = breast.read(published, findings)

    folder = published / breast.PUBLISHED_FOLDER
    assert lesions[0] == Lesion(folder / "case001.png", "1", 0, folder / "case001_tumor.png")
    assert len(lesions) == CASES - 1
    assert found(findings) == [(Kind.NO_LABEL, f"{breast.PUBLISHED_FOLDER}/case020.png")]


def test_a_table_with_semicolons_and_a_byte_order_mark_is_read(repackaged: Path) -> None:
    table = repackaged / "manifest.csv"
    table.write_text(table.read_text().replace(",", ";"), encoding="utf-8-sig")

    assert len(breast.read(repackaged)) == CASES


def test_an_image_that_the_manifest_does_not_keep_is_left_out(repackaged: Path) -> None:
    rows = manifest_rows()
    rows[0]["keep"] = "0"
    write_table(repackaged / "manifest.csv", rows)
    findings = Findings()

    assert len(breast.read(repackaged, findings)) == CASES - 1
    assert findings.findings == []


def test_a_missing_image_is_reported_and_left_out(bus: Path) -> None:
    (bus / "Images" / "bus_0003-l.png").unlink()
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 1
    assert found(findings) == [(Kind.MISSING, "Images/bus_0003-l.png")]
    assert (findings.counts["BUS-BRA"].listed, findings.counts["BUS-BRA"].found) == (CASES, CASES - 1)


@pytest.mark.parametrize("share", [0, 0.5])
def test_an_unreadable_image_is_reported_and_left_out(bus: Path, share: float) -> None:
    path = bus / "Images" / "bus_0003-l.png"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 1
    assert found(findings) == [(Kind.UNREADABLE, "Images/bus_0003-l.png")]


def test_files_that_the_table_does_not_list_are_reported_and_ignored(bus: Path) -> None:
    write_image(bus / "Images" / "bus_9999-l.png", 99)
    (bus / "Masks" / "Thumbs.db").write_bytes(b"")
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES
    assert found(findings) == [(Kind.EXTRA, "Images/bus_9999-l.png"), (Kind.EXTRA, "Masks/Thumbs.db")]


def test_images_of_the_same_pixels_under_two_patients_are_left_out_and_name_each_other(bus: Path) -> None:
    """Whatever the files: one has bytes that no decoder reads."""
    twin = (bus / "Images" / "bus_0005-l.png").read_bytes()
    (bus / "Images" / "bus_0015-l.png").write_bytes(twin + b"more")
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 2
    assert found(findings) == [
        (Kind.DUPLICATE, "Images/bus_0005-l.png"),
        (Kind.DUPLICATE, "Images/bus_0015-l.png"),
    ]
    assert "bus_0015-l.png" in findings.findings[0].sentence
    assert "bus_0005-l.png" not in findings.findings[0].sentence


def test_images_of_the_same_pixels_of_one_patient_stay(bus: Path) -> None:
    (bus / "Images" / "bus_0002-l.png").write_bytes((bus / "Images" / "bus_0001-l.png").read_bytes())

    assert len(bus_bra.read(bus)) == CASES


def test_of_two_lines_of_one_image_the_first_counts(bus: Path) -> None:
    rows = bus_rows()
    write_table(bus / "bus_data.csv", [*rows, {**rows[0], "Pathology": "malignant"}])
    findings = Findings()

    lesions = bus_bra.read(bus, findings)

    assert (len(lesions), lesions[0].label) == (CASES, 0)
    assert found(findings) == [(Kind.DUPLICATE, "Images/bus_0001-l.png")]


@pytest.mark.parametrize(
    ("text", "kind"), [("", Kind.NO_LABEL), ("normal", Kind.NO_LABEL), ("unsure", Kind.UNKNOWN_LABEL)]
)
def test_an_image_without_a_known_label_is_reported_and_left_out(bus: Path, text: str, kind: Kind) -> None:
    rows = bus_rows()
    rows[2]["Pathology"] = text
    write_table(bus / "bus_data.csv", rows)
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 1
    assert found(findings) == [(kind, "Images/bus_0003-l.png")]


def _remove(mask: Path) -> None:
    mask.unlink()


def _break(mask: Path) -> None:
    mask.write_bytes(b"no image")


def _empty(mask: Path) -> None:
    write_mask(mask, empty=True)


def _narrow(mask: Path) -> None:
    write_mask(mask, width=60)


@pytest.mark.parametrize(
    ("spoil", "kind", "name"),
    [
        (_remove, Kind.MISSING, "Masks/mask_0003-l.png"),
        (_break, Kind.UNREADABLE, "Masks/mask_0003-l.png"),
        (_empty, Kind.NO_OUTLINE, "Images/bus_0003-l.png"),
        (_narrow, Kind.NO_OUTLINE, "Images/bus_0003-l.png"),
    ],
)
def test_an_image_without_a_usable_mask_is_reported_and_used_without_outline(
    bus: Path, spoil: Callable[[Path], None], kind: Kind, name: str
) -> None:
    spoil(bus / "Masks" / "mask_0003-l.png")
    findings = Findings()

    lesion = bus_bra.read(bus, findings)[2]

    assert lesion.mask_path is None
    assert lesion.mask().shape == (64, 80)
    assert not lesion.mask().any()
    assert found(findings) == [(kind, name)]
    assert (findings.counts["BUS-BRA"].used, findings.counts["BUS-BRA"].with_outline) == (CASES, CASES - 1)


def test_an_image_whose_line_names_no_mask_is_used_without_outline(repackaged: Path) -> None:
    rows = manifest_rows()
    rows[2]["mask"] = ""
    write_table(repackaged / "manifest.csv", rows)
    findings = Findings()

    assert breast.read(repackaged, findings)[2].mask_path is None
    assert (Kind.NO_OUTLINE, "images/case003.png") in found(findings)


def test_a_damaged_set_stops_with_every_name(bus: Path) -> None:
    (bus / "Images" / "bus_0003-l.png").unlink()
    (bus / "Masks" / "mask_0004-l.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"2 of 20 images.*Images/bus_0003-l\.png.*Masks/mask_0004-l\.png"):
        bus_bra.read(bus)


def test_two_missing_masks_of_twenty_stop(bus: Path) -> None:
    for number in (3, 4):
        (bus / "Masks" / f"mask_{number:04}-l.png").unlink()

    with pytest.raises(DataError, match="2 of 20 images"):
        bus_bra.read(bus)


def test_an_image_too_large_to_decode_is_reported_and_left_out(bus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("1", (300, 300)).save(bus / "Images" / "bus_0003-l.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 80)
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 1
    assert found(findings) == [(Kind.UNREADABLE, "Images/bus_0003-l.png")]


def test_a_png_with_a_broken_chunk_is_reported_and_left_out(bus: Path) -> None:
    path = bus / "Images" / "bus_0003-l.png"
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT")] = 0
    path.write_bytes(content)
    findings = Findings()

    assert len(bus_bra.read(bus, findings)) == CASES - 1
    assert found(findings) == [(Kind.UNREADABLE, "Images/bus_0003-l.png")]


def test_images_of_the_same_bytes_and_another_shape_are_no_duplicates() -> None:
    assert digest(np.zeros((2, 6, 3), np.uint8)) != digest(np.zeros((3, 4, 3), np.uint8))


def test_a_class_with_fewer_patients_than_folds_stops(bus: Path) -> None:
    assert len(bus_bra.read(bus, folds=9)) == CASES
    with pytest.raises(DataError, match="9 cases of class 0 remain, fewer than the 10 folds"):
        bus_bra.read(bus, folds=10)


def test_a_set_without_any_label_stops(bus: Path) -> None:
    write_table(bus / "bus_data.csv", [{**row, "Pathology": ""} for row in bus_rows()])

    with pytest.raises(DataError, match="benign or malignant"):
        bus_bra.read(bus)


def test_a_folder_without_the_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"bus_data\.csv"):
        bus_bra.read(tmp_path)
    with pytest.raises(DataError, match=r"manifest\.csv.*Image_filename"):
        breast.read(tmp_path)


@pytest.mark.parametrize("folder", ["Images", "Masks"])
def test_a_missing_folder_of_bus_bra_is_named(bus: Path, folder: str) -> None:
    (bus / folder).rename(bus / "elsewhere")

    with pytest.raises(DataError, match=folder):
        bus_bra.read(bus)


def test_a_missing_folder_of_breast_is_named(repackaged: Path, published: Path) -> None:
    (repackaged / "masks").rename(repackaged / "elsewhere")
    (published / breast.PUBLISHED_FOLDER).rename(published / "elsewhere")

    with pytest.raises(DataError, match="masks"):
        breast.read(repackaged)
    with pytest.raises(DataError, match=breast.PUBLISHED_FOLDER):
        breast.read(published)


def test_a_name_that_no_file_can_have_is_missing(bus: Path, published: Path) -> None:
    for table, old, new in (
        (bus / "bus_data.csv", "bus_0001-l", "x" * 300),
        (published / "clinical data.csv", ",case002.png", f",a**{'b' * 300}.png"),
    ):
        text = table.read_text()
        assert old in text
        table.write_text(text.replace(old, new))

    for read, data in ((bus_bra.read, bus), (breast.read, published)):
        findings = Findings()
        read(data, findings)
        assert [finding.kind for finding in findings.findings].count(Kind.MISSING) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ID,Case\nbus_0001-l,1\n", "no column Pathology"),
        (b"ID,Case,Pathology\n", "lists no image"),
        (b"ID,Case,Pathology\n\xff\xfe\n", "not a readable table"),
        (b"ID," + b"x" * 200_000 + b"\n", "not a readable table"),
        (b"ID,Case,Pathology\n" + b"x" * 200_000 + b"\n", "not a readable table"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(bus: Path, content: bytes, said: str) -> None:
    (bus / "bus_data.csv").write_bytes(content)

    with pytest.raises(DataError, match=rf"bus_data\.csv.*{said}"):
        bus_bra.read(bus)


def test_a_spreadsheet_that_was_not_exported_is_named(tmp_path: Path) -> None:
    (tmp_path / "clinical.xlsx").write_bytes(b"")

    with pytest.raises(DataError, match=r"Export .*clinical\.xlsx"):
        breast.read(tmp_path)


def test_bus_bra_with_a_manifest_is_not_taken_for_breast(bus: Path) -> None:
    write_table(bus / "manifest.csv", manifest_rows())

    with pytest.raises(DataError, match="No BrEaST set"):
        breast.read(bus)
