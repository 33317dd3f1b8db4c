"""From the start of a process to its first response."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks import function, processor
from benchmarks.contenders import ENVIRONMENT, FUNCTIONS, Contender
from benchmarks.function import ROOT
from benchmarks.image import request
from benchmarks.processor import WHOLE_PROCESSOR_MB
from benchmarks.spread import Spread, by_turns, milliseconds

FLOOR = "the floor: Python, NumPy, Pillow, the image"
ENDPOINTS = ("predict", "gradcam")
CACHED = "files in the cache"
_CONDITIONS: dict[str, tuple[float | None, bool]] = {
    CACHED: (None, False),
    "files on the disk": (None, True),
    "one processor": (1.0, False),
    f"512 MB, {512 / WHOLE_PROCESSOR_MB:.2f} of a processor": (512 / WHOLE_PROCESSOR_MB, False),
}


def cold(rounds: int, left_out: list[str]) -> dict[str, dict[str, dict[str, Spread]]]:
    """Measure milliseconds by condition, endpoint and contender; append to `left_out` what cannot be measured here."""
    found: dict[str, dict[str, dict[str, Spread]]] = {}
    for condition, (share, from_disk) in _CONDITIONS.items():
        try:
            found[condition] = {
                endpoint: by_turns(
                    {one.name: _first_response(one, endpoint, share, from_disk) for one in FUNCTIONS}
                    | ({FLOOR: _floor(share, from_disk)} if endpoint == "predict" else {}),
                    rounds,
                    f"cold {endpoint}, {condition}",
                )
                for endpoint in ENDPOINTS
            }
        except processor.NotAllowedError as error:
            left_out.append(f"cold, {condition}: {error}")
    return found


def _first_response(one: Contender, endpoint: str, share: float | None, from_disk: bool) -> Callable[[], float]:
    event = request(f"/api/v1/{endpoint}")

    def measure() -> float:
        if from_disk:
            processor.drop_page_cache()
        with function.started(one.handlers[endpoint], one.environment, share) as running:
            return running.first(event).milliseconds

    return measure


def _floor(share: float | None, from_disk: bool) -> Callable[[], float]:
    event = json.dumps(request("/api/v1/predict")).encode()

    def measure() -> float:
        if from_disk:
            processor.drop_page_cache()
        with processor.share(share) as within:
            command = [*within, sys.executable, "-m", "benchmarks.floor", "start"]
            environment = {**os.environ, **ENVIRONMENT}
            return milliseconds(
                lambda: subprocess.run(
                    command, input=event, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
                )
            )

    return measure
