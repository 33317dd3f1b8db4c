"""The card of an evaluation that was made up: each number has its place."""

from pathlib import Path
from typing import Any

import pytest

from thyroid_model.evaluation import model_card
from thyroid_model.evaluation.model_card import _short, render


def calibration(ece: float, skill: float) -> dict[str, Any]:
    return {
        "meant_for": {
            "prevalence": 0.5,
            "ece15": ece,
            "brier": 0.2134,
            "brier_skill": skill,
            "ece15_by_chance_alone": 0.0876,
        },
        "at_the_sets_prevalence": {
            "prevalence": 0.8123,
            "ece15": 0.0456,
            "brier": 0.1345,
            "brier_skill": 0.0567,
            "ece15_by_chance_alone": 0.0678,
        },
    }


@pytest.fixture
def evaluation() -> dict[str, Any]:
    compared = {
        "auc": 0.6111,
        "auc_within_folds": 0.6222,
        "auc_95_interval": [0.5222, 0.7333],
        "sensitivity_at_specificity_0.80": 0.3444,
        "sensitivity_at_specificity_0.90": 0.1555,
        "calibration": calibration(0.2666, -0.0777),
    }
    return {
        "frames": 342,
        "cases": 287,
        "suspicious": 281,
        "not_suspicious": 61,
        "protocol": "5-fold cross-validation by case, stratified, in 3 rounds. " * 4,
        "auc": 0.7345,
        "auc_within_folds": 0.7456,
        "auc_95_interval": [0.6614, 0.8021],
        "sensitivity_at_specificity_0.80": 0.5432,
        "sensitivity_at_specificity_0.90": 0.3219,
        "auc_of_seeds": [0.7311, 0.7422],
        "calibration": calibration(0.0999, 0.1888),
        "at_threshold_0.50": {"sensitivity": 0.7012, "specificity": 0.6123},
        "at_thresholds_chosen_in_training_folds": {"specificity 0.80": {"sensitivity": 0.5101, "specificity": 0.7902}},
        "risk_bands": {
            "high": {"suspicious": 93.7, "not_suspicious": 6.3},
            "low": {"suspicious": 20.0, "not_suspicious": 21.0},
        },
        "groups": {
            "one pane": {"suspicious": 241, "not_suspicious": 57, "auc": 0.7199},
            "two panes": {"suspicious": 40, "not_suspicious": 0, "auc": None},
            "a caption under the view": {"suspicious": 70, "not_suspicious": 18, "auc": 0.8},
        },
        "compared": {"texture baseline, field of view": compared},
        "maps": {
            "frames_with_outline": 333,
            "default_layer": "lesion_evidence",
            "last_layer": "lesion_evidence",
            "hit_rate_chosen_on_other_folds": 0.6011,
            "hit_rate_chosen_on_other_folds_over_the_centre_prior": 0.0302,
            "hit_rate_chosen_on_other_folds_over_the_outline_prior": -0.0407,
            "layers": {
                "conv_16": {"hit_rate": 0.2022, "energy": 0.1},
                "lesion_evidence": {
                    "hit_rate": 0.6503,
                    "energy": 0.4104,
                    "deletion": 0.3205,
                    "insertion": 0.5306,
                    "hit_given": 0.7108,
                    "energy_given": 0.4409,
                },
            },
            "untrained": {"lesion_evidence": {"hit_rate": 0.2507, "energy": 0.1908}},
            "priors": {"centre": {"hit_rate": 0.5709, "energy": 0.2901, "deletion": 0.3802, "insertion": 0.4803}},
        },
        "field_of_view": {
            **{"images": 480, "changed_by_erasing": 3, "changed_by_painting": 17, "painted": 2400},
            **{"text_in_view": 2, "text_around_view": 451, "coloured_marks_in_view": 23},
            **{"written_in_view": 400, "written_found": 332},
            **{"touching": 470, "touching_changed_box": 94, "touching_pixels": 1000, "touching_surviving_pixels": 130},
            **{"overlapping": 460, "overlapping_changed_box": 207},
            **{"overlapping_pixels": 2000, "overlapping_surviving_pixels": 380},
        },
        "input_check": {
            "ultrasound": {"DDTI": {"flagged": 0.0123, "images": 480}},
            "photographs_flagged": 0.987,
            "photographs": {"Camera: a.png": {"flagged": 1.0}, "Camera: b.png": {"flagged": 0.974}},
            "photographs_of": {"Camera": 2, "Film": 0},
            "kinds_kept_out_flagged": 0.9456,
            "kinds_kept_out": {"maze": {"flagged": 1.0}, "map": {"flagged": 0.9}},
        },
        "training": {
            "recipe": {"pretraining_epochs": 18, "epochs": 20, "input_size": 160},
            "epochs": {"taken_after": 15, "chosen_in_folds": {"10": 4, "15": 6, "20": 5}},
            "data": {"BUS-BRA": {"used": 1875}, "BrEaST": {"used": 252}},
        },
    }


