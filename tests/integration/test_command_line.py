"""`python -m thyroid analyze` as its users meet it: a process of its own, its files, its exit status."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.images import image_file, noise_file
from thyroid.__main__ import main
from thyroid.batch.summary import RunSummary
from thyroid.cli import analyze_folder, options
from thyroid.cli.exit import Exit
from thyroid.core.analyzer import Analyzer
from thyroid.files.lock import lock_folder
from thyroid.settings import Settings

ROOT = Path(__file__).parents[2]
NOT_NEEDED = ["fastapi", "starlette", "mangum", "aws_lambda_powertools", "boto3", "botocore", "uvicorn", "tensorflow"]
JANE = "DOE-JANE"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with two sound images."""
    folder = tmp_path / "scans"
    (folder / "left").mkdir(parents=True)
    (folder / f"{JANE}.png").write_bytes(image_file())
    (folder / "left" / f"{JANE}.jpg").write_bytes(image_file("JPEG"))
    return folder


def command_line(scans: Path, out: Path, artifact: Path, *more: str) -> list[str]:
    options = ["--out", str(out), "--model", str(artifact), *more]
    return [sys.executable, "-m", "thyroid", "analyze", str(scans), *options]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


# --- what comes out --------------------------------------------------------------------------------------------------


def test_a_folder_is_analysed_and_no_name_is_printed(scans: Path, tmp_path: Path, artifact: Path) -> None:
    (scans / "notes.txt").write_text("no image")
    out = tmp_path / "out"

    done = subprocess.run(command_line(scans, out, artifact), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        ".thyroid.lock",
        "audit.jsonl",
        "results.csv",
        "results.jsonl",
        *(
            f"results/{key}/{name}"
            for key in (f"{JANE}.png", f"left/{JANE}.jpg")
            for name in ("result.json", "heatmap.png", "overlay.png")
        ),
    }
    assert "analysed   2\n" in done.stdout
    assert "Ignored: 1 " in done.stdout
    assert JANE not in done.stdout + done.stderr
    # AND without a terminal there is no progress bar
    assert "image/s" not in done.stderr


def test_the_lines_say_what_the_api_says(scans: Path, tmp_path: Path, artifact: Path) -> None:
    assert main(command_line(scans, tmp_path / "out", artifact, "--quiet")[3:]) == 0

    analyzer = Analyzer(Settings(model_dir=artifact))
    for line, audit in zip(lines(tmp_path / "out/results.jsonl"), lines(tmp_path / "out/audit.jsonl"), strict=True):
        analysis = analyzer.score((scans / line["key"]).read_bytes())
        assert line["score"] == audit["score"] == analysis.assessment.score
        assert (line["label"], line["risk"]) == (analysis.assessment.label, analysis.assessment.risk)
        assert line["model_sha256"] == analysis.model.sha256
        assert line["sha256"] == audit["input_sha256"]


def test_names_of_any_kind_are_analysed_and_can_be_found_in_the_table(tmp_path: Path, artifact: Path) -> None:
    # GIVEN names that are hard to write down, and paths of more than 900 bytes
    deep = "/".join([letter * 225 for letter in "abcd"])
    names = ["new\nline.png", 'comma, "quote".png', "Schilddrüse 甲状腺 🦋.png", "=1+1.png", f"{deep}/x.png"]
    names.append(os.fsdecode(b"bad\xff.png"))
    for name in names:
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scans" / name).write_bytes(image_file())
    out = tmp_path / "out"

    assert main(command_line(tmp_path / "scans", out, artifact)[3:]) == 0

    assert sorted(line["key"] for line in lines(out / "results.jsonl")) == sorted(names)
    written = [name.replace("\udcff", r"\xff").replace("=1+1", "./=1+1") for name in sorted(names)]
    assert [row["key"] for row in rows(out)] == written
    assert all((out / "results" / name / "result.json").exists() for name in names)


