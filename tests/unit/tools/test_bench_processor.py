import subprocess

import pytest

from benchmarks.processor import NotAllowedError, share


def group_of(within: list[str]) -> str:
    return subprocess.run([*within, "cat", "/proc/self/cgroup"], capture_output=True, text=True, check=True).stdout


def test_a_share_is_a_control_group_of_its_own_that_goes_at_the_end() -> None:
    try:
        with share(0.3) as within:
            inside = group_of(within)
    except NotAllowedError as error:
        pytest.skip(str(error))  # only root may make one

    assert "thyroid-bench-" in inside
    assert "thyroid-bench-" not in group_of([])


def test_all_there_is_needs_no_group() -> None:
    with share(None) as within:
        assert within == []


def test_what_a_user_may_not_do_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)

    with pytest.raises(NotAllowedError, match=r"Permission denied.*takes root"), share(0.5):
        pass
