from pathlib import Path

import pytest

from thyroid.files.atomic import atomic_file, write_result_files
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT

ANALYSED = {HEATMAP: b"map", OVERLAY: b"laid over", RESULT: b"{}"}
REFUSED = {ERROR: b"{}"}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_outcome_replaces_the_other(tmp_path: Path) -> None:
    for outcome in (ANALYSED, REFUSED, ANALYSED):
        write_result_files(tmp_path / "scan.png", outcome)

        assert files(tmp_path / "scan.png") == outcome


def test_cut_short_at_any_file_no_decision_lies_there_without_its_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Path.replace
    for files_moved in range(3):
        write_result_files(tmp_path, dict.fromkeys(ANALYSED, b"old"))
        left = iter(range(files_moved))

        def replace(path: Path, target: Path) -> Path:
            if next(left, None) is None:  # noqa: B023 - called in the same turn of the loop
                raise KeyboardInterrupt
            return moved(path, target)

        monkeypatch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            write_result_files(tmp_path, ANALYSED)
        monkeypatch.undo()

        assert not {RESULT, ERROR} & set(files(tmp_path))
        assert b"old" not in files(tmp_path).values()


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_of_a_file_that_is_not_whole_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    def write() -> None:
        with atomic_file(tmp_path / "scan.pdf") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()

    assert files(tmp_path) == {}


def test_a_file_that_could_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_file(tmp_path / "table") as file:
            file.write(b"ne")
            raise OSError("full")

    (tmp_path / "table").write_bytes(b"old")

    with pytest.raises(OSError, match="full"):
        write_half()

    assert (tmp_path / "table").read_bytes() == b"old"