def test_a_terminal_that_cannot_show_the_name_of_the_results_gets_the_summary(
    scans: Path, tmp_path: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "ascii"))

    assert main(command_line(scans, tmp_path / "Schilddrüse", artifact)[3:]) == 0

    sys.stdout.flush()
    assert rb"Schilddr\xfcse" in printed.getvalue()


def test_images_that_cannot_be_read_are_told_of(
    scans: Path, tmp_path: Path, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "empty.png").write_bytes(b"")
    (scans / "text.png").write_text("no image")
    (scans / "truncated.png").write_bytes(noise_file(64, 64)[:5000])
    out = tmp_path / "out"

    assert main(command_line(scans, out, artifact)[3:]) == 1

    assert Counter(row["code"] for row in rows(out)) == {
        "": 2,
        "invalid_request": 1,
        "unsupported_media_type": 1,
        "unreadable_image": 1,
    }
    assert "refused    3, each has an error.json" in capsys.readouterr().out
    # AND a run that finds nothing to do tells the same
    assert main(command_line(scans, out, artifact)[3:]) == 1
    assert "skipped    5, done by an earlier run, 3 of them refused" in capsys.readouterr().out


def test_results_inside_the_folder_are_not_read_as_images(scans: Path, artifact: Path) -> None:
    for _ in range(2):
        assert main(command_line(scans, scans / "out", artifact)[3:]) == 0
    assert main(command_line(scans, scans / "other", artifact)[3:]) == 0

    assert len(rows(scans / "out")) == len(rows(scans / "other")) == 2


def test_options_reach_the_maps(scans: Path, tmp_path: Path, artifact: Path) -> None:
    layer = json.loads((artifact / "model.json").read_text("utf-8"))["conv_layers"][0]["name"]
    options = ["--target", "benign", "--layer", layer, "--size", "80", "--pattern", "*.png", "--jobs", "1"]

    assert main(command_line(scans, tmp_path / "out", artifact, *options)[3:]) == 0

    (row,) = rows(tmp_path / "out")
    result = json.loads((tmp_path / "out/results" / row["key"] / "result.json").read_text("utf-8"))
    assert (result["gradcam"]["target"], result["gradcam"]["layer_used"]) == ("benign", layer)


def test_images_too_large_for_a_response_are_written(tmp_path: Path, artifact: Path) -> None:
    # GIVEN noise, whose PNG files of 1024 pixels take more than a response of the API may hold
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/noise.png").write_bytes(noise_file(1024, 1024))
    out = tmp_path / "out"

    assert main(command_line(tmp_path / "scans", out, artifact, "--size", "1024", "--jobs", "1")[3:]) == 0

    (row,) = rows(out)
    assert (row["status"], row["code"]) == ("analysed", "")
    with Image.open(out / "results/noise.png/overlay.png") as overlay:
        assert overlay.size == (1024, 1024)


