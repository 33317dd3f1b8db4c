"""The input check: what passes, what does not, and why."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from thyroid import phantom
from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid.core.input_check import (
    FEATURES,
    MIN_SIDE,
    RULE_FILE,
    InputCheck,
    _working_plane,
    check,
    features,
    read_rule,
    rule,
)
from thyroid_model.data import other_images
from thyroid_model.data.other_images import FITTED_KINDS, HELD_OUT_KINDS
from thyroid_model.training.input_check_rule import fit_rule

DOCUMENT = Path(__file__).parents[3] / "docs/input-check.md"
SEEDS = range(1000, 1010)  # not those that the rule was chosen with


def reasons(pixels: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return check(pixels, field_of_view.find(pixels)).reasons


def whole(pixels: npt.NDArray[np.uint8]) -> Box:
    return Box(0, 0, pixels.shape[1], pixels.shape[0])


@pytest.mark.parametrize("suspicious", [False, True])
@pytest.mark.parametrize("height", [240, 400])
def test_the_projects_own_images_pass_at_any_size(height: int, suspicious: bool) -> None:
    for seed in range(100, 102):
        width = height * 3 // 2
        assert reasons(phantom.make(seed, suspicious=suspicious, height=height, width=width)) == ()
        assert reasons(phantom.make_frame(seed, suspicious=suspicious, height=height, width=width)) == ()


@pytest.mark.parametrize("kind", [*FITTED_KINDS, *HELD_OUT_KINDS])
def test_of_every_other_kind_nearly_all_are_flagged(kind: str) -> None:
    flagged = [bool(reasons(other_images.make(kind, seed))) for seed in SEEDS]

    assert np.mean(flagged) >= 0.95


def test_kinds_are_either_chosen_with_or_kept_out() -> None:
    assert not set(FITTED_KINDS) & set(HELD_OUT_KINDS)


def test_the_same_seed_makes_the_same_image_and_another_one_another() -> None:
    one, again, other = (other_images.make("leaves", seed) for seed in (1, 1, 2))

    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_a_field_of_view_is_too_small_under_its_bound_and_not_at_it() -> None:
    pixels = phantom.make(1, suspicious=False)
    side = MIN_SIDE

    assert check(pixels, Box(50, 50, 50 + side, 50 + side)).reasons != ("too_small",)
    assert check(pixels, Box(50, 50, 50 + side - 1, 300)).reasons == ("too_small",)
    assert check(pixels, Box(50, 50, 400, 50 + side - 1)).reasons == ("too_small",)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_of_one_level_is_blank_even_with_a_little_noise(level: int) -> None:
    flat = np.full((300, 400, 3), level, np.uint8)
    noisy = np.clip(flat + np.random.default_rng(0).normal(0, 2, flat.shape), 0, 255).astype(np.uint8)

    assert reasons(flat) == reasons(noisy) == ("blank",)


def test_a_coloured_patch_over_ultrasound_is_a_colour_overlay_and_a_small_mark_is_none() -> None:
    pixels = phantom.make(3, suspicious=True)
    doppler, marked = pixels.copy(), pixels.copy()
    doppler[150:230, 250:350] = np.maximum(doppler[150:230, 250:350], (200, 40, 30)).astype(np.uint8)
    marked[150:158, 250:258] = (255, 255, 0)

    assert "colour_overlay" in check(doppler, whole(doppler)).reasons
    assert check(marked, whole(marked)).reasons == ()


def test_all_reasons_that_apply_are_given() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)

    assert reasons(noise) == ("colour_overlay", "not_ultrasound")


@pytest.mark.parametrize("shape", [(96, 2000, 3), (2000, 96, 3), (32, 32, 3)])
def test_images_of_any_shape_are_judged(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    assert not check(pixels, whole(pixels)).looks_like_ultrasound
    assert np.isfinite(features(pixels, whole(pixels))).all()


def test_an_image_of_usual_size_is_measured_with_all_of_its_pixels() -> None:
    """Every second column is black: thinned out, such an image would be black or have none."""
    striped = np.full((1500, 2047, 3), 200, np.uint8)
    striped[:, ::2] = 0

    found = dict(zip(FEATURES, features(striped, whole(striped)), strict=True))

    assert found["dark_share"] == found["bright_share"] == 0  # grey, as means are


def test_a_huge_image_is_thinned_out_and_judged_as_it_would_be_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = phantom.make(5, suspicious=False, height=300, width=450)
    huge = np.asarray(Image.fromarray(pixels).resize((4500, 3000), Image.Resampling.BICUBIC))

    thinned = features(huge, whole(huge))
    monkeypatch.setattr("thyroid.core.input_check._SUBSAMPLED_SIDE", 10_000)
    in_full = features(huge, whole(huge))

    assert not np.array_equal(thinned, in_full)
    assert np.abs((thinned - in_full) / rule().deviation).max() < 0.25


def test_converting_a_huge_image_copies_a_small_part_of_it() -> None:
    huge = np.zeros((5000, 5000, 3), np.uint8)
    box = whole(huge)

    tracemalloc.start()
    features(huge, box)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < huge.nbytes / 4


def test_a_huge_narrow_image_keeps_enough_of_its_shorter_side() -> None:
    rng = np.random.default_rng(0)
    narrow = rng.integers(0, 256, (96, 60_000, 3), dtype=np.uint8)

    assert np.isfinite(features(narrow, whole(narrow))).all()
    rows = np.asarray(_working_plane(narrow)).mean(axis=1)
    assert np.std(rows) < 10  # rows of noise are alike where each is of many pixels


def test_the_numbers_are_those_of_plain_arithmetic_in_double_precision() -> None:
    """Whole numbers and float32 are faster; this is what they stand for, and how far they may be off."""
    frame = phantom.make(4, suspicious=True, height=200, width=256)  # as large as texture is measured at
    plane = frame[..., 0].astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(plane, (7, 7))
    mean, contrast = windows.mean((2, 3)), windows.std((2, 3))
    detail = plane[3:-3, 3:-3] - mean
    grain = detail / (contrast + 2)
    detail /= detail.std() + 1
    power = np.mean(detail**2)
    across, down = np.abs(np.diff(plane)).mean(), np.abs(np.diff(plane, axis=0)).mean()
    expected = {
        "dark_share": np.mean(plane < 40),
        "bright_share": np.mean(plane > 200),
        "deviation": plane.std() / 255,
        "skewness": np.mean(((plane - plane.mean()) / (plane.std() + 1)) ** 3),
        "contrast_median": np.log(np.median(contrast[::4, ::4]) + 1),
        "contrast_with_brightness": np.corrcoef(mean[::4, ::4].ravel(), contrast[::4, ::4].ravel())[0, 1],
        "wide_to_tall": np.log((across + 0.1) / (down + 0.1)),
        "edge_weight": np.log(np.mean(detail**4) + 0.1),
        "grain_weight": np.log(np.mean(grain**4) / np.mean(grain**2) ** 2 + 0.1),
        "grain_skewness": np.mean(grain**3),
        "likeness_2_across": np.mean(detail[:, 2:] * detail[:, :-2]) / power,
        "likeness_5_down": np.mean(detail[5:] * detail[:-5]) / power,
    }

    found = dict(zip(FEATURES, features(frame, whole(frame)), strict=True))

    deviation = dict(zip(FEATURES, rule().deviation, strict=True))
    for name, value in expected.items():
        assert abs(found[name] - value) / deviation[name] < 1e-4, name


def test_grey_levels_are_judged_as_three_channels_that_are_alike_are() -> None:
    frame = phantom.make_frame(2, suspicious=False)
    grey = np.ascontiguousarray(frame[..., 0])
    box = field_of_view.find(frame)

    assert np.ptp(frame, axis=2).max() == 0
    assert field_of_view.find(grey) == box
    np.testing.assert_array_equal(features(grey, box), features(frame, box))
    assert check(grey, box) == check(frame, box)


def test_features_are_finite_where_there_is_nothing() -> None:
    flat = np.zeros((200, 200, 3), np.uint8)

    found = features(flat, whole(flat))

    assert found.shape == (len(FEATURES),)
    assert np.isfinite(found).all()


def test_the_sentence_says_each_reason() -> None:
    assert InputCheck().detail == "The image looks like B-mode ultrasound."
    sentence = InputCheck(("colour_overlay", "not_ultrasound")).detail
    assert "Doppler" in sentence
    assert "texture" in sentence
    assert sentence.endswith(".")


# --- the rule --------------------------------------------------------------------------------------------------------


def test_the_rule_keeps_what_is_promised_of_it() -> None:
    measured = json.loads(RULE_FILE.read_text("utf-8"))["measured"]

    for name in ("ddti", "bus-bra"):
        assert measured["ultrasound"][name]["flagged"] <= 0.02
    assert measured["kinds_kept_out_flagged"] >= 0.95
    assert measured["photographs_flagged"] >= 0.95
    assert set(measured["kinds_kept_out"]) == set(HELD_OUT_KINDS)


def test_a_rule_of_other_features_is_not_taken(tmp_path: Path) -> None:
    table = json.loads(RULE_FILE.read_text("utf-8"))
    del table["features"]["dark_share"]
    (tmp_path / "rule.json").write_text(json.dumps(table))

    with pytest.raises(ValueError, match="other features"):
        read_rule(tmp_path / "rule.json")


def test_a_rule_is_chosen_that_tells_two_clouds_apart_and_flags_one_in_a_hundred() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=(1000, len(FEATURES)))
    strange = rng.normal(2.0, 1.0, (300, len(FEATURES)))

    rule = fit_rule(sound, strange, sound)

    assert np.mean(rule.strangeness(sound) > 0) == pytest.approx(0.01, abs=0.002)
    assert np.mean(rule.strangeness(strange) > 0) > 0.95


def test_what_lies_far_out_counts_no_more_than_six_deviations() -> None:
    far = rule().mean + 6 * rule().deviation

    assert rule().strangeness(rule().mean + 1000 * rule().deviation) == pytest.approx(rule().strangeness(far))


def test_the_documentation_tells_what_was_measured() -> None:
    """The rows of its table, against what the command wrote beside the rule; shares under .05 % are 0."""
    measured = json.loads(RULE_FILE.read_text("utf-8"))["measured"]
    sets = measured["ultrasound"]
    resized = [sets[f"{name}, resized"] for name in ("ddti", "bus-bra")]

    def row(groups: list[dict[str, float]]) -> tuple[int, str]:
        images = sum(group["images"] for group in groups)
        # The file has four digits of each share, so the numbers of flagged images can be told from it.
        share = 100 * sum(round(group["images"] * group["flagged"]) for group in groups) / images
        text = f"{share:.1f}".removeprefix("0").removesuffix(".0")
        return int(images), f"{text} %" if text else "0"

    expected = [
        row([sets["ddti"]]),
        row([sets["bus-bra"]]),
        row(resized),
        row([sets["breast"]]),
        row(list(measured["phantoms"].values())),
        row(list(measured["kinds_kept_out"].values())),
        row(list(measured["photographs"].values())),
        row(list(measured["kinds_chosen_with"].values())),
    ]

    lines = DOCUMENT.read_text("utf-8").split("## How well")[1].splitlines()
    cells = [line.replace("*", "").split("|")[2:4] for line in lines if line.startswith("| ")][1:]
    assert [(int(number), said.strip()) for number, said in cells] == expected