@pytest.fixture(autouse=True)
def _tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tried.md").write_text("This and that, ünd more.\n\n", encoding="utf-8")
    monkeypatch.setattr(model_card, "_TRIED", tmp_path / "tried.md")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7344, ".734"),
        (0.7346, ".735"),
        (0.05, ".050"),
        (0.0, ".000"),
        (-0.0777, "-.078"),
        (0.9999, "1.000"),
        (1.0, "1.00"),
        (-1.25, "-1.25"),
        (10.5, "10.50"),
        (None, "–"),
    ],
)
def test_figures_are_written_short(value: float | None, text: str) -> None:
    assert _short(value) == text


@pytest.mark.parametrize(
    "line",
    [
        "| **this model, cases not seen** | .734 | .661 to .802 | .746 | .543 / .322 | .100 | .189 |",
        "| texture baseline, field of view | .611 | .522 to .733 | .622 | .344 / .155 | .267 | -.078 |",
        "| one pane | 241 | 57 | .720 |",
        "| two panes | 40 | 0 | – |",
        "| chosen for specificity 0.80 | .510 | .790 |",
        "| .5, which decides the class | .701 | .612 |",
        "| .500 | .100 | .088 | .213 | .189 |",
        "| .812 | .046 | .068 | .135 | .057 |",
        "| High Risk | 93.7 | 6.3 |",
        "| Low Risk | 20 | 21 |",
        "| **`lesion_evidence`, the default** | .650 | .410 | .711 | .441 | .321 | .531 |",
        "| `lesion_evidence`, untrained | .251 | .191 | – | – | – | – |",
        "| centre, which knows nothing | .571 | .290 | – | – | .380 | .480 |",
    ],
)
def test_each_row_has_its_figures(evaluation: dict[str, Any], line: str) -> None:
    assert line.replace("| .734 |", f"| {_short(0.7345)} |").replace(".344 / .155", f".344 / {_short(0.1555)}") in (
        render(evaluation).splitlines()
    )


@pytest.mark.parametrize(
    "text",
    [
        "only 61 of its 342 thyroid frames",
        "First 1,875 images of breast lesions",
        "252 from BrEaST (Pawłowska et al. 2024), for 18 epochs",
        "open access) for 15 of 20: 342 labelled frames of 287 cases, 281 suspicious and 61 not.",
        "training folds (10 in 4 folds, 15 in 6 folds, 20 in 5 folds)",
        "AUC of the rounds: .731, .742.",
        "In DDTI it is 81 %",
        "a constant .812 would",
        "the outlines of 333 frames",
        "chosen on the other folds, it hits .601, which is +.030 from a map of the middle, and -.041 from one of where",
        "lie. The other layers hit: `conv_16` .202.",
        "on 480 frames, 3 change when all around",
        "and 17 of 2400 when text",
        "finds text around 451 of the sectors and in 2. Of 400 texts written onto tissue to try it, it finds 83 %",
        "in 23 frames the user's in colour",
        "of such captions some pixels do survive: of 470 written against it, 20 % change the crop, and 13 % of their "
        "pixels are left in it",
        "of 460 written half across its border, 45 % and 19 % of the pixels outside",
        "flagged are DDTI 1.2 %;",
        "94.6 % of those of the 2 kinds that were kept out of fitting its coefficients and 98.7 % of crops",
        "98.7 % of crops of 2 images that come with Camera;",
        "With 61 frames that are not suspicious",
        "radiologists reached in a multicentre study of 2020. It was not reached. This and that, ünd more.",
        "at 160 × 160, with one halving less",
        "There is a caption below the sector in 88 of the 342 thyroid frames",
    ],
)
def test_each_sentence_has_its_figures(evaluation: dict[str, Any], text: str) -> None:
    assert text in " ".join(render(evaluation).split())


