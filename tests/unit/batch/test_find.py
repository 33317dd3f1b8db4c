import errno
import os
from pathlib import Path

import pytest

from thyroid.batch.find import find
from thyroid.core import formats
from thyroid.files.lock import LOCK_FILE


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_images_are_found_in_all_folders_by_suffix_in_any_case_and_sorted(tmp_path: Path) -> None:
    suffixes = ["png", "JPG", "jpeg", "WebP", "bmp", "tif", "TIFF", "gif"]
    assert {f".{suffix.lower()}" for suffix in suffixes} == set(formats.SUFFIXES)
    make(tmp_path, *(f"b/{i}/scan.{suffix}" for i, suffix in enumerate(suffixes)), "a.png", "z.PNG")

    found = find(tmp_path, tmp_path / "out")

    assert found.keys == ["a.png", *(f"b/{i}/scan.{suffix}" for i, suffix in enumerate(suffixes)), "z.PNG"]
    assert (found.ignored, found.unreadable) == (0, 0)


def test_what_is_no_image_or_hidden_is_passed_over_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "scan.png", "notes.txt", "png", ".hidden.png", "._scan.png", ".folder/scan.png")
    os.mkfifo(tmp_path / "pipe.png")

    found = find(tmp_path, tmp_path / "out")

    assert (found.keys, found.ignored) == (["scan.png"], 5)


def test_links_to_files_are_followed_and_circles_are_not_walked(tmp_path: Path) -> None:
    make(tmp_path, "a/scan.png")
    (tmp_path / "a/circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a/folder.png").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "linked.png").symlink_to("a/scan.png")
    (tmp_path / "nowhere.png").symlink_to("gone.png")
    (tmp_path / "itself.png").symlink_to("itself.png")

    found = find(tmp_path, tmp_path / "out")

    assert found.keys == ["a/scan.png", "itself.png", "linked.png", "nowhere.png"]


def test_results_are_never_read_as_images_those_of_another_run_neither(tmp_path: Path) -> None:
    make(tmp_path, "scan.png", "out/results/scan.png/heatmap.png", f"old/{LOCK_FILE}", "old/results/x/overlay.png")

    assert find(tmp_path, tmp_path / "out").keys == ["scan.png"]
    # AND neither where they are all that there is
    assert find(tmp_path / "old", tmp_path / "out").keys == []


def test_patterns_choose_among_the_images(tmp_path: Path) -> None:
    make(tmp_path, "left/a.png", "right/a.png", "right/a.jpg", "right/a.txt")

    found = find(tmp_path, tmp_path / "out", ["left/*", "*.jpg", "*.txt"])

    assert (found.keys, found.ignored) == (["left/a.png", "right/a.jpg"], 2)


def test_a_folder_that_cannot_be_read_is_counted_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a folder that is closed, and a link into it; permissions would not do, the test may run as root
    make(tmp_path, "closed/scan.png", *(f"{letter}/scan.png" for letter in "abyz"), "scan.png")
    (tmp_path / "link.png").symlink_to("closed/scan.png")
    closed = tmp_path / "closed"
    listed, looked_at = Path.iterdir, Path.stat

    def iterdir(path: Path) -> object:
        if path == closed:
            raise PermissionError
        return listed(path)

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parent == closed or (follow_symlinks and path.name == "link.png"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return looked_at(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    monkeypatch.setattr(Path, "stat", stat)

    found = find(tmp_path, tmp_path / "out")

    # THEN all beside it is found, and the link fails when it is read
    assert found.keys == ["a/scan.png", "b/scan.png", "link.png", "scan.png", "y/scan.png", "z/scan.png"]
    assert (found.ignored, found.unreadable) == (0, 1)
