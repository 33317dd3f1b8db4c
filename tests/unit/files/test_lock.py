import subprocess
import sys
from pathlib import Path

import pytest

from thyroid.files.lock import LOCK_FILE, InUseError, lock_folder

HOLD = (
    "import sys; from pathlib import Path; from thyroid.files.lock import lock_folder\n"
    "with lock_folder(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
)


def test_a_folder_is_held_until_its_holder_is_killed_and_not_longer(tmp_path: Path) -> None:
    # GIVEN a folder that another process has locked
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        # THEN it cannot be locked
        with pytest.raises(InUseError), lock_folder(tmp_path):
            pass
        # WHEN that is killed
        holder.kill()
    # THEN it can
    with lock_folder(tmp_path):
        pass


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_folder(tmp_path), pytest.raises(InUseError), lock_folder(tmp_path):
            pass


def test_a_lock_file_that_is_none_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("no lock" * 100)
    with pytest.raises(OSError, match="locked"), lock_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="locked"), lock_folder(tmp_path / "missing"):
        pass