def test_the_last_layer_has_a_row_where_it_is_not_the_default(evaluation: dict[str, Any]) -> None:
    evaluation["maps"]["default_layer"] = "conv_16"
    evaluation["maps"]["untrained"]["conv_16"] = {"hit_rate": 0.111, "energy": 0.1}

    lines = render(evaluation).splitlines()

    assert "| **`conv_16`, the default** | .202 | .100 | – | – | – | – |" in lines
    assert "| `lesion_evidence`, the last one | .650 | .410 | .711 | .441 | .321 | .531 |" in lines
    assert "| `conv_16`, untrained | .111 | .100 | – | – | – | – |" in lines


def test_the_last_layer_has_one_row_where_it_is_the_default(evaluation: dict[str, Any]) -> None:
    assert "the last one" not in render(evaluation)


def test_the_published_weights_are_spoken_of_where_they_have_a_row(evaluation: dict[str, Any]) -> None:
    sentence = "The rows of the published weights are on a set that they never met"
    assert sentence not in " ".join(render(evaluation).split())

    evaluation["compared"]["published weights, whole frame"] = evaluation["compared"]["texture baseline, field of view"]

    assert sentence in " ".join(render(evaluation).split())


def test_a_goal_that_was_reached_is_called_so(evaluation: dict[str, Any]) -> None:
    evaluation["auc"] = model_card.GOAL

    assert "It was reached." in render(evaluation)


def test_photographs_are_not_spoken_of_where_there_were_none(evaluation: dict[str, Any]) -> None:
    evaluation["input_check"]["photographs"] = {}

    assert "images that come with" not in " ".join(render(evaluation).split())
    assert "kept out of fitting its coefficients; which" in " ".join(render(evaluation).split())


def test_of_several_packages_with_photographs_each_has_its_number(evaluation: dict[str, Any]) -> None:
    evaluation["input_check"]["photographs_of"] = {"Camera": 2, "Film": 0, "Lens": 1}

    assert "images that come with Camera (2) and Lens (1);" in " ".join(render(evaluation).split())


def test_the_card_says_first_what_it_is_not(evaluation: dict[str, Any]) -> None:
    heading = render(evaluation).split("## What it is\n")[0]

    assert "Not a diagnosis, not a medical device" in heading
    assert "not biopsy" in heading


def test_the_protocol_is_wrapped(evaluation: dict[str, Any]) -> None:
    text = render(evaluation)

    assert evaluation["protocol"].strip() in " ".join(text.split())
    assert all(len(line) <= 120 for line in text.splitlines() if "3 rounds" in line)


@pytest.mark.parametrize(
    "item",
    ["- **Field of view**: on 480", "- **Input check** ([how]", "- **To decide about a patient**", "- With 61 frames"],
)
def test_items_of_a_list_stand_on_lines_of_their_own(evaluation: dict[str, Any], item: str) -> None:
    assert any(line.startswith(item) for line in render(evaluation).splitlines())


def test_the_card_ends_with_one_line_end(evaluation: dict[str, Any]) -> None:
    assert render(evaluation).endswith(".\n")
    assert "\n\n\n" not in render(evaluation)


def test_the_command_writes_the_card(
    evaluation: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(model_card, "read_evaluation", lambda _: evaluation)

    assert model_card.main(["--card", str(tmp_path / "card.md")]) == 0
    assert (tmp_path / "card.md").read_text("utf-8") == render(evaluation)
