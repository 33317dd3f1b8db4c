from pathlib import Path

import pytest

from thyroid.files.json_lines import JsonLines


def test_what_is_added_can_be_read_at_once_and_again_later(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    for number in range(3):
        with JsonLines(path) as lines:
            assert len(list(lines)) == number
            lines.append(f'{{"n": {number}}}')
            assert path.read_bytes().endswith(f'{{"n": {number}}}\n'.encode())


@pytest.mark.parametrize("rest", [b"", b'{"n": 2', b"\0\0\0"])
def test_a_line_that_was_not_finished_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"n": 1}\n' + rest)

    with JsonLines(path) as lines:
        assert list(lines) == [b'{"n": 1}\n']
        lines.append('{"n": 3}')

    assert path.read_bytes() == b'{"n": 1}\n{"n": 3}\n'
