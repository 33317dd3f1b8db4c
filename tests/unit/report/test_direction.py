"""Lines in the order seen. As is the custom, capitals stand for Hebrew, and ~ for an Arabic letter before digits."""

import pytest

from thyroid.report.direction import in_order_seen


def kinds(text: str) -> list[str]:
    """Classes as of UAX #9, with capitals as R and ~ as AL."""
    known = {" ": "WS", "-": "ES", "+": "ES", ",": "CS", ".": "CS", ":": "CS", "$": "ET", "%": "ET", "~": "AL"}
    return ["R" if c.isupper() else "L" if c.islower() else "EN" if c.isdigit() else known.get(c, "ON") for c in text]


def seen(text: str) -> str:
    return "".join(in_order_seen(text, kinds(text)))


@pytest.mark.parametrize(
    ("read", "from_the_left"),
    [
        ("car is THE CAR in arabic", "car is RAC EHT in arabic"),
        ("ABC.png", "CBA.png"),
        ("A.B.png", "B.A.png"),
        ("ABC 123 DEF", "FED 123 CBA"),
        ("ABC 1.5", "1.5 CBA"),
        ("ABC 10%", "10% CBA"),
        ("ABC $10", "$10 CBA"),
        ("ABC 1-2", "1-2 CBA"),
        ("~ 1-2", "2-1 ~"),
        ("~ 1,5", "1,5 ~"),
        ("a 1-2 B", "a 1-2 B"),
        ("A (B) C", "C (B) A"),
        ("A (2).jpg", "(2) A.jpg"),
        ("a (B) c", "a (B) c"),
        ("a (B)", "a (B)"),
        ("A (b) C", "A (b) C"),
        ("A [B (C) D] E", "E [D (C) B] A"),
        ("A) B", "B (A"),
        ("A ([B) C]", "C (B]) A]"),
        ("A <B> C", "C <B> A"),
        ("", ""),
        ("abc", "abc"),
    ],
)
def test_a_line_is_ordered_as_the_standard_says(read: str, from_the_left: str) -> None:
    assert seen(read) == from_the_left


def test_a_letter_stays_with_its_accents_which_come_first_where_it_goes_from_right_to_left() -> None:
    """Fonts draw them over what is set next: seen in the image of a page."""
    assert in_order_seen(["א\u05b7", "ב", "x\u0323"], ["R", "R", "L"]) == ["ב", "\u05b7א", "x\u0323"]
