"""A call of a running function, and its peak memory."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks import function
from benchmarks.contenders import FUNCTIONS
from benchmarks.function import Function
from benchmarks.image import request
from benchmarks.same import require_same_results
from benchmarks.spread import Spread, by_turns, milliseconds
from thyroid.core.analyzer import load_engine
from thyroid.settings import get_settings

MODEL_ALONE = "the compiled model alone"
LARGEST_MAP = "gradcam, the largest map"


def warm(calls: int, share: float | None) -> tuple[dict[str, dict[str, Spread]], dict[str, float]]:
    """Measure milliseconds by request and contender, and each contender's peak memory in megabytes."""
    engine = load_engine(get_settings())
    largest = max(engine.manifest.conv_layers, key=lambda layer: layer.height * layer.width).name
    requests: dict[str, tuple[str, Mapping[str, str]]] = {
        "predict": ("predict", {}),
        "gradcam": ("gradcam", {}),
        LARGEST_MAP: ("gradcam", {"layer_name": largest}),
        "analyze": ("analyze", {}),
    }
    found: dict[str, dict[str, Spread]] = {}
    memory = {one.name: 0.0 for one in FUNCTIONS}
    for name, (endpoint, options) in requests.items():
        event = request(f"/api/v1/{endpoint}", **options)
        with ExitStack() as stack:
            running = {
                one.name: stack.enter_context(function.started(one.handlers[endpoint], one.environment, share))
                for one in FUNCTIONS
            }
            require_same_results({contender: process.first(event).body for contender, process in running.items()})
            measure = {contender: _call(process, event) for contender, process in running.items()}
            if name == "predict" and share is None:
                measure[MODEL_ALONE] = _score(engine)
            found[name] = by_turns(measure, calls, f"warm {name}")
            for contender, process in running.items():
                memory[contender] = max(memory[contender], process.peak_megabytes())
    return found, memory


def _call(process: Function, event: Mapping[str, Any]) -> Callable[[], float]:
    return lambda: process.invoke(event).milliseconds


def _score(engine: Any) -> Callable[[], float]:
    _, height, width, _ = engine.manifest.input_shape
    tensor = np.random.default_rng(0).random((1, height, width, 3), np.float32)
    return lambda: milliseconds(lambda: engine.score(tensor))
