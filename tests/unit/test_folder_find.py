import os
from pathlib import Path

import pytest

from thyroid.folder.find import find
from thyroid.folder.lock import LOCK_FILE


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_pictures_are_found_in_all_folders_by_suffix_in_any_case_and_sorted(tmp_path: Path) -> None:
    suffixes = ["png", "JPG", "jpeg", "WebP", "bmp", "tif", "TIFF", "gif"]
    make(tmp_path, *(f"b/{i}/scan.{suffix}" for i, suffix in enumerate(suffixes)), "a.png", "z.PNG")

    found = find(tmp_path, tmp_path / "out")

    assert found.keys == ["a.png", *(f"b/{i}/scan.{suffix}" for i, suffix in enumerate(suffixes)), "z.PNG"]
    assert (found.others, found.closed) == (0, 0)


def test_what_is_no_picture_or_hidden_is_passed_over_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "scan.png", "notes.txt", "png", ".hidden.png", "._scan.png", ".folder/scan.png")
    os.mkfifo(tmp_path / "pipe.png")

    found = find(tmp_path, tmp_path / "out")

    assert (found.keys, found.others) == (["scan.png"], 5)


def test_links_to_files_are_followed_and_circles_are_not_walked(tmp_path: Path) -> None:
    make(tmp_path, "a/scan.png")
    (tmp_path / "a/circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a/folder.png").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "linked.png").symlink_to("a/scan.png")
    (tmp_path / "nowhere.png").symlink_to("gone.png")
    (tmp_path / "itself.png").symlink_to("itself.png")

    found = find(tmp_path, tmp_path / "out")

    assert found.keys == ["a/scan.png", "itself.png", "linked.png", "nowhere.png"]


def test_results_are_never_read_as_pictures_those_of_another_run_neither(tmp_path: Path) -> None:
    make(tmp_path, "scan.png", "out/results/scan.png/heatmap.png", f"old/{LOCK_FILE}", "old/results/x/overlay.png")

    assert find(tmp_path, tmp_path / "out").keys == ["scan.png"]


def test_patterns_choose_among_the_pictures(tmp_path: Path) -> None:
    make(tmp_path, "left/a.png", "right/a.png", "right/a.jpg", "right/a.txt")

    found = find(tmp_path, tmp_path / "out", ["left/*", "*.jpg", "*.txt"])

    assert (found.keys, found.others) == (["left/a.png", "right/a.jpg"], 2)


def test_a_folder_that_cannot_be_read_is_counted_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a folder that is closed; permissions would not do, the test may run as root
    make(tmp_path, "open/scan.png", "closed/scan.png")
    listed = Path.iterdir

    def iterdir(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)

    found = find(tmp_path, tmp_path / "out")

    assert (found.keys, found.closed) == (["open/scan.png"], 1)
