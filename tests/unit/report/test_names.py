"""Letters of a name: shown, told by number, or left out where a … says so."""

import unicodedata

import pytest

from thyroid.report.fonts import FALLBACK, REGULAR, has_letter, runs
from thyroid.report.names import GAP, in_order_seen, is_number, letters, lines

WIDTH = 10


def joined(name: str) -> str:
    return "".join(letters(name, has_letter))


def broken(name: str, most: int) -> list[str]:
    """Lines of ten letters, each as wide as the other."""
    return ["".join(line) for line in lines(list(name), lambda _part: 1.0, WIDTH, most)]


@pytest.mark.parametrize(
    "name",
    [
        "thyroid scan (2).JPG",
        "Größe, façade, łódź, İstanbul, đặng.png",
        "Щитовидная железа.png",
        "Θυρεοειδής.png",
        "Հայերեն ქართული.png",
        "患者王小明.png",
        "甲狀腺.png",
        "ひらがなカタカナ.png",
        "갑상선.png",
        "½ µ × → ≥ €.png",
    ],
)
def test_names_of_these_scripts_are_shown_as_they_are(name: str) -> None:
    assert joined(name) == name


def test_letters_that_were_stored_in_parts_are_one() -> None:
    assert joined("e\u0301.png") == "é.png"
    assert letters("x\u0323y", has_letter) == ["x\u0323", "y"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("中\u0301", ["中", r"\u0301"]),
        ("क\u0301", [r"\u0915", r"\u0301"]),
        ("x\u0323\u0301", ["x\u0323\u0301"]),
    ],
)
def test_an_accent_is_set_only_above_a_letter_of_its_own_font(name: str, parts: list[str]) -> None:
    """GIVEN a letter whose font lacks the accent, or one told by its number THEN the accent is told by its number."""
    assert letters(name, has_letter) == parts


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("🦋.png", r"\U0001f98b.png"),
        ("ไทย.png", r"\u0e44\u0e17\u0e22.png"),
        ("a\u200fb\u061c", r"a\u200fb\u061c"),
        ("हिन्दी", r"\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("a\nb\t\x1b[31m", r"a\nb\t\x1b[31m"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("\ud800.png", r"\ud800.png"),
        ("\u200b", r"\u200b"),
        ("\u3164.png", r"\u3164.png"),
        ("𝔸.png", r"\U0001d538.png"),
    ],
)
def test_what_cannot_be_set_is_told_by_its_number(name: str, told: str) -> None:
    assert joined(name) == told
    assert any(map(is_number, letters(name, has_letter)))


def seen(name: str) -> str:
    return "".join(in_order_seen(letters(name, has_letter)))


@pytest.mark.parametrize(
    ("name", "from_the_left"),
    [
        ("שלום.png", "םולש.png"),
        ("scan שלום (2).jpg", "scan (2) םולש.jpg"),
        ("כהן 1970-01-31", "1970-01-31 ןהכ"),
        ("כהן 12.5", "12.5 ןהכ"),
        ("कשל", r"\u0915לש"),
    ],
)
def test_hebrew_goes_from_right_to_left_and_its_numbers_do_not(name: str, from_the_left: str) -> None:
    """As UAX #9 has it: a hyphen with digits at both sides is a part of the number, in Hebrew as in English."""
    assert seen(name) == from_the_left


def test_arabic_is_joined_and_goes_from_right_to_left() -> None:
    """Ghain, dal, teh marbuta: the first is joined to the second, which is joined to nothing."""
    assert [unicodedata.name(letter) for letter in seen("غدة.png")[:3]] == [
        "ARABIC LETTER TEH MARBUTA ISOLATED FORM",
        "ARABIC LETTER DAL FINAL FORM",
        "ARABIC LETTER GHAIN INITIAL FORM",
    ]
    assert seen("غدة.png").endswith(".png")


@pytest.mark.parametrize("name", ["غدة درقية", "پزشک گچ", "الله", "مریض ۱۲۳", "لا", "سُونَار", "ـمـ"])
def test_every_letter_and_vowel_of_arabic_and_persian_is_shown(name: str) -> None:
    assert not any(map(is_number, letters(name, has_letter)))


def test_names_that_differ_by_a_vowel_or_a_joiner_look_different() -> None:
    assert len({seen(name) for name in ("سونار", "سُونار", "سو\u200dنار", "سو\u200cنار")}) == 4


@pytest.mark.parametrize("name", ["a.png", "患者.png", "back\\slash.png", "e\u0301", "x\u0323"])
def test_letters_that_are_shown_are_no_numbers(name: str) -> None:
    assert not any(map(is_number, letters(name, has_letter)))


def test_a_letter_is_in_the_first_font_that_has_it() -> None:
    assert runs(list("ab患者.c")) == [(REGULAR, "ab"), (FALLBACK, "患者"), (REGULAR, ".c")]


def test_a_name_that_fits_stays_in_one_piece() -> None:
    assert broken("0123456789", 1) == ["0123456789"]
    assert broken("0123456789ab", 2) == ["0123456789", "ab"]


@pytest.mark.parametrize("length", [31, 32, 50, 1024])
def test_of_one_that_is_too_long_both_ends_stay_and_the_lines_are_filled(length: int) -> None:
    name = "<" + "x" * (length - 2) + ">"

    found = broken(name, 3)

    assert [len(line) for line in found] == [10, 10, 10]
    text = "".join(found)
    assert text.startswith("<x")
    assert text.endswith("x>")
    assert text.index(GAP) == 15
    assert text.count(GAP) == 1


def test_a_number_is_never_broken() -> None:
    parts = letters("患" * 3 + "🦋" * 30, has_letter)

    found = lines(parts, lambda part: float(len(part)), 25, 2)

    assert all(part == GAP or part in parts for line in found for part in line)
    assert all(sum(map(len, line)) <= 25 for line in found)


def test_a_letter_that_is_wider_than_a_line_has_one_of_its_own() -> None:
    assert lines(["wide", "a"], lambda part: float(len(part)), 2, 2) == [["wide"], ["a"]]
