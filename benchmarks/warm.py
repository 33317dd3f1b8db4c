"""A call of a running function, and the memory that it ever had."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks import function
from benchmarks.contenders import FUNCTIONS
from benchmarks.function import Function
from benchmarks.picture import request
from benchmarks.same import require_same_answers
from benchmarks.spread import Spread, by_turns, milliseconds
from thyroid.core.analyzer import load_engine
from thyroid.settings import get_settings

MODEL_ALONE = "the compiled model alone"
COSTLIEST = "gradcam, the largest map"


def warm(calls: int, share: float | None) -> tuple[dict[str, dict[str, Spread]], dict[str, float]]:
    """Measure milliseconds by request and contender, and each contender's peak memory in megabytes."""
    engine = load_engine(get_settings())
    largest = max(engine.manifest.conv_layers, key=lambda layer: layer.height * layer.width).name
    asked: dict[str, tuple[str, Mapping[str, str]]] = {
        "predict": ("predict", {}),
        "gradcam": ("gradcam", {}),
        COSTLIEST: ("gradcam", {"layer_name": largest}),
        "analyze": ("analyze", {}),
    }
    found: dict[str, dict[str, Spread]] = {}
    memory = {one.name: 0.0 for one in FUNCTIONS}
    for name, (endpoint, options) in asked.items():
        event = request(f"/api/v1/{endpoint}", **options)
        with ExitStack() as all_of_them:
            running = {
                one.name: all_of_them.enter_context(function.started(one.handlers[endpoint], one.environment, share))
                for one in FUNCTIONS
            }
            require_same_answers({contender: each.first(event).body for contender, each in running.items()})
            measure = {contender: _asking(each, event) for contender, each in running.items()}
            if name == "predict" and share is None:
                measure[MODEL_ALONE] = _scoring(engine)
            found[name] = by_turns(measure, calls, f"warm {name}")
            memory = {contender: max(memory[contender], each.peak_megabytes()) for contender, each in running.items()}
    return found, memory


def _asking(one: Function, event: Mapping[str, Any]) -> Callable[[], float]:
    return lambda: one.invoke(event).milliseconds


def _scoring(engine: Any) -> Callable[[], float]:
    _, height, width, _ = engine.manifest.input_shape
    tensor = np.random.default_rng(0).random((1, height, width, 3), np.float32)
    return lambda: milliseconds(lambda: engine.score(tensor))
