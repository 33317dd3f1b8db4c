"""The command that chooses and measures the input check: what it reads, what it reports, and where it stops."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.model.lesion_training import make_data
from thyroid_model.data import input_check_images, photographs
from thyroid_model.data.findings import DataError
from thyroid_model.data.image_files import digest, read_pixels
from thyroid_model.data.input_check_images import read_sets, ultrasound
from thyroid_model.training import input_check
from thyroid_model.training.input_check import choose_rule, main, measure

HELD_OUT_KINDS, FITTED_KINDS = ("qr_code", "gradient"), ("checkerboard", "uniform_noise")
EVEN, ODD = 7, 6  # DDTI's frames: of cases 1 to 12 one each, and of the last a second


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def data(published: Path, tmp_path: Path) -> Path:
    """The three sets, to be changed by a test."""
    return Path(shutil.copytree(published, tmp_path / "data"))


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """No phantoms, which are many and large, no photographs, and of other kinds some that are quickly made."""
    monkeypatch.setattr(input_check, "HELD_OUT_KINDS", HELD_OUT_KINDS)
    monkeypatch.setattr(input_check, "FITTED_KINDS", FITTED_KINDS)
    monkeypatch.setattr(input_check, "phantoms", lambda **_half: iter(()))
    monkeypatch.setattr(photographs, "PACKAGES", {})


def of_half(data: Path, *, for_fitting: bool) -> dict[str, list[str]]:
    """Digests of a half's images by set."""
    found: dict[str, list[str]] = {}
    for group, pixels in ultrasound(read_sets(data), for_fitting=for_fitting):
        found.setdefault(group, []).append(digest(pixels))
    return found


def digests(folder: Path, *names: str) -> list[str]:
    return [digest(read_pixels(folder / name)) for name in names]


# --- the sets --------------------------------------------------------------------------------------------------------


def test_even_cases_are_chosen_with_and_odd_ones_and_breast_are_measured_on(data: Path) -> None:
    even, odd = of_half(data, for_fitting=True), of_half(data, for_fitting=False)

    assert {group: len(found) for group, found in even.items()} == {
        "ddti": EVEN,
        "ddti, resized": 3,
        "bus-bra": 2,
        "bus-bra, resized": 1,
    }
    assert {group: len(found) for group, found in odd.items()} == {
        "ddti": ODD,
        "ddti, resized": 2,
        "bus-bra": 2,
        "bus-bra, resized": 1,
        "breast": 2,
    }
    images = data / "bus-bra/Images"
    assert even["bus-bra"] == digests(images, "bus_0002-l.png", "bus_0004-l.png")
    assert odd["bus-bra"] == digests(images, "bus_0001-l.png", "bus_0003-l.png")


def test_a_lesion_goes_by_its_patient_and_not_by_its_file_name(data: Path) -> None:
    # GIVEN a patient with images of an odd and of an even number
    table = data / "bus-bra/bus_data.csv"
    table.write_text(table.read_text().replace("bus_0003-l,3", "bus_0003-l,4"))

    even, odd = of_half(data, for_fitting=True), of_half(data, for_fitting=False)

    assert len(even["bus-bra"]) == 3
    assert odd["bus-bra"] == digests(data / "bus-bra/Images", "bus_0001-l.png")


def test_an_image_that_an_even_case_has_too_is_not_measured_on(data: Path) -> None:
    images = data / "ddti/images"
    shutil.copy(images / "2_1.jpg", images / "3_1.jpg")

    even, odd = of_half(data, for_fitting=True), of_half(data, for_fitting=False)

    assert len(even["ddti"]) == EVEN
    assert len(odd["ddti"]) == ODD - 1
    assert not set(even["ddti"]) & set(odd["ddti"])


def test_a_case_without_a_number_stops_it(data: Path) -> None:
    table = data / "bus-bra/bus_data.csv"
    table.write_text(table.read_text().replace("bus_0003-l,3", "bus_0003-l,x"))

    with pytest.raises(DataError, match=r"case 'x' of bus_0003-l\.png has no number"):
        of_half(data, for_fitting=True)


