import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thyroid import phantom
from thyroid_model.data import ddti
from thyroid_model.data.findings import DataError, Findings, Kind

AddCase = Callable[..., None]
SQUARE = '[{"points": [{"x": 10, "y": 20}, {"x": 19, "y": 20}, {"x": 19, "y": 29}, {"x": 10, "y": 29}]}]'
TRIANGLE = '[{"points": [{"x": 40, "y": 40}, {"x": 60, "y": 40}, {"x": 50, "y": 60}], "regionType": "freehand"}]'
ARROW = '[{"points": [{"x": 1, "y": 1}, {"x": 9, "y": 9}], "regionType": "arrow"}]'


@functools.cache
def image(seed: int) -> Image.Image:
    return Image.fromarray(phantom.make(seed, suspicious=False, height=64, width=64))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder in the set's published layout, without a case."""
    root = tmp_path / "data" / "ddti"
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    return root


@pytest.fixture
def add_case(root: Path) -> AddCase:
    def add(case: int, tirads: str, *seeds: int, marks: tuple[tuple[int, str], ...] = ((1, SQUARE),)) -> None:
        drawn = "".join(f"<mark><image>{view}</image><svg>{svg}</svg></mark>" for view, svg in marks)
        (root / "annotations" / f"{case}.xml").write_text(
            f"<case><number>{case}</number><age></age><tirads>{tirads}</tirads>{drawn}</case>"
        )
        for view, seed in enumerate(seeds, start=1):
            image(seed).save(root / "images" / f"{case}_{view}.jpg", quality=95)

    return add


@pytest.fixture
def twenty(add_case: AddCase) -> None:
    """Twenty good cases, 101 to 120: one bad image more is not yet more than 5 %."""
    for case in range(101, 121):
        add_case(case, "2" if case <= 110 else "5", case)


def found(findings: Findings) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.name) for finding in findings.findings]


def test_frames_come_with_case_and_label_in_order_of_case_and_view(root: Path, add_case: AddCase) -> None:
    add_case(10, "4a", 1, 2)
    add_case(9, "2", 3)

    frames = ddti.read(root)

    assert [(f.path.name, f.case, f.tirads, f.label) for f in frames] == [
        ("9_1.jpg", 9, "2", 0),
        ("10_1.jpg", 10, "4a", 1),
        ("10_2.jpg", 10, "4a", 1),
    ]


@pytest.mark.parametrize(
    ("tirads", "label"), [("2", 0), ("3", 0), ("4a", 1), ("4b", 1), ("4c", 1), ("5", 1), (" 4A\n", 1)]
)
def test_suspicious_means_ti_rads_4a_and_above(root: Path, add_case: AddCase, tirads: str, label: int) -> None:
    add_case(1, tirads, 1)

    assert [frame.label for frame in ddti.read(root)] == [label]


def test_frames_without_a_label_are_left_out_and_reported(root: Path, add_case: AddCase) -> None:
    add_case(1, "", 1)
    add_case(2, "3", 2)
    findings = Findings()

    assert [frame.case for frame in ddti.read(root, findings)] == [2]
    assert found(findings) == [(Kind.NO_LABEL, "images/1_1.jpg")]


def test_a_label_that_ti_rads_does_not_have_is_left_out_and_reported(root: Path, add_case: AddCase) -> None:
    add_case(1, "7", 1)
    add_case(2, "3", 2)
    findings = Findings()

    assert [frame.case for frame in ddti.read(root, findings)] == [2]
    assert found(findings) == [(Kind.UNKNOWN_LABEL, "images/1_1.jpg")]
    assert "'7'" in findings.findings[0].sentence


def test_a_frame_that_is_another_cases_too_is_left_out_whatever_its_file(root: Path, add_case: AddCase) -> None:
    """GIVEN one image under a labelled and an unlabelled case, in files of different bytes."""
    add_case(1, "2", 1, 2)
    add_case(2, "", 1)
    twin = root / "images" / "2_1.jpg"
    twin.write_bytes(twin.read_bytes() + b"trailing bytes that no decoder reads")

    assert [frame.path.name for frame in ddti.read(root)] == ["1_2.jpg"]


def test_equal_frames_of_one_case_stay(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, 1)

    assert len(ddti.read(root)) == 2


def test_other_files_in_the_folders_are_no_frames_and_are_reported(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)
    (root / "images" / "Thumbs.db").write_bytes(b"")
    (root / "images" / "1_1.png").write_bytes(b"")
    (root / "annotations" / "notes.txt").write_text("")
    findings = Findings()

    assert len(ddti.read(root, findings)) == 1
    assert found(findings) == [
        (Kind.EXTRA, "images/1_1.png"),
        (Kind.EXTRA, "images/Thumbs.db"),
        (Kind.EXTRA, "annotations/notes.txt"),
    ]