def test_results_of_another_version_are_made_again_and_one_sentence_says_so(
    scans: Path, tmp_path: Path, artifact: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # GIVEN results of a version whose lines had other fields
    out = tmp_path / "out"
    assert main(command_line(scans, out, artifact)[3:]) == 0
    path = out / "results.jsonl"
    older = [{name: value for name, value in line.items() if name != "schema_version"} for line in lines(path)]
    path.write_text("".join(json.dumps(line) + "\n" for line in older))
    sentence = "Results of another version in OUT: 2; they are made again.\n"
    assert sentence not in capfd.readouterr().err

    # WHEN the same command is given, even a quiet one
    assert main(command_line(scans, out, artifact, "--quiet")[3:]) == 0

    # THEN it says so, and only once
    assert sentence in capfd.readouterr().err
    assert len(lines(out / "audit.jsonl")) == 4
    assert main(command_line(scans, out, artifact)[3:]) == 0
    printed = capfd.readouterr()
    assert sentence not in printed.err
    assert "skipped    2, done by an earlier run\n" in printed.out


def test_a_progress_bar_can_be_asked_for_and_silence_too(
    scans: Path, tmp_path: Path, artifact: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(command_line(scans, tmp_path / "a", artifact, "--progress")[3:]) == 0
    assert "2/2" in capfd.readouterr().err

    assert main(command_line(scans, tmp_path / "b", artifact, "--quiet")[3:]) == 0
    assert capfd.readouterr().out == ""


# --- cut short -------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Sixty images that take a while each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02d}.png").write_bytes(noise_file(200, 200, seed=number))
    return folder


def started_and_stopped(arguments: list[str], out: Path, with_signal: signal.Signals) -> tuple[int, str]:
    """Start the command and send a signal to all its processes once some images are done, as a terminal does."""
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while process.poll() is None:
            if (out / "results.jsonl").exists() and (out / "results.jsonl").read_bytes().count(b"\n") >= 5:
                os.killpg(process.pid, with_signal)
                break
            time.sleep(0.002)
        _, printed = process.communicate(timeout=60)
        return process.returncode, printed


def test_a_run_that_was_killed_goes_on_and_scores_nothing_twice(many: Path, tmp_path: Path, artifact: Path) -> None:
    out = tmp_path / "out"
    arguments = command_line(many, out, artifact, "--jobs", "2", "--size", "600")

    status, _ = started_and_stopped(arguments, out, signal.SIGKILL)
    before = (out / "results.jsonl").read_bytes()
    again = subprocess.run(arguments, capture_output=True, text=True, check=False)

    assert status in {-signal.SIGKILL, 0}  # 0 where it was faster than the kill
    assert again.returncode == 0, again.stderr
    assert [row["key"] for row in rows(out)] == sorted(path.name for path in many.iterdir())
    assert {row["status"] for row in rows(out)} == {"analysed"}
    # what had been recorded before was not done again
    assert (out / "results.jsonl").read_bytes().startswith(before[: before.rindex(b"\n") + 1])
    assert len(lines(out / "results.jsonl")) == 60
    scored = Counter(record["input_sha256"] for record in lines(out / "audit.jsonl"))
    assert len(scored) == 60
    assert scored.total() <= 61  # the main process may have been at one record when it was killed
    # no unfinished file exists
    assert not list(out.rglob("*.part"))


def test_a_run_that_was_interrupted_says_so_and_leaves_a_table(many: Path, tmp_path: Path, artifact: Path) -> None:
    # GIVEN so many images that the run cannot be over before it is interrupted
    for copy in range(20):
        for path in list(many.glob("??.png")):
            (many / f"{path.stem}-{copy}.png").hardlink_to(path)
    out = tmp_path / "out"
    arguments = command_line(many, out, artifact, "--jobs", "2", "--size", "600")

    status, printed = started_and_stopped(arguments, out, signal.SIGINT)

    assert status == 130
    assert printed.splitlines()[-1] == "Interrupted; the same command resumes."
    assert "Traceback" not in printed
    assert len(rows(out)) == len(lines(out / "results.jsonl")) < 1260


def test_interrupted_before_the_first_image_it_says_so(
    scans: Path, tmp_path: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(analyze_folder, "find", interrupt)

    assert main(command_line(scans, tmp_path / "out", artifact)[3:]) == 130
    assert capsys.readouterr().err == "Interrupted; the same command resumes.\n"


# --- what does not work ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--jobs", "0"], "from 1 on"),
        (["--jobs", "two"], "from 1 on"),
        (["--size", "63"], "from 64 to 1024"),
        (["--size", "1025"], "from 64 to 1024"),
        (["--target", "both"], "invalid choice"),
        (["--pattern", ""], "must not be empty"),
        (["--quiet", "--progress"], "not allowed with"),
    ],
)
def test_a_wrong_option_is_named(
    scans: Path, tmp_path: Path, artifact: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(command_line(scans, tmp_path / "out", artifact, *more)[3:])

    assert exit_.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_command_and_its_folders_have_to_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["guess"], ["analyze"], ["analyze", "scans"]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
    assert "--out" in capsys.readouterr().err


def test_a_layer_that_is_none_and_folders_that_make_no_sense_are_usage_errors(
    scans: Path, tmp_path: Path, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "none").mkdir()
    (tmp_path / "out/results/scans").mkdir(parents=True)
    (tmp_path / "new").mkdir()
    new = tmp_path / "new" / "out"
    cases = {
        "no conv layer": (scans, new, ["--layer", "nonsense"]),
        "DIR is not a folder": (tmp_path / "missing", new, []),
        "OUT is not a folder": (scans, tmp_path / "file", []),
        "another folder": (scans, scans, []),
        "read and written at once": (tmp_path / "out/results/scans", tmp_path / "out", []),
        "no image": (tmp_path / "none", new, []),
        "was asked for": (scans, new, ["--pattern", "right/*"]),
    }
    for said, (folder, out, more) in cases.items():
        assert main(command_line(folder, out, artifact, *more)[3:]) == 2
        assert said in capsys.readouterr().err
    assert not new.exists()


def test_a_setting_that_cannot_be_read_is_named(
    scans: Path, tmp_path: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "get_settings", lambda: Settings.from_environment({"THYROID_MAX_PIXELS": "many"}))

    assert main(command_line(scans, tmp_path / "out", artifact)[3:]) == 2
    assert "THYROID_MAX_PIXELS" in capsys.readouterr().err


def test_without_a_model_one_sentence_says_how_to_get_one(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command_line(scans, tmp_path / "out", tmp_path)[3:]) == 3

    (sentence,) = capsys.readouterr().err.splitlines()
    assert "`make model`" in sentence
    assert "--model" in sentence


def test_a_model_that_does_not_work_ends_the_run(
    scans: Path, tmp_path: Path, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").write_bytes((artifact / "model.json").read_bytes())

    assert main(command_line(scans, tmp_path / "out", model)[3:]) == 3
    assert "run `make model`" in capsys.readouterr().err
    assert rows(tmp_path / "out") == []


def test_a_file_that_cannot_be_opened_is_told_of_without_its_name(
    scans: Path, tmp_path: Path, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / f"{JANE}-lost.png").symlink_to("nowhere.png")

    assert main(command_line(scans, tmp_path / "out", artifact)[3:]) == 3

    printed = capsys.readouterr()
    assert "failed     1: No such file or directory (1); see failed.jsonl" in printed.out
    assert JANE not in printed.out + printed.err
    assert len(rows(tmp_path / "out")) == 2


def test_two_runs_into_one_folder_do_not_meet(
    scans: Path, tmp_path: Path, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with lock_folder(out):
        assert main(command_line(scans, out, artifact)[3:]) == 3

    assert "Another run is writing into OUT" in capsys.readouterr().err
    assert main(command_line(scans, out, artifact)[3:]) == 0


def test_results_that_cannot_be_written_are_told_of_without_a_name(
    scans: Path, tmp_path: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object, **__: object) -> RunSummary:
        raise OSError(28, "No space left on device", JANE)

    monkeypatch.setattr(analyze_folder, "run_batch", run)

    assert main(command_line(scans, tmp_path / "out", artifact)[3:]) == 3
    assert capsys.readouterr().err == "The results cannot be written: No space left on device.\n"


def test_it_says_how_it_is_used_and_what_its_exit_status_tells(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["analyze", "--help"])

    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    assert "python -m thyroid analyze scans --out results" in printed
    assert all(f"\n  {int(status)} " in printed for status in Exit)


def test_nothing_of_the_web_or_of_aws_is_needed() -> None:
    modules = "thyroid.__main__, thyroid.core.analyzer, thyroid.core.litert_engine"
    code = f"import sys, {modules}; print(set({NOT_NEEDED}) & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
