import subprocess
import sys
from pathlib import Path

import pytest

from thyroid.files.lock import LOCK_FILE, InUseError, held

HOLD = (
    "import sys; from pathlib import Path; from thyroid.files.lock import held\n"
    "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_a_folder_is_held_until_its_holder_is_killed_and_not_longer(tmp_path: Path) -> None:
    # GIVEN a folder that another process holds
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        # THEN it cannot be had
        with pytest.raises(InUseError), held(tmp_path):
            pass
        # WHEN that is killed
        holder.kill()
    # THEN it can
    with held(tmp_path):
        pass


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path), pytest.raises(InUseError), held(tmp_path):
            pass


def test_a_lock_file_that_is_none_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("no lock" * 100)
    with pytest.raises(OSError, match="locked"), held(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="locked"), held(tmp_path / "missing"):
        pass
