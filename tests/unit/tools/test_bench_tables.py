"""The tables of made-up figures, of which every ratio is known."""

import json
from dataclasses import asdict
from typing import Any

from benchmarks import tables
from benchmarks.cold import CACHED, FLOOR
from benchmarks.contenders import COMPILED, REFERENCE, SERVICE
from benchmarks.spread import Spread
from benchmarks.warm import MODEL_ALONE


def took(milliseconds: float) -> dict[str, Any]:
    spread = Spread(milliseconds, 1.2 * milliseconds, 0.9 * milliseconds, 1.5 * milliseconds, 9)
    return json.loads(json.dumps(asdict(spread)))  # type: ignore[no-any-return]


def figures() -> dict[str, Any]:
    warm = {
        name: {SERVICE: took(10), REFERENCE: took(200), COMPILED: took(20)}
        for name in ("predict", "gradcam", "analyze")
    }
    warm["predict"][MODEL_ALONE] = took(4)
    one = {"first_response": 500.0, "warm": took(12), "megabytes": 100.0}
    return {
        "machine": "2 cores",
        "effort": {"starts": 3, "calls": 9, "seconds": 1.0},
        "left_out": [],
        "cold": {
            CACHED: {"predict": {SERVICE: took(300), REFERENCE: took(6000), COMPILED: took(6000), FLOOR: took(98)}}
        },
        "warm": warm,
        "warm_one_processor": {"predict": {SERVICE: took(10), REFERENCE: took(100), COMPILED: took(20)}},
        "memory": {SERVICE: 100.0, REFERENCE: 800.0, COMPILED: 800.0},
        "served": {
            SERVICE: {**one, "requests_per_second": {"1": 50.0, "8": 100.0}},
            REFERENCE: {**one, "requests_per_second": {"1": 5.0, "8": 8.0}},
        },
        "installed": {SERVICE: 150.0, REFERENCE: 1700.0},
        "image": {SERVICE: 200.0, REFERENCE: 1700.0},
        "multiply_adds": 2e8,
        "multiply_adds_per_second": 1e11,
    }


def rows(text: str) -> dict[str, list[str]]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in cells}


def test_each_ratio_stands_beside_what_was_aimed_at() -> None:
    found = rows(tables.markdown(figures()))

    assert found["first predict, sooner"] == ["≥ 12 ×", "20.0 ×", "yes"]
    assert found["warm predict, faster than with tf.function"] == ["≥ 2.5 ×", "2.0 ×", "**no**"]
    assert found["warm gradcam, faster"] == ["≥ 25 ×", "20.0 ×", "**no**"]
    assert found["peak memory, smaller"] == ["≥ 7 ×", "8.0 ×", "yes"]
    assert found["requests per second at 8 clients, more"] == ["≥ 10 ×", "12.5 ×", "yes"]
    assert found["predict without the model"] == ["≤ 5 ms", "6.0 ms", "**no**"]


def test_the_floor_is_what_python_and_arithmetic_cannot_do_without() -> None:
    """200 million multiply-adds at 100 thousand million a second are 2 ms."""
    found = rows(tables.markdown(figures()))

    assert found[f"first predict, {CACHED}"] == ["100 ms", "300 ms", "3.0 ×"]
    assert found["the network, warm"] == ["2.0 ms", "4.0 ms", "2.0 ×"]


def test_what_was_left_out_is_said_and_the_rest_is_told() -> None:
    some = figures()
    del some["image"], some["warm_one_processor"]
    some["left_out"] = ["image: there is no Docker engine", "BentoML: it did not respond\nand a long log"]

    text = tables.markdown(some)

    assert "- image: there is no Docker engine\n- BentoML: it did not respond\n" in text
    assert "long log" not in text
    assert "image above its base, smaller" not in rows(text)
    assert rows(text)["warm predict, faster"] == ["≥ 10 ×", "20.0 ×", "yes"]


def test_calls_cost_so_many_times_what_lambda_asks_for_the_service() -> None:
    """10 ms at 1,769 MB are $0.29, 100 are $2.88, 20 are $0.58, each a million, and $0.20 more for the requests."""
    assert "| predict | 6.3 × | 1.6 × |" in tables.markdown(figures())


def test_dollars_stand_elsewhere() -> None:
    assert "$" not in tables.document(figures())