def test_the_set_is_found_from_its_own_folder_or_the_one_above(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)

    assert ddti.read(root) == ddti.read(root.parent)


def test_pixels_are_those_of_the_file(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)
    (frame,) = ddti.read(root)

    pixels = frame.pixels()

    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(frame.path)))


def test_outlines_are_those_of_the_view_from_all_its_marks(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, 2, 3, marks=((1, SQUARE), (1, TRIANGLE), (2, TRIANGLE)))

    first, second, third = ddti.read(root)

    assert [len(outline) for outline in first.outlines] == [4, 3]
    assert second.outlines == (((40.0, 40.0), (60.0, 40.0), (50.0, 60.0)),)
    assert third.outlines == ()


def test_several_polygons_of_one_mark_are_read_and_arrows_are_not(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, marks=((1, f"{SQUARE[:-1]}, {TRIANGLE[1:-1]}, {ARROW[1:]}"),))

    assert [len(outline) for outline in ddti.read(root)[0].outlines] == [4, 3]


def test_the_mask_is_filled_where_the_outlines_are(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, marks=((1, SQUARE), (1, TRIANGLE)))

    mask = ddti.read(root)[0].mask()

    assert mask.shape == (64, 64)
    assert mask.dtype == np.bool_
    assert mask[20:30, 10:20].all()
    assert mask[45, 50]
    assert mask[:40].sum() == 100


def test_what_an_outline_has_outside_of_the_frame_is_cut_off(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, marks=((1, SQUARE.replace("19", "1000").replace("29", "1000")),))

    mask = ddti.read(root)[0].mask()

    assert mask.sum() == mask[20:, 10:].size == mask[20:, 10:].sum()


@pytest.mark.parametrize(
    "svg",
    [
        "",
        SQUARE[:-20],
        "{}",
        "7",
        "[7]",
        "[{}]",
        '[{"points": [{"x": 1}]}]',
        '[{"points": "none"}]',
        SQUARE.replace("19", "NaN"),
        SQUARE.replace('"y": 29', '"y": NaN'),
        SQUARE.replace("19", "1e300"),
        SQUARE.replace("19", "9" * 400),
        SQUARE.replace("19", "9" * 5000),
        "[" * 100_000,
        ARROW,
    ],
)
def test_a_frame_whose_outline_cannot_be_read_is_used_without_and_reported(
    root: Path, add_case: AddCase, svg: str
) -> None:
    add_case(1, "2", 1, marks=((1, svg),))
    findings = Findings()

    (frame,) = ddti.read(root, findings)

    assert frame.outlines == ()
    assert not frame.mask().any()
    assert found(findings) == [(Kind.NO_OUTLINE, "images/1_1.jpg")]
    assert findings.counts["DDTI"].with_outline == 0


def test_with_one_broken_mark_the_view_has_no_outline(root: Path, add_case: AddCase) -> None:
    """A mask that lacks one of the nodules would call it healthy."""
    add_case(1, "2", 1, marks=((1, SQUARE), (1, TRIANGLE[:-9])))

    assert ddti.read(root)[0].outlines == ()


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "9" * 5000])
def test_a_mark_without_the_number_of_its_view_is_ignored(root: Path, add_case: AddCase, number: str) -> None:
    add_case(1, "2", 1)
    report = root / "annotations" / "1.xml"
    report.write_text(report.read_text().replace("<image>1</image>", f"<image>{number}</image>"))

    assert ddti.read(root)[0].outlines == ()


def test_all_frames_can_be_listed_unlabelled_ones_and_duplicates_too(root: Path, add_case: AddCase) -> None:
    add_case(1, "", 1, 2)
    add_case(2, "3", 2)

    frames = ddti.read_all(root)

    assert [(f.path.name, f.labelled) for f in frames] == [("1_1.jpg", False), ("1_2.jpg", False), ("2_1.jpg", True)]
    with pytest.raises(ValueError, match=r"1_1\.jpg has no TI-RADS label"):
        _ = frames[0].label


def test_frames_that_two_cases_share_are_reported_by_name(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, 2)
    add_case(2, "5", 1)
    findings = Findings()

    ddti.read(root, findings)

    duplicates = [f for f in findings.findings if f.kind == Kind.DUPLICATE]
    assert [f.name for f in duplicates] == ["images/1_1.jpg", "images/2_1.jpg"]
    assert "images/2_1.jpg" in duplicates[0].sentence
    assert "images/1_1.jpg" not in duplicates[0].sentence


