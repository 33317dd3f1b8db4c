import threading
from collections.abc import Iterator

import pytest
from tqdm import tqdm

from thyroid_model import progress


@pytest.fixture
def on_the_second_line(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lock = tqdm.get_lock()
    monkeypatch.setattr(progress, "_position", None)
    progress.set_position(2, threading.RLock())
    yield
    tqdm.set_lock(lock)


def test_a_bar_counts_what_is_gone_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.bar([1, 2, 3], title="frames", unit="frame")) == [1, 2, 3]

    said = capsys.readouterr().err
    assert "frames: 100%" in said
    assert "3/3" in said
    assert said.endswith("\n"), "it stays"


def test_a_bar_counts_what_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar(total=2, title="training", unit="step") as bar:
        bar.update(2)

    assert "training: 100%" in capsys.readouterr().err


@pytest.mark.usefixtures("on_the_second_line")
def test_one_of_several_processes_draws_on_its_own_line_and_goes_when_it_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    list(progress.bar([1], title="frames", unit="frame"))

    said = capsys.readouterr().err
    assert said.startswith("\n\n\rframes:")
    assert said.endswith("\x1b[A\x1b[A"), "back on the first line"
