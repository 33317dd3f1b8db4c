from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from thyroid_model.evaluation.map_record import best_layer, summary
from thyroid_model.record import read_table, write_table
from thyroid_model.training.map_check import CENTRE, GRAD_CAM, OUTLINES, PRIOR, RANDOM, UNTRAINED, Row


def row(name: str, hit: int, energy: float = 0.5, **other: Any) -> dict[str, str]:
    """A row as it comes from the table."""
    values: dict[str, Any] = {"seed": 0, "fold": 0, "frame": "1_1.jpg", "kind": GRAD_CAM} | other
    curves = dict.fromkeys(("deletion", "insertion", "hit_given", "energy_given"), "")
    return {key: str(value) for key, value in (curves | values | {"name": name, "hit": hit, "energy": energy}).items()}


def test_the_best_layer_is_the_one_that_hits_most_often() -> None:
    rows = [row("a", 1, 0.1), row("b", 0, 0.9), row("a", 1, 0.1), row("b", 1, 0.9)]

    assert best_layer(rows) == "a"


def test_of_layers_that_hit_as_often_the_one_with_more_energy_inside_is_best() -> None:
    assert best_layer([row("a", 1, 0.3), row("b", 1, 0.4), row("c", 0, 0.9)]) == "b"


def test_layers_inside_a_block_maps_of_untrained_networks_and_priors_are_passed_over() -> None:
    rows = [
        row("lesion_evidence/pw", 1),
        row("lesion_evidence", 0),
        row("other", 1, kind=UNTRAINED),
        row(CENTRE, 1, kind=PRIOR),
    ]

    assert best_layer(rows) == "lesion_evidence"


@pytest.fixture
def rows() -> list[dict[str, str]]:
    """Two folds of two frames: of a, 3 of 4 maps hit, of z, which comes last, 2."""
    hits = {"1_1.jpg": (1, 0), "2_1.jpg": (1, 0), "3_1.jpg": (1, 1), "4_1.jpg": (0, 1)}
    table = []
    for place, (frame, (of_a, of_z)) in enumerate(hits.items()):
        where = {"frame": frame, "fold": place // 2}
        table += [
            row("a", of_a, 0.2 * place, deletion=0.1 * place, insertion=0.5, **where),
            row("z", of_z, 0.5, **where),
            row("a", 0, 0.1, kind=UNTRAINED, **where),
            row("z", 1, 0.2, kind=UNTRAINED, **where),
            row("never/shown", 1, 0.2, kind=UNTRAINED, **where),
            *(row(prior, int(place == 0), 0.3, kind=PRIOR, **where) for prior in (CENTRE, OUTLINES, RANDOM)),
        ]
    return table


def test_the_summary_has_the_means_of_every_layer(rows: list[dict[str, str]]) -> None:
    layers = summary(rows)["layers"]

    assert list(layers) == ["a", "z"], "in graph order"
    assert layers["a"] == {"hit_rate": 0.75, "energy": 0.3, "deletion": 0.15, "insertion": 0.5}
    assert layers["z"] == {"hit_rate": 0.5, "energy": 0.5}, "no curves where none were measured"


def test_curves_are_means_of_the_rows_that_have_them(rows: list[dict[str, str]]) -> None:
    """GIVEN a second seed without curves THEN the mean is that of the first."""
    second = [{**row, "seed": "1", "deletion": "", "insertion": ""} for row in rows]

    assert summary([*rows, *second])["layers"]["a"]["deletion"] == 0.15


def smallest(**other: Any) -> list[dict[str, str]]:
    """Two folds of one layer, and the two priors."""
    return [row("a", 1, fold=fold, **other) for fold in (0, 1)] + [row(p, 0, kind=PRIOR) for p in (CENTRE, OUTLINES)]


def test_a_curve_of_zero_is_a_curve() -> None:
    assert summary(smallest(deletion=0, insertion=0.5))["layers"]["a"]["deletion"] == 0


def test_evidence_for_the_class_given_has_means_of_its_own() -> None:
    said = summary(smallest(hit_given=0, energy_given=0.25))["layers"]["a"]

    assert (said["hit_rate"], said["hit_given"], said["energy_given"]) == (1, 0, 0.25)


def test_a_layer_whose_untrained_map_was_not_measured_has_none() -> None:
    assert summary(smallest())["untrained"] == {}


def test_the_default_is_the_best_layer_and_stands_beside_the_last_and_what_knows_nothing(
    rows: list[dict[str, str]],
) -> None:
    said = summary(rows)

    assert (said["default_layer"], said["last_layer"]) == ("a", "z")
    assert said["hit_rate"] == 0.75
    assert said["hit_rate_chosen_on_other_folds_over_the_centre_prior"] == 0
    assert said["hit_rate_chosen_on_other_folds_over_the_outline_prior"] == 0
    assert set(said["priors"]) == {CENTRE, OUTLINES, RANDOM}
    assert said["priors"][CENTRE] == {"hit_rate": 0.25, "energy": 0.3}
    assert said["untrained"] == {"a": {"hit_rate": 0, "energy": 0.1}, "z": {"hit_rate": 1, "energy": 0.2}}


def test_a_frame_that_was_seen_in_several_rounds_counts_once(rows: list[dict[str, str]]) -> None:
    assert summary([*rows, *({**row, "seed": "1"} for row in rows)])["frames_with_outline"] == 4


def test_the_nested_rate_is_of_layers_that_were_chosen_on_other_folds(rows: list[dict[str, str]]) -> None:
    """Fold 0 chooses a (2 of 2), which hits 1 of 2 of fold 1; fold 1 chooses z, which hits none of fold 0."""
    assert summary(rows)["hit_rate_chosen_on_other_folds"] == 0.25


def test_each_rounds_layers_are_chosen_within_the_round(rows: list[dict[str, str]]) -> None:
    """GIVEN a second round where z always hits and a never THEN its folds have 1, and the first round's stay."""
    second = [
        {**row, "seed": "1", "hit": str(int(row["name"] == "z"))} if row["kind"] == GRAD_CAM else {**row, "seed": "1"}
        for row in rows
    ]

    assert summary([*rows, *second])["hit_rate_chosen_on_other_folds"] == (0.25 + 1) / 2


def test_rows_survive_the_table_that_they_are_kept_in(tmp_path: Path) -> None:
    written = [
        Row(0, fold, f"{fold}_1.jpg", kind, name, 1, 1 / 3, *curves)
        for fold in (0, 1)
        for kind, name, curves in (
            (GRAD_CAM, "a", (0.25, 0.75, 1, 0.5)),
            (UNTRAINED, "a", ()),
            (PRIOR, CENTRE, ()),
            (PRIOR, OUTLINES, ()),
        )
    ]
    write_table(tmp_path / "maps.csv", [asdict(row) for row in written])

    said = summary(read_table(tmp_path / "maps.csv"))

    assert said["layers"]["a"] == {
        "hit_rate": 1,
        "energy": 0.3333,
        "deletion": 0.25,
        "insertion": 0.75,
        "hit_given": 1,
        "energy_given": 0.5,
    }
    assert said["untrained"]["a"] == {"hit_rate": 1, "energy": 0.3333}
