import pytest

from benchmarks.spread import Spread, by_turns


def test_measurements_are_told_by_their_middle_and_their_ends() -> None:
    spread = Spread.of([4.0, 1.0, 2.0, 3.0, 100.0])

    assert (spread.p50, spread.minimum, spread.maximum, spread.count) == (3.0, 1.0, 100.0, 5)
    assert 4.0 < spread.p95 < 100.0


def test_contenders_take_turns() -> None:
    asked: list[str] = []

    def asking(name: str, value: float) -> float:
        asked.append(name)
        return value

    found = by_turns({"one": lambda: asking("one", 1.0), "two": lambda: asking("two", 2.0)}, 3, "")

    assert asked == ["one", "two"] * 3
    assert (found["one"].p50, found["two"].p50) == (1.0, 2.0)
    assert found["one"].count == 3


def test_a_single_measurement_has_no_spread() -> None:
    with pytest.raises(Exception, match="at least"):
        Spread.of([1.0])