def test_a_set_without_an_even_case_stops_it(data: Path) -> None:
    table = data / "bus-bra/bus_data.csv"
    table.write_text(table.read_text().replace("-l,2", "-l,1").replace("-l,4", "-l,3"))

    with pytest.raises(DataError, match="bus-bra: no image is of an even case"):
        of_half(data, for_fitting=False)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ("ddti/images/Thumbs.jpg", "DDTI: images/Thumbs.jpg"),
        ("bus-bra/Images/cover.png", "BUS-BRA: Images/cover.png"),
        ("breast/images/notes.png", "BrEaST: images/notes.png"),
    ],
)
def test_a_file_that_is_not_of_its_set_is_named_and_ignored(
    data: Path, capsys: pytest.CaptureFixture[str], extra: str, named: str
) -> None:
    as_published = of_half(data, for_fitting=False)
    (data / extra).write_bytes(b"no image")

    assert of_half(data, for_fitting=False) == as_published
    assert named in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named_and_left_out(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thyroid_model.data.findings.MAX_DAMAGED_SHARE", 0.2)  # of 13 images one is more than 5 %
    (data / "ddti/images/3_1.jpg").write_bytes(b"no image")

    assert len(of_half(data, for_fitting=False)["ddti"]) == ODD - 1
    assert "DDTI: images/3_1.jpg: It cannot be decoded" in capsys.readouterr().err


def test_other_layouts_of_the_sets_are_read(data: Path) -> None:
    as_usual = of_half(data, for_fitting=False)
    (data / "bus-bra").rename(data / "BUSBRA")
    (data / "BUSBRA/Images").rename(data / "BUSBRA/images")
    published = data / "BrEaST"
    images = published / "BrEaST-Lesions_USG-images_and_masks"
    images.mkdir(parents=True)
    lines = ["CaseID;Image_filename;Mask_tumor_filename;Classification"]
    for number, label in ((1, "benign"), (2, "malignant")):
        name, mask = f"case{number:03}.png", f"case{number:03}_tumor.png"
        shutil.move(data / "breast/images" / name, images / name)
        shutil.move(data / "breast/masks" / name, images / mask)
        lines.append(f"{number};{name};{mask};{label}")
    (published / "clinical.csv").write_text("\n".join(lines) + "\n")
    shutil.rmtree(data / "breast")

    assert of_half(data, for_fitting=False) == as_usual


@pytest.mark.parametrize("name", ["bus-bra", "breast"])
def test_a_set_that_is_not_there_is_left_out_with_a_line(
    data: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.rmtree(data / name)

    assert name not in of_half(data, for_fitting=False)
    assert f"{name} is left out. No" in capsys.readouterr().err


def test_nothing_is_told_of_sets_as_published(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_sets(data)

    assert capsys.readouterr() == ("", "")


# --- what is reported ------------------------------------------------------------------------------------------------


def test_a_measurement_has_the_share_of_each_set_and_kind(data: Path) -> None:
    measured = measure(read_sets(data), count=1)

    assert measured["ultrasound"]["ddti"]["images"] == ODD
    assert measured["ultrasound"]["breast"] == {"images": 2, "flagged": 1.0}  # under 96 pixels
    assert set(measured["kinds_kept_out"]) == set(HELD_OUT_KINDS)
    assert set(measured["kinds_chosen_with"]) == set(FITTED_KINDS)


def test_another_rule_can_be_measured(data: Path) -> None:
    rule = choose_rule(read_sets(data), count=1)
    shifted = type(rule)(rule.mean, rule.deviation, rule.linear * 0, rule.square * 0, 1.0)  # flags all

    measured = measure(read_sets(data), rule=shifted, count=1)

    assert measured["ultrasound"]["ddti"]["flagged"] == measured["kinds_kept_out_flagged"] == 1.0


def test_a_rule_is_chosen_with_the_even_half_alone(data: Path, published: Path) -> None:
    # GIVEN all odd cases, and BrEaST, are other images
    noise = np.random.default_rng(0).integers(0, 256, (200, 240, 3), dtype=np.uint8)
    for case in range(1, 13, 2):
        Image.fromarray(noise + np.uint8(case)).save(data / f"ddti/images/{case}_1.jpg")
    shutil.rmtree(data / "breast")

    rule, as_published = choose_rule(read_sets(data), count=1), choose_rule(read_sets(published), count=1)

    assert np.array_equal(rule.linear, as_published.linear)
    assert rule.intercept == as_published.intercept


def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Say that photographs may come with three packages, of which one is installed; return its folder of images."""
    folder = tmp_path / "site/camera_club/images"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    known = {"Camera Club": ("camera_club", "images"), "Empty": ("json", "images"), "Gone": ("no_such", "images")}
    monkeypatch.setattr(photographs, "PACKAGES", known)
    return folder


def test_the_packages_whose_photographs_were_there_are_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a package with two photographs, one that is too small, one that is broken and a text
    folder = packages(tmp_path, monkeypatch)
    rng = np.random.default_rng(0)
    for name, side in (("one.png", 200), ("two.JPG", 300), ("icon.png", 127)):
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "README.txt").write_text("no image")

    measured = measure(read_sets(data), count=1)

    assert measured["photographs_of"] == {"Camera Club": 2, "Empty": 0, "Gone": 0}
    assert set(measured["photographs"]) == {"Camera Club: one.png", "Camera Club: two.JPG"}
    assert all(of["images"] == photographs.CROPS for of in measured["photographs"].values())
    assert measured["photographs_flagged"] == 1.0


def test_where_no_package_has_photographs_there_is_no_share_of_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages(tmp_path, monkeypatch)

    measured = measure(read_sets(data), count=1)

    assert measured["photographs_of"] == {"Camera Club": 0, "Empty": 0, "Gone": 0}
    assert measured["photographs"] == {}
    assert measured["photographs_flagged"] is None


def test_the_crops_of_a_photograph_do_not_depend_on_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packages(tmp_path, monkeypatch)
    for name in ("a.png", "b.png"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)).save(folder / name)

    both = [digest(pixels) for name, pixels in photographs.crops(photographs.find()) if name.endswith("b.png")]
    (folder / "a.png").unlink()
    alone = [digest(pixels) for _, pixels in photographs.crops(photographs.find())]

    assert both == alone
    assert len(set(alone)) == photographs.CROPS


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def rule_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(input_check, "RULE_FILE", tmp_path / "rule.json")
    return tmp_path / "rule.json"


@pytest.fixture
def _one_of_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(kinds: tuple[str, ...], _count: int) -> Iterator[tuple[str, Any]]:
        return input_check_images.generated(kinds, 1)

    monkeypatch.setattr(input_check, "generated", few)


@pytest.mark.usefixtures("_one_of_a_kind")
def test_the_command_prints_what_was_measured_and_writes_nothing(
    data: Path, rule_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(data / "breast")

    assert main(["--data", str(data)]) == 0

    assert json.loads(capsys.readouterr().out)["ultrasound"]["ddti"]["images"] == ODD
    assert not rule_file.exists()


@pytest.mark.usefixtures("_one_of_a_kind")
def test_asked_to_choose_the_command_writes_the_rule_and_what_it_is_worth(data: Path, rule_file: Path) -> None:
    assert main(["--data", str(data), "--choose"]) == 0

    written = json.loads(rule_file.read_text())
    assert written["measured"]["ultrasound"]["ddti"]["images"] == ODD
    assert set(written) == {"features", "intercept", "measured"}


def _no_sets(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()


def _damaged(data: Path) -> None:
    for case in (1, 3, 5):
        (data / f"ddti/images/{case}_1.jpg").write_bytes(b"no image")


def _damaged_lesions(data: Path) -> None:
    shutil.rmtree(data / "bus-bra/Images")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_no_sets, "No DDTI set in"),
        (_damaged, "DDTI: 3 of 13 images"),
        (_damaged_lesions, "The BUS-BRA set in"),
    ],
)
@pytest.mark.parametrize("choose", [[], ["--choose"]])
def test_a_set_that_cannot_be_used_is_one_sentence_and_status_1(
    data: Path,
    rule_file: Path,
    capsys: pytest.CaptureFixture[str],
    fault: Callable[[Path], None],
    said: str,
    choose: list[str],
) -> None:
    fault(data)

    assert main(["--data", str(data), *choose]) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
    assert not rule_file.exists()