def test_a_second_file_of_a_view_or_a_report_is_left_out_and_reported(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)
    (root / "images" / "1_1.jpeg").write_bytes((root / "images" / "1_1.jpg").read_bytes())
    (root / "annotations" / "01.xml").write_bytes((root / "annotations" / "1.xml").read_bytes())
    findings = Findings()

    assert len(ddti.read(root, findings)) == 1
    assert found(findings) == [(Kind.DUPLICATE, "images/1_1.jpg"), (Kind.DUPLICATE, "annotations/1.xml")]


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", "half"])
def test_an_unreadable_image_is_left_out_and_reported(root: Path, content: bytes | str) -> None:
    path = root / "images" / "103_1.jpg"
    path.write_bytes(path.read_bytes()[:900] if isinstance(content, str) else content)
    findings = Findings()

    assert len(ddti.read(root, findings)) == 19
    assert found(findings) == [(Kind.UNREADABLE, "images/103_1.jpg")]
    assert (findings.counts["DDTI"].listed, findings.counts["DDTI"].found) == (20, 19)


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize("content", ["", "<case>", '<?xml version="1.0" encoding="nobody-knows"?><case/>'])
def test_an_unreadable_report_takes_its_frames_away_and_is_reported(root: Path, content: str) -> None:
    (root / "annotations" / "103.xml").write_text(content)
    findings = Findings()

    assert len(ddti.read(root, findings)) == 19
    assert found(findings) == [(Kind.UNREADABLE, "annotations/103.xml")]


@pytest.mark.usefixtures("twenty")
def test_a_missing_report_takes_its_frames_away_and_is_reported(root: Path) -> None:
    (root / "annotations" / "103.xml").unlink()
    findings = Findings()

    assert len(ddti.read(root, findings)) == 19
    assert found(findings) == [(Kind.MISSING, "annotations/103.xml")]


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize(("marks", "name"), [(((1, SQUARE),), "images/103_1.jpg"), ((), "images/103_*.jpg")])
def test_a_missing_image_is_reported(
    root: Path, add_case: AddCase, marks: tuple[tuple[int, str], ...], name: str
) -> None:
    add_case(103, "2", marks=marks)
    (root / "images" / "103_1.jpg").unlink()
    findings = Findings()

    assert len(ddti.read(root, findings)) == 19
    assert found(findings) == [(Kind.MISSING, name)]


@pytest.mark.usefixtures("twenty")
def test_a_damaged_set_stops_with_every_name(root: Path) -> None:
    (root / "images" / "103_1.jpg").unlink()
    (root / "annotations" / "104.xml").write_text("<case>")

    with pytest.raises(DataError, match=r"2 of 20 images.*images/103_1\.jpg.*annotations/104\.xml"):
        ddti.read(root)


@pytest.mark.usefixtures("twenty")
def test_two_unreadable_images_of_twenty_stop(root: Path) -> None:
    for case in (103, 104):
        (root / "images" / f"{case}_1.jpg").write_bytes(b"")

    with pytest.raises(DataError, match="2 of 20 images"):
        ddti.read(root)


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize("marks", [((1, SQUARE),), ()])
def test_two_missing_images_of_twenty_stop(root: Path, add_case: AddCase, marks: tuple[tuple[int, str], ...]) -> None:
    for case in (103, 104):
        add_case(case, "2", marks=marks)
        (root / "images" / f"{case}_1.jpg").unlink()

    with pytest.raises(DataError, match="2 of 20 images"):
        ddti.read(root)


def test_an_image_that_is_bad_twice_counts_once(root: Path, add_case: AddCase) -> None:
    for case in range(1, 21):
        add_case(case, "2", case)
    (root / "images" / "3_1.jpg").write_bytes(b"")
    (root / "annotations" / "3.xml").unlink()

    assert len(ddti.read(root)) == 19


@pytest.mark.usefixtures("twenty")
def test_a_class_with_fewer_cases_than_folds_stops(root: Path) -> None:
    assert len(ddti.read(root, folds=10)) == 20
    with pytest.raises(DataError, match="10 cases of class 0 remain, fewer than the 11 folds"):
        ddti.read(root, folds=11)


@pytest.mark.parametrize("absent", ["images", "annotations"])
def test_a_folder_without_the_set_is_named(root: Path, absent: str) -> None:
    (root / absent).rmdir()

    with pytest.raises(DataError, match=r"images/N_k\.jpg"):
        ddti.read(root)


def test_a_set_without_labels_is_named(root: Path, add_case: AddCase) -> None:
    add_case(1, "", 1)

    with pytest.raises(DataError, match="TI-RADS"):
        ddti.read(root)
