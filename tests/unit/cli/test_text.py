"""How names and results are written on a terminal."""

import json
import os

import pytest

from tests.fakes import make_manifest
from thyroid.cli.exit import UsageError
from thyroid.cli.lines import MAX_NAME_COLUMNS, Lines, advice, as_dict, evidence, json_line
from thyroid.cli.model_info import description
from thyroid.cli.options import STANDARD_INPUT
from thyroid.cli.outputs import base, check_distinct, stem
from thyroid.cli.text import pad, printable, width
from thyroid.web.schemas import InputCheck, ModelReference, Prediction, PredictionResponse, now


def result(score: float, *reasons: str) -> dict[str, object]:
    label = "Malignant (Cancerous)" if score >= 0.5 else "Benign (Non-Cancerous)"
    return as_dict(
        PredictionResponse(
            timestamp=now(),
            filename=None,
            prediction=Prediction(
                class_id=1 if score >= 0.5 else 0, label=label, confidence_score=score, confidence_percentage=0.0
            ),
            risk_assessment="High Risk" if score >= 0.75 else "Low Risk",
            recommendation="Do this.",
            model=ModelReference(name="fake", version="1", sha256="0"),
            input_check=InputCheck.model_validate(
                {"looks_like_ultrasound": not reasons, "reasons": reasons, "detail": "It is small."}
            ),
        )
    )


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("scan.jpg", "scan.jpg"),
        ("Schilddrüse 甲状腺 🦋.png", "Schilddrüse 甲状腺 🦋.png"),
        ("new\nline.png", r"new\nline.png"),
        ("\x1b[31mred.png", r"\x1b[31mred.png"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        (os.fsdecode(b"bad\xff.png"), r"bad\xff.png"),
    ],
)
def test_no_name_breaks_a_line_or_gives_the_terminal_orders(name: str, written: str) -> None:
    assert printable(name) == written


def test_letters_count_the_columns_that_they_take() -> None:
    assert [width("abc"), width("甲状腺"), width("e\u0301")] == [3, 6, 1]
    assert pad("甲", 4) == "甲  "
    assert pad("too long", 3) == "too long"


# --- lines -----------------------------------------------------------------------------------------------------------


def test_columns_stand_below_each_other() -> None:
    lines = Lines(["a.png", "甲状腺.png"], make_manifest())

    first, second = lines.line("a.png", result(0.9)), lines.line("甲状腺.png", result(0.05, "too_small"))

    assert first == "a.png       Malignant (Cancerous)    90.00 % malignant  High Risk"
    assert second == "甲状腺.png  Benign (Non-Cancerous)    5.00 % malignant  Low Risk       ! too_small"
    for word in ("malignant", "Risk"):
        assert width(first[: first.index(word)]) - width(second[: second.index(word)]) in (0, 1)


def test_a_long_name_moves_its_own_line_alone() -> None:
    lines = Lines(["a.png", "x" * 200], make_manifest())

    assert lines.line("a.png", result(0.9)).index("Malignant") == MAX_NAME_COLUMNS + 2
    assert lines.line("x" * 200, result(0.9)).startswith("x" * 200 + "  Malignant")


def test_what_is_advised_says_why_an_image_is_flagged() -> None:
    assert advice(result(0.9)) == "Do this."
    assert advice(result(0.9, "too_small")) == "Do this.\nIt is small."


def test_a_map_without_evidence_is_told_of() -> None:
    explanation = {"target": "benign", "layer_used": "conv", "has_evidence": True}

    assert evidence(explanation) == "evidence for benign at conv"
    assert evidence(explanation | {"has_evidence": False}) == "blank: nothing at conv speaks for benign"


def test_a_line_of_json_is_ascii_and_gives_any_name_back() -> None:
    name = "Schilddrüse\n" + os.fsdecode(b"\xff")

    line = json_line(result(0.9) | {"filename": name})

    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["filename"] == name
    assert json.loads(line)["prediction"]["class"] == 1


# --- what results are called -----------------------------------------------------------------------------------------


def test_results_are_called_as_their_image() -> None:
    assert (stem("left/scan.tar.png"), base("left/scan.tar.png")) == ("scan.tar", "scan.tar.png")
    assert stem(STANDARD_INPUT) == base(STANDARD_INPUT) == "stdin"


@pytest.mark.parametrize("files", [["a/x.png", "b/x.png"], ["x.png", "X.PNG"], ["-", "stdin"]])
def test_two_images_are_never_written_over_each_other(files: list[str]) -> None:
    with pytest.raises(UsageError, match="the same name"):
        check_distinct(files, base)


def test_standard_input_is_read_once() -> None:
    with pytest.raises(UsageError, match="only once"):
        check_distinct(["-", "a.png", "-"], base)


def test_different_names_pass() -> None:
    check_distinct(["a.png", "b.png", "a.jpg", "-"], base)
    with pytest.raises(UsageError):
        check_distinct(["a.png", "a.jpg"], stem)


# --- the model -------------------------------------------------------------------------------------------------------


def test_a_model_is_described_with_what_is_known_of_it() -> None:
    figures = {"auc": 0.7813, "auc_95_interval": [0.7172, 0.842], "data": "a set"}
    manifest = make_manifest().model_copy(
        update={"evaluation": figures, "calibration": {"method": "Platt", "prevalence": 0.5}}
    )

    text = "\n".join(description(manifest))

    assert "AUC            0.781 (95 % interval 0.717 to 0.842), on a set" in text
    assert "calibration    for a prevalence of 0.5; Platt" in text
    assert "preprocessing  the whole image, 64 x 64, bilinear, times 0.00392157" in text
    assert "\n               conv2d                    16 x 16" in text
    assert "\n             * depthwise_separable_conv  8 x 8" in text


@pytest.mark.parametrize("figures", [{}, {"auc": None}, {"auc": "high"}])
def test_a_model_that_was_not_measured_is_described_as_such(figures: dict[str, object]) -> None:
    text = "\n".join(description(make_manifest().model_copy(update={"evaluation": figures})))

    assert "AUC            not measured" in text
    assert "calibration    none" in text


def test_an_auc_without_an_interval_stands_alone() -> None:
    assert "AUC            0.700\n" in "\n".join(description(make_manifest()))
