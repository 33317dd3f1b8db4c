import json

import pytest

from thyroid_model.data.findings import Counts, DataError, Findings, Kind


def test_the_report_has_the_counts_and_the_first_ten_names_of_each_kind() -> None:
    findings = Findings()
    findings.counts["DDTI"] = Counts(listed=100, found=99, used=80, with_outline=78)
    findings.add("DDTI", Kind.UNREADABLE, "images/7_1.jpg", "It cannot be decoded.")
    for case in range(12):
        findings.add("DDTI", Kind.NO_LABEL, f"{case}.jpg", "Its report gives no TI-RADS category.")

    assert str(findings).splitlines() == [
        "DDTI: 100 images listed, 99 found, 80 used, 78 of them with an outline",
        "  1 unreadable: images/7_1.jpg",
        "  12 without a label, left out: "
        "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, 5.jpg, 6.jpg, 7.jpg, 8.jpg, 9.jpg and 2 more",
    ]


def test_a_file_name_that_is_no_text_can_be_printed() -> None:
    findings = Findings()
    findings.counts["DDTI"] = Counts(1, 1, 1, 1)

    findings.add("DDTI", Kind.EXTRA, "images/im\udcf1.jpg", "Another is im\udcf1.jpg.")

    assert str(findings).encode("utf-8").endswith(b"images/im\\udcf1.jpg")
    assert findings.findings[0].sentence.encode("utf-8")


def test_ten_names_are_all_printed() -> None:
    findings = Findings()
    findings.counts["DDTI"] = Counts(10, 10, 0, 0)
    for case in range(10):
        findings.add("DDTI", Kind.EXTRA, f"{case}.txt", "Ignored.")

    assert findings.lines()[1].endswith("9.txt")


def test_the_training_record_has_every_count_of_every_set_also_those_of_nothing_wrong() -> None:
    findings = Findings()
    findings.counts["DDTI"] = Counts(listed=4, found=3, used=2, with_outline=1)
    findings.counts["BrEaST"] = Counts(5, 5, 5, 5)
    findings.add("DDTI", Kind.MISSING, "images/7_1.jpg", "Not there.")

    record = json.loads(json.dumps(findings.as_dict()))

    nothing = {kind.value: 0 for kind in Kind}
    assert record == {
        "DDTI": {"listed": 4, "found": 3, "used": 2, "with_outline": 1, **nothing, "missing": 1},
        "BrEaST": {"listed": 5, "found": 5, "used": 5, "with_outline": 5, **nothing},
    }


def test_training_goes_on_with_5_percent_of_the_images_damaged() -> None:
    Findings().require_intact("DDTI", listed=100, damaged=5)


def test_training_stops_with_more_than_5_percent_damaged_and_names_every_file_of_that_set() -> None:
    findings = Findings()
    for case in range(30):
        findings.add("DDTI", Kind.MISSING, f"missing-{case}.jpg", "Not there.")
    findings.add("DDTI", Kind.UNREADABLE, "broken.jpg", "It is no image.")
    findings.add("DDTI", Kind.NO_LABEL, "unlabelled.jpg", "That is no damage.")
    findings.add("BrEaST", Kind.MISSING, "other-set.jpg", "Not there.")

    with pytest.raises(DataError, match="31 of 100 images") as stopped:
        findings.require_intact("DDTI", listed=100, damaged=31)

    message = str(stopped.value)
    assert all(f"missing-{case}.jpg" in message for case in range(30))
    assert "broken.jpg" in message
    assert "unlabelled.jpg" not in message
    assert "other-set.jpg" not in message


def test_each_class_needs_as_many_cases_as_there_are_folds() -> None:
    examples = [(case, int(case >= 5)) for case in range(10)]

    Findings().require_cases("DDTI", examples, folds=5)
    with pytest.raises(DataError, match="4 cases of class 0"):
        Findings().require_cases("DDTI", examples[1:], folds=5)
    with pytest.raises(DataError, match="0 cases of class 1"):
        Findings().require_cases("DDTI", examples[:5], folds=5)


def test_images_of_one_case_are_one_case_and_suspicious_if_any_is() -> None:
    with pytest.raises(DataError, match="0 cases of class 0"):
        Findings().require_cases("DDTI", [("a", 0), ("a", 1), ("b", 1)], folds=1)


def test_where_too_few_cases_remain_what_was_left_out_is_named() -> None:
    findings = Findings()
    findings.add("DDTI", Kind.UNREADABLE, "images/7_1.jpg", "It cannot be decoded.")

    with pytest.raises(DataError, match=r"images/7_1\.jpg: It cannot be decoded"):
        findings.require_cases("DDTI", [(1, 1)], folds=1)
