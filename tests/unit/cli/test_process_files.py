"""Images that are processed one after the other, and what ends that early."""

import io
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from thyroid.cli.exit import Exit, UsageError, run_command, say, say_disclaimer
from thyroid.cli.inputs import FileRefusedError, read
from thyroid.cli.process_files import process_files
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, UnknownLayerError, UnreadableImageError
from thyroid.files.lock import InUseError

LIMIT = 100


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode())
    return [str(tmp_path / name) for name in ("a", "b", "c")]


class Terminal(io.StringIO):
    """Takes what is written, and says that it is one."""

    def isatty(self) -> bool:
        return True


# --- one after the other ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (UnreadableImageError("It is broken."), "It is broken.", Exit.REFUSED),
        (FileRefusedError("It exists."), "It exists.", Exit.REFUSED),
        (ZeroDivisionError("DOE-JANE"), "is not the image's came up (ZeroDivisionError)", Exit.FAILED),
    ],
)
def test_what_is_wrong_with_one_image_does_not_keep_the_others(
    files: list[str], error: Exception, said: str, status: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    def process(_: str, data: bytes) -> str:
        if data == b"b":
            raise error
        return data.decode()

    assert process_files(files, LIMIT, process) == status

    printed = capsys.readouterr()
    assert printed.out == "a\nc\n"
    assert printed.err.startswith(f"{files[1]}: ")
    assert said in printed.err
    assert "DOE-JANE" not in printed.err


def test_a_model_that_stops_working_ends_all(files: list[str]) -> None:
    def process(*_: object) -> str:
        raise ModelUnavailableError("gone.")

    with pytest.raises(ModelUnavailableError):
        process_files(files, LIMIT, process)


def test_a_warning_about_an_image_is_not_printed(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def process(*_: object) -> None:
        warnings.warn("DOE-JANE", stacklevel=1)

    assert process_files(files, LIMIT, process) == Exit.DONE
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("count", "bar", "shows"), [(3, True, True), (1, True, False), (3, False, False)])
def test_a_bar_is_there_for_several_images_on_a_terminal(
    files: list[str], count: int, bar: bool, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    process_files(files[:count], LIMIT, lambda *_: None, bar=bar)

    assert ("image/s" in terminal.getvalue()) == shows


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(LIMIT))
    assert len(read(str(path), LIMIT)) == LIMIT

    path.write_bytes(bytes(LIMIT + 1))
    with pytest.raises(PayloadTooLargeError):
        read(str(path), LIMIT)


def test_standard_input_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = SimpleNamespace(buffer=io.BytesIO(bytes(10 * LIMIT)))
    monkeypatch.setattr(sys, "stdin", endless)

    with pytest.raises(PayloadTooLargeError):
        read("-", LIMIT)
    assert endless.buffer.tell() == LIMIT + 1


def test_what_is_no_file_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    cases = {str(tmp_path): "It is a folder", str(tmp_path / "no"): "No such file", "-": "no standard input"}
    cases[str(tmp_path / ("x" * 300))] = "name too long"
    for name, said in cases.items():
        with pytest.raises(FileRefusedError, match=said):
            read(name, LIMIT)


# --- what ends a command ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), Exit.INTERRUPTED, "Interrupted."),
        (UsageError("No sense."), Exit.USAGE, "No sense."),
        (UnknownLayerError("No layer."), Exit.USAGE, "No layer."),
        (ModelUnavailableError("No model."), Exit.FAILED, "No model, or name the folder of one with --model."),
        (InUseError(), Exit.FAILED, "Another run is writing into OUT; wait for its end, or give another OUT."),
        (OSError(28, "No space left", "DOE-JANE"), Exit.FAILED, "The results cannot be written: No space left."),
    ],
)
def test_what_ends_a_command_is_a_sentence_and_a_status(
    error: BaseException, status: Exit, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> Exit:
        raise error

    assert run_command(command) == status
    assert capsys.readouterr() == ("", f"{said}\n")


def test_a_closed_pipe_is_no_failure_of_the_results() -> None:
    def command() -> Exit:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_command(command)


def test_a_stream_that_does_not_know_a_letter_gets_an_escape() -> None:
    printed = io.BytesIO()
    terminal = io.TextIOWrapper(printed, "ascii")
    say("Schilddrüse", terminal)
    assert printed.getvalue() == b"Schilddr\\xfcse\n"


def test_the_disclaimer_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, files, status, there in (
        (io.StringIO(), ["a"], Exit.DONE, True),
        (io.StringIO(), ["a"], Exit.REFUSED, False),
        (io.StringIO(), ["a", "b"], Exit.DONE, False),
        (Terminal(), ["a", "b"], Exit.REFUSED, True),
    ):
        monkeypatch.setattr(sys, "stdout", stream)
        say_disclaimer(files, status)
        assert ("not a diagnosis" in stream.getvalue()) == there
