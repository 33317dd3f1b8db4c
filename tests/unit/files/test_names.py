from pathlib import PurePosixPath

import pytest

from thyroid.files.names import in_spreadsheet, readable


@pytest.mark.parametrize("name", ["scan.png", "Schilddrüse 甲状腺.png", 'a\n,"b".png', "back\\slash.png", "🦋.png"])
def test_a_name_that_is_text_stays_as_it_is(name: str) -> None:
    assert readable(name) == name
    assert in_spreadsheet(name) == name


def test_bytes_that_are_no_text_can_be_read_and_written_as_utf_8() -> None:
    assert readable(b"bad\xff\x80.png".decode("utf-8", "surrogateescape")).encode() == rb"bad\xff\x80.png"


@pytest.mark.parametrize("key", ["=1+1.png", "+1.png", "-1.png", "@SUM(A1).png", "\t=1.png", "\r=1.png", "＝1.png"])
def test_a_path_that_a_spreadsheet_would_compute_is_spelt_otherwise_and_names_the_same_file(key: str) -> None:
    assert in_spreadsheet(key)[0] == "."
    assert PurePosixPath(in_spreadsheet(key)) == PurePosixPath(key)
