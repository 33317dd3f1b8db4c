"""What a million requests cost: measured milliseconds and bytes, times the prices of AWS."""

import json
import re
from statistics import median

import pytest

from benchmarks.contenders import AS_DEPLOYED
from benchmarks.cost import API_REQUEST, MILLION, dollars_per_million, logs, transfer
from events.generate import events
from tests.e2e.conftest import measured
from tests.e2e.container import started

CALLS = 20
EVENTS = events()


@pytest.mark.parametrize("memory_mb", [1024, 1769])
@pytest.mark.parametrize("name", ["predict", "gradcam", "analyze"])
def test_a_million_requests_cost_less_than_the_gateway_in_front_of_them(image: str, name: str, memory_mb: int) -> None:
    # GIVEN a function with the memory and the share of a processor that Lambda would give it
    with started(image, f"functions.{name}.handler", memory_mb, **AS_DEPLOYED) as container:
        # WHEN it is called again and again
        for _ in range(CALLS):
            status, body = container.invoke(EVENTS[name])
            assert status == 200, body
        log = container.logs()
    # THEN its warm calls take, as the emulator reports them
    durations = [float(found) for found in re.findall(r"\tDuration: ([\d.]+) ms", log)][1:]
    assert len(durations) == CALLS - 1
    milliseconds = median(durations)
    written = sum(len(line) for line in log.splitlines() if line.startswith("{") and json.loads(line)) / CALLS
    function, gateway = dollars_per_million(milliseconds, memory_mb), MILLION * API_REQUEST
    response_bytes = len(json.dumps(body, separators=(",", ":")))
    measured(
        f"{name} at {memory_mb} MB: {milliseconds:.1f} ms warm (p95 {sorted(durations)[-2]:.1f}); a million cost "
        f"${function:.2f} Lambda + ${gateway:.2f} gateway + ${logs(written):.2f} logs ({written:.0f} bytes each) "
        f"+ ${transfer(response_bytes):.2f} transfer ({response_bytes:,} bytes each)"
    )
    assert function < gateway
