from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thyroid import phantom
from thyroid_model import ddti

AddCase = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder in the set's published layout, without a case."""
    root = tmp_path / "data" / "ddti"
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    return root


@pytest.fixture
def add_case(root: Path) -> AddCase:
    def add(case: int, tirads: str, *seeds: int) -> None:
        (root / "annotations" / f"{case}.xml").write_text(
            f"<case><number>{case}</number><age></age><tirads>{tirads}</tirads>"
            "<mark><image>1</image><svg></svg></mark></case>"
        )
        for view, seed in enumerate(seeds, start=1):
            picture = phantom.make(seed, suspicious=False, height=64, width=64)
            Image.fromarray(picture).save(root / "images" / f"{case}_{view}.jpg", quality=95)

    return add


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


def test_frames_without_a_label_are_left_out(root: Path, add_case: AddCase) -> None:
    add_case(1, "", 1)
    add_case(2, "3", 2)
    add_case(3, "4a", 3)
    (root / "annotations" / "3.xml").unlink()

    assert [frame.case for frame in ddti.read(root)] == [2]


def test_a_frame_that_is_another_cases_too_is_left_out_whatever_its_file(root: Path, add_case: AddCase) -> None:
    """GIVEN one picture under a labelled and an unlabelled case, in files of different bytes."""
    add_case(1, "2", 1, 2)
    add_case(2, "", 1)
    twin = root / "images" / "2_1.jpg"
    twin.write_bytes(twin.read_bytes() + b"trailing bytes that no decoder reads")

    assert [frame.path.name for frame in ddti.read(root)] == ["1_2.jpg"]


def test_equal_frames_of_one_case_stay(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1, 1)

    assert len(ddti.read(root)) == 2


def test_other_files_in_the_folder_are_no_frames(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)
    (root / "images" / "Thumbs.db").write_bytes(b"")
    (root / "images" / "1_1.png").write_bytes(b"")

    assert len(ddti.read(root)) == 1


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


def test_a_folder_without_the_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"images/N_k\.jpg"):
        ddti.read(tmp_path)


def test_a_set_without_labels_is_named(root: Path, add_case: AddCase) -> None:
    add_case(1, "", 1)

    with pytest.raises(ValueError, match="TI-RADS"):
        ddti.read(root)


def test_a_broken_report_is_named(root: Path, add_case: AddCase) -> None:
    add_case(1, "2", 1)
    (root / "annotations" / "1.xml").write_text("<case>")

    with pytest.raises(ValueError, match=r"1\.xml"):
        ddti.read(root)
