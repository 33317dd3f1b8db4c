"""`predict`, `gradcam`, `analyze FILE` and `model-info` as their users meet them on a terminal."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from tests.images import image_file, noise_file, png_that_claims, saved
from thyroid import phantom
from thyroid.__main__ import main
from thyroid.batch.find import find
from thyroid.core.analysis import Analysis
from thyroid.core.analyzer import Analyzer
from thyroid.core.engine import Engine
from thyroid.core.options import ExplainOptions
from thyroid.files.lock import lock_folder
from thyroid.settings import Settings
from thyroid.web import responses
from thyroid.web.schemas import REPORT_SIZE

ROOT = Path(__file__).parents[2]
NOT_NEEDED = {"fastapi", "starlette", "mangum", "aws_lambda_powertools", "boto3", "botocore", "uvicorn", "tensorflow"}
GREETING = "INFO: Created TensorFlow Lite"  # of the runtime, on standard error

Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def scan() -> bytes:
    """A phantom that looks like ultrasound."""
    return saved(Image.fromarray(phantom.make(3, suspicious=True)))


@pytest.fixture(scope="module")
def model(artifact: Path) -> Path:
    """The compiled model, wherever a test runs."""
    return ROOT / artifact


@pytest.fixture(autouse=True)
def place(tmp_path: Path, scan: bytes, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with two images, where the commands run."""
    (tmp_path / "scan.png").write_bytes(scan)
    (tmp_path / "small.jpg").write_bytes(image_file("JPEG"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THYROID_MODEL_DIR", str(model))
    monkeypatch.setattr("thyroid.cli.options.get_settings", lambda: Settings(model_dir=model))
    return tmp_path


@pytest.fixture
def analyzer(model: Path) -> Analyzer:
    return Analyzer(Settings(model_dir=model))


def without_time(response: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name != "timestamp"}


def process_of(*python: str) -> "subprocess.Popen[str]":
    """Start Python with what the commands need, and little else; the model's folder is in the environment."""
    environment = {
        "PYTHONPATH": f"{ROOT}/layers/inference/python",
        "THYROID_MODEL_DIR": os.environ["THYROID_MODEL_DIR"],
    }
    return subprocess.Popen(
        [sys.executable, *python], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def started(*arguments: str) -> "subprocess.Popen[str]":
    return process_of("-m", "thyroid", *arguments)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Return status, output, and errors without the runtime's greeting."""
    out, err = process.communicate(timeout=120)
    lines = [line for line in err.splitlines() if not line.startswith(GREETING)]
    return process.returncode, out, "\n".join(lines)


# --- predict ---------------------------------------------------------------------------------------------------------


def test_an_image_gets_a_line_and_what_is_advised(analyzer: Analyzer, scan: bytes, capsys: Printed) -> None:
    response = responses.prediction(analyzer.score(scan))

    assert main(["predict", "scan.png"]) == 0

    line, recommendation, disclaimer = capsys.readouterr().out.splitlines()
    assert line.startswith(f"scan.png  {response.prediction.label}")
    assert f"{100 * response.prediction.confidence_score:.2f} % malignant  {response.risk_assessment}" in line
    assert "!" not in line
    assert (recommendation, disclaimer) == (response.recommendation, response.disclaimer)


def test_an_image_that_is_no_ultrasound_is_marked_and_told_why(analyzer: Analyzer, capsys: Printed) -> None:
    assert main(["predict", "small.jpg"]) == 0

    printed = capsys.readouterr().out
    assert printed.splitlines()[0].endswith("  ! too_small")
    assert analyzer.score(Path("small.jpg").read_bytes()).input_check.detail in printed


def test_several_images_get_a_line_each_and_nothing_more(capsys: Printed) -> None:
    assert main(["predict", "scan.png", "small.jpg"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.index("% malignant") == second.index("% malignant")


def test_json_is_what_the_api_answers(analyzer: Analyzer, scan: bytes, capsys: Printed) -> None:
    assert main(["predict", "--json", "./scan.png", "small.jpg"]) == 0

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    response = responses.prediction(analyzer.score(scan), "./scan.png").model_dump(mode="json", by_alias=True)
    assert without_time(first) == without_time(response)
    assert list(first) == list(response)
    assert second["filename"] == "small.jpg"


def test_broken_input_of_each_kind_is_told_of_and_the_rest_is_answered(place: Path, capsys: Printed) -> None:
    (place / "notes.txt").write_text("no image")
    (place / "empty.png").write_bytes(b"")
    (place / "huge.png").write_bytes(png_that_claims(100_000, 100_000))
    (place / "torn.png").write_bytes(noise_file(64, 64)[:5000])
    (place / "long.png").write_bytes(bytes(32 * 1024 * 1024 + 1))
    (place / "folder").mkdir()
    said = {
        "notes.txt": "send PNG, JPEG, WebP, BMP, TIFF or GIF.",
        "empty.png": "The image is empty",
        "huge.png": "more than 20000000 pixels",
        "torn.png": "damaged or incomplete",
        "long.png": "over the limit of 33554432 bytes",
        "folder": "It is a folder",
        "nowhere.png": "No such file or directory.",
        "new\nline.png": "No such file",
    }

    assert main(["predict", *said, "scan.png"]) == 1

    printed = capsys.readouterr()
    (answered,) = printed.out.splitlines()
    assert answered.startswith("scan.png ")
    errors = [line for line in printed.err.splitlines() if not line.startswith(GREETING)]
    assert len(errors) == len(said)
    for line, (name, sentence) in zip(errors, said.items(), strict=True):
        assert line.startswith(name.replace("\n", r"\n") + ": ")
        assert sentence in line


def test_one_image_that_is_refused_leaves_nothing_on_standard_output(place: Path, capsys: Printed) -> None:
    (place / "notes.txt").write_text("no image")

    assert main(["predict", "notes.txt"]) == 1
    assert capsys.readouterr().out == ""


def test_standard_input_is_an_image(scan: bytes, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(scan)))

    assert main(["predict", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["filename"] == "-"
    assert main(["predict", "-", "-"]) == 2
    assert "only once" in capsys.readouterr().err


def test_the_model_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from thyroid.core import analyzer

    opened: list[Path] = []
    load = analyzer.load_engine

    def counted(settings: Settings) -> Engine:
        opened.append(settings.model_dir)
        return load(settings)

    monkeypatch.setattr(Analyzer.__init__, "__defaults__", (counted, *(Analyzer.__init__.__defaults__ or ())[1:]))

    assert main(["predict", "scan.png", "small.jpg", "scan.png"]) == 0
    assert len(opened) == 1


# --- gradcam ---------------------------------------------------------------------------------------------------------


def test_maps_are_written_as_the_api_gives_them(analyzer: Analyzer, place: Path, scan: bytes, capsys: Printed) -> None:
    layer = analyzer.engine().manifest.conv_layers[0].name
    options = ["--layer", layer, "--target", "benign", "--size", "80"]

    assert main(["gradcam", "scan.png", "--out", "there/maps", "--json", *options]) == 0

    printed = json.loads(capsys.readouterr().out)
    analysis = analyzer.explain(scan, ExplainOptions(layer, "benign", 80))
    expected = responses.gradcam(analysis, "scan.png").model_dump(mode="json", by_alias=True)
    assert list(printed) == list(expected)
    images, encoded = printed.pop("images"), expected.pop("images")
    assert without_time(printed) == without_time(expected)
    assert images == {kind: f"there/maps/scan.{kind}.png" for kind in ("heatmap", "overlay")}
    for kind, path in images.items():
        assert Path(path).read_bytes() == base64.b64decode(encoded[kind])
        with Image.open(path) as image:
            assert max(image.size) == 80


def test_maps_too_large_for_a_response_are_written(place: Path) -> None:
    # GIVEN noise, whose PNG files of 1024 pixels take more than a response of the API may hold
    (place / "noise.png").write_bytes(noise_file(1024, 1024))

    assert main(["gradcam", "noise.png", "--size", "1024"]) == 0

    with Image.open("maps/noise.overlay.png") as overlay:
        assert overlay.size == (1024, 1024)


def test_a_line_says_what_was_written_and_no_image_is_found_in_it(place: Path, capsys: Printed) -> None:
    assert main(["gradcam", "scan.png", "small.jpg"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("scan.png  maps/scan.heatmap.png and maps/scan.overlay.png, ")
    assert second.endswith("! too_small")
    assert find(place, place / "results").keys == ["scan.png", "small.jpg"]


def test_a_folder_of_the_users_own_does_not_become_one_of_results(place: Path) -> None:
    assert main(["gradcam", "scan.png", "--out", "."]) == 0

    assert "scan.png" in find(place, place / "results").keys


def test_a_map_without_evidence_is_said_to_be_blank(place: Path, capsys: Printed) -> None:
    lines = []
    for target in ("malignant", "benign"):
        assert main(["gradcam", "small.jpg", "--target", target, "--out", target, "--json"]) == 0
        (result,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        assert main(["gradcam", "small.jpg", "--target", target, "--out", target, "--overwrite"]) == 0
        lines.append((result["has_evidence"], capsys.readouterr().out))
    for has_evidence, line in lines:
        assert ("blank: nothing at" in line) == (not has_evidence)


def test_nothing_is_written_over_unless_asked_for(place: Path, capsys: Printed) -> None:
    (place / "maps").mkdir()
    (place / "maps/scan.overlay.png").write_bytes(b"mine")

    assert main(["gradcam", "scan.png", "small.jpg"]) == 1

    assert "scan.png: maps/scan.overlay.png exists already" in capsys.readouterr().err
    assert (place / "maps/scan.overlay.png").read_bytes() == b"mine"
    assert (place / "maps/small.overlay.png").exists()
    assert not (place / "maps/scan.heatmap.png").exists()
    assert main(["gradcam", "scan.png", "--overwrite"]) == 0
    assert (place / "maps/scan.overlay.png").read_bytes().startswith(b"\x89PNG")


def test_options_that_make_no_sense_are_usage_errors(place: Path, capsys: Printed) -> None:
    cases = {
        "no conv layer": ["gradcam", "scan.png", "--layer", "nonsense"],
        "DIR is not a folder": ["gradcam", "scan.png", "--out", "small.jpg"],
        "have the same name": ["gradcam", "scan.png", "./scan.png"],
        "has no conv layer": ["report", "scan.png", "--layer", "nonsense"],
        "DIR is not a folder; name": ["report", "scan.png", "--output", "small.jpg"],
        "would have the same name": ["report", "scan.png", "./scan.png"],
        "for a DIR": ["analyze", "scan.png", "--out", "out", "--jobs", "2"],
        "for FILEs": ["analyze", ".", "--out", "out", "--json"],
        "OUT is not a folder": ["analyze", "scan.png", "--out", "small.jpg"],
        "another folder": ["analyze", "scan.png", "--out", "."],
    }
    for said, arguments in cases.items():
        assert main(arguments) == 2
        assert said in capsys.readouterr().err
    assert {path.name for path in place.iterdir()} == {"scan.png", "small.jpg"}


@pytest.mark.parametrize("command", ["gradcam", "report"])
def test_a_name_that_leaves_no_room_for_its_results_is_refused_and_the_others_go_on(
    command: str, place: Path, scan: bytes, capsys: Printed
) -> None:
    long = "甲" * 80 + ".png"
    (place / long).write_bytes(scan)

    assert main([command, long, "scan.png", "--out", "out"]) == 1

    printed = capsys.readouterr()
    assert "too long; give it a shorter one" in printed.err
    assert printed.out.startswith("scan.png")
    assert {path.name.split(".")[0] for path in (place / "out").iterdir()} <= {"scan", ""}


def test_what_was_begun_is_not_left(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Analysis, _filename: str | None) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("thyroid.report.pdf.make", interrupted)

    assert main(["report", "scan.png", "--out", "out"]) == 130

    assert list((place / "out").iterdir()) == []


def test_maps_that_cannot_be_written_end_the_run(place: Path, capsys: Printed) -> None:
    (place / "maps/.scan.heatmap.png.part").mkdir(parents=True)

    assert main(["gradcam", "scan.png", "small.jpg"]) == 3

    assert "The results cannot be written: Is a directory." in capsys.readouterr().err
    assert not (place / "maps/small.overlay.png").exists()


def test_a_file_whose_name_no_system_takes_is_no_folder(capsys: Printed) -> None:
    assert main(["analyze", "x" * 300, "--out", "out"]) == 2
    assert "it may not be read" in capsys.readouterr().err


# --- analyze FILE ----------------------------------------------------------------------------------------------------


def test_files_get_the_same_results_as_those_of_a_folder(place: Path, capsys: Printed) -> None:
    (place / "notes.txt").write_text("no image")

    assert main(["analyze", "scan.png", "small.jpg", "notes.txt", "nowhere.png", "--out", "one"]) == 1
    printed = capsys.readouterr()
    assert main(["analyze", ".", "--out", "all", "--quiet"]) == 0

    assert [line[:9].strip() for line in printed.out.splitlines()] == ["scan.png", "small.jpg"]
    assert "notes.txt: " in printed.err
    assert "nowhere.png: No such file" in printed.err
    for name in ("scan.png", "small.jpg"):
        for file in ("heatmap.png", "overlay.png"):
            assert (place / f"one/results/{name}/{file}").read_bytes() == (
                place / f"all/results/{name}/{file}"
            ).read_bytes()
        one, of_all = (json.loads((place / f"{out}/results/{name}/result.json").read_text()) for out in ("one", "all"))
        for result in (one, of_all):
            del result["timestamp"], result["timings"]
        assert one == of_all
    assert json.loads((place / "one/results/notes.txt/error.json").read_text())["code"] == "unsupported_media_type"
    assert len((place / "one/audit.jsonl").read_bytes().splitlines()) == 2


def test_one_file_is_told_of_in_full_and_its_result_stays(place: Path, capsys: Printed) -> None:
    assert main(["analyze", "scan.png", "--out", "out"]) == 0
    line, recommendation, written, disclaimer = capsys.readouterr().out.splitlines()
    assert line.startswith("scan.png  ")
    assert written.startswith("out/results/scan.png: ")

    assert main(["analyze", "scan.png", "--out", "out"]) == 1
    assert "out/results/scan.png/result.json exists already" in capsys.readouterr().err
    assert main(["analyze", "scan.png", "--out", "out", "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert recommendation
    assert "not a diagnosis" in disclaimer


def test_a_refusal_is_tried_again(place: Path, capsys: Printed) -> None:
    (place / "x.png").write_bytes(b"")
    for _ in range(2):
        assert main(["analyze", "x.png", "--out", "out"]) == 1
        assert "The image is empty" in capsys.readouterr().err


def test_json_of_an_analysis_names_the_files(
    scan: bytes, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(scan)))

    assert main(["analyze", "-", "--out", "out", "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed["filename"] == "-"
    assert all(Path(path).is_file() for path in printed["gradcam"]["images"].values())
    assert {Path(path).parent for path in printed["gradcam"]["images"].values()} == {Path("out/results/stdin")}


def test_a_folder_that_another_run_writes_into_is_left_alone(place: Path, capsys: Printed) -> None:
    (place / "out").mkdir()
    with lock_folder(place / "out"):
        assert main(["analyze", "scan.png", "--out", "out"]) == 3
    assert "Another run is writing into OUT" in capsys.readouterr().err


# --- report ----------------------------------------------------------------------------------------------------------


def text_of(path: Path) -> str:
    (page,) = PdfReader(path).pages
    return page.extract_text()


def test_each_image_gets_a_page(place: Path, analyzer: Analyzer, scan: bytes, capsys: Printed) -> None:
    (place / "患者.png").write_bytes(scan)
    options = ["--target", "benign", "--size", "80", "--output", "there/reports"]

    assert main(["report", "./scan.png", "small.jpg", "患者.png", *options]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "./scan.png  there/reports/scan.report.pdf",
        "small.jpg  there/reports/small.report.pdf  ! too_small",
        "患者.png  there/reports/患者.report.pdf",
    ]
    text = text_of(place / "there/reports/scan.report.pdf")
    analysis = analyzer.score(scan)
    assert f"Score {analysis.assessment.score:.4f}" in text
    assert analysis.image.sha256 in text
    assert "for benign" in text
    assert "scan.png" in text
    assert "./scan.png" not in text  # no folders of the user's on a page that is handed on
    assert "患者.png" in text_of(place / "there/reports/患者.report.pdf")


def test_json_of_a_report_is_what_the_api_answers_and_names_the_file(
    analyzer: Analyzer, scan: bytes, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(scan)))

    assert main(["report", "--json", "-"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed.pop("pdf") == "reports/stdin.report.pdf"
    analysis = analyzer.explain(scan, ExplainOptions(size=REPORT_SIZE))
    response = responses.report(analysis, "-", include_images=False).model_dump(mode="json", by_alias=True)
    assert without_time(printed) == without_time(response)
    assert "none was given" in text_of(Path("reports/stdin.report.pdf"))


def test_a_report_that_is_there_stays_and_what_is_no_image_gets_none(place: Path, capsys: Printed) -> None:
    (place / "notes.txt").write_text("no image")
    (place / "reports").mkdir()
    (place / "reports/scan.report.pdf").write_bytes(b"mine")

    assert main(["report", "scan.png", "notes.txt", "nowhere.png", "small.jpg"]) == 1

    printed = capsys.readouterr()
    assert "scan.png: reports/scan.report.pdf exists already" in printed.err
    assert "notes.txt: " in printed.err
    assert "nowhere.png: No such file" in printed.err
    assert len(printed.out.splitlines()) == 1
    assert (place / "reports/scan.report.pdf").read_bytes() == b"mine"
    assert {path.name for path in (place / "reports").iterdir()} == {"scan.report.pdf", "small.report.pdf"}
    assert main(["report", "scan.png", "--overwrite"]) == 0
    assert text_of(place / "reports/scan.report.pdf")


def test_images_of_a_report_may_not_be_larger_than_the_api_gives_them(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["report", "scan.png", "--size", "801"])
    assert exit_.value.code == 2
    assert "64 to 800" in capsys.readouterr().err


def test_interrupted_reports_are_whole_or_not_there(place: Path, scan: bytes) -> None:
    for number in range(200):
        (place / f"{number}.png").write_bytes(scan)
    process = started("report", *(f"{number}.png" for number in range(200)))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)

    status, _, err = ended(process)

    assert (status, err) == (130, "Interrupted.")
    written = list((place / "reports").glob("*.pdf"))
    assert 0 < len(written) < 200
    assert all(text_of(path) for path in written)


# --- model-info ------------------------------------------------------------------------------------------------------


def test_the_model_is_described(analyzer: Analyzer, capsys: Printed) -> None:
    response = responses.model_info(analyzer.engine().manifest)

    assert main(["model-info"]) == 0
    printed = capsys.readouterr().out
    assert main(["model-info", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == response.model_dump(mode="json", by_alias=True)
    for said in (response.model.name, response.model.version, response.model.sha256, f"* {response.default_layer}"):
        assert said in printed
    assert all(layer in printed for layer in response.conv_layers)


@pytest.mark.parametrize("command", ["predict", "gradcam", "analyze", "model-info"])
def test_without_a_model_one_sentence_says_how_to_get_one(command: str, place: Path, capsys: Printed) -> None:
    more = {"model-info": [], "analyze": ["scan.png", "--out", "out"]}.get(command, ["scan.png"])

    assert main([command, *more, "--model", str(place)]) == 3

    (sentence,) = capsys.readouterr().err.splitlines()
    assert "`make model`" in sentence
    assert "--model" in sentence
    assert not (place / "maps").exists()


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr(
        "thyroid.cli.options.get_settings", lambda: Settings.from_environment({"THYROID_MAX_PIXELS": "many"})
    )

    assert main(["predict", "scan.png"]) == 2
    assert "THYROID_MAX_PIXELS" in capsys.readouterr().err


def test_with_the_standard_output_closed_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert main(["predict", "scan.png"]) == 3
    assert capsys.readouterr().err == "There is nowhere to write to: the standard output is closed.\n"


def test_with_the_standard_error_closed_images_are_answered(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr("sys.stderr", None)

    assert main(["predict", "scan.png", "nowhere.png"]) == 1
    assert capsys.readouterr().out.startswith("scan.png")


# --- as processes ----------------------------------------------------------------------------------------------------


def test_a_process_answers_a_pipe_and_shows_no_bar(place: Path) -> None:
    status, out, err = ended(started("predict", "scan.png", "small.jpg", "nowhere.png"))

    assert status == 1
    assert len(out.splitlines()) == 2
    assert err == "nowhere.png: No such file or directory."


def test_a_pipe_that_is_closed_ends_the_run_without_a_word(place: Path) -> None:
    process = started("predict", *["scan.png"] * 50)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    printed = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=120) == 141
    assert all(line.startswith(GREETING) for line in printed.splitlines())


@pytest.mark.parametrize("arguments", [["--help"], ["model-info"]])
def test_a_pipe_that_nobody_reads_is_no_error_to_tell_of(arguments: list[str]) -> None:
    process = started(*arguments)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    printed = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=120) == 141
    assert all(line.startswith(GREETING) for line in printed.splitlines())


def test_an_interrupted_run_says_so(place: Path) -> None:
    process = started("predict", *["scan.png"] * 2000)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    status, _, err = ended(process)

    assert (status, err) == (130, "Interrupted.")


def test_interrupted_while_it_is_being_imported_it_says_so() -> None:
    code = """if True:
        import sys, time
        import thyroid.__main__
        class Slow:
            def find_spec(self, name, *_):
                if name == "numpy":
                    print("importing", flush=True)
                    time.sleep(60)
        sys.meta_path.insert(0, Slow())
        assert "numpy" not in sys.modules
        sys.exit(thyroid.__main__.main(["predict", "scan.png"]))
    """
    process = process_of("-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)

    assert ended(process) == (130, "", "Interrupted.")


# --- help and start-up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["predict"], ["gradcam"], ["analyze"], ["report"], ["model-info"]])
def test_help_has_an_example_and_the_exit_statuses(command: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--help"])

    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    assert f"\n  {' '.join(['python -m thyroid', *command])}" in printed.partition("example")[2]
    assert all(f"\n  {status:<4} " in printed for status in (0, 1, 2, 3, 130, 141))


def test_the_script_is_called_as_itself(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/thyroid"])

    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert "\n  thyroid predict scan.jpg\n" in capsys.readouterr().out


def test_files_have_to_be_named(capsys: Printed) -> None:
    for command in ("predict", "gradcam", "report"):
        with pytest.raises(SystemExit) as exit_:
            main([command])
        assert exit_.value.code == 2
    assert "FILE" in capsys.readouterr().err


def test_a_prediction_loads_nothing_of_the_web_of_aws_or_of_tensorflow(place: Path) -> None:
    code = "import sys; from thyroid.__main__ import main; main(['predict', '--json', 'scan.png']); " + (
        f"print(*sorted({NOT_NEEDED!r} & set(sys.modules)))"
    )

    status, out, _ = ended(process_of("-c", code))

    result, loaded = out.split("\n", 1)
    assert status == 0
    assert json.loads(result)["success"]
    assert loaded == "\n"
