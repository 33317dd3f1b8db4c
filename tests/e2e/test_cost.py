"""What a million requests cost: milliseconds that are billed, measured, times what AWS asks for them.

Prices of us-east-1, without the free tier (aws.amazon.com/lambda/pricing, /api-gateway/pricing, /cloudwatch/pricing).
"""

import json
import re
from statistics import median

import pytest

from benchmarks.contenders import AS_DEPLOYED
from benchmarks.cost import dollars_per_million
from events.generate import events
from tests.e2e.conftest import measured
from tests.e2e.container import started

API_REQUEST = 3.50 / 1e6  # REST API, first 333 million a month
LOG_GB = 0.50  # CloudWatch Logs, taken in
TRANSFER_GB = 0.09  # out to the internet, first 10 TB a month
CALLS = 20
EVENTS = events()


def test_the_formula_gives_what_awss_price_list_gives() -> None:
    # A million calls of 120 ms at 1,536 MB: 180,000 GB-seconds, so $3.00, and $0.20 for the requests.
    assert dollars_per_million(119.3, 1536) == pytest.approx(3.20, abs=0.001)


@pytest.mark.parametrize("memory_mb", [1024, 1769])
@pytest.mark.parametrize("name", ["predict", "gradcam", "analyze"])
def test_a_million_requests_cost_less_than_the_gateway_in_front_of_them(image: str, name: str, memory_mb: int) -> None:
    # GIVEN a function with the memory and the share of a processor that Lambda would give it
    with started(image, f"functions.{name}.handler", memory_mb, **AS_DEPLOYED) as container:
        # WHEN it is called again and again
        for _ in range(CALLS):
            status, body = container.invoke(EVENTS[name])
            assert status == 200, body
        logs = container.logs()
    # THEN its warm calls take, as the emulator reports them
    durations = [float(found) for found in re.findall(r"\tDuration: ([\d.]+) ms", logs)][1:]
    assert len(durations) == CALLS - 1
    milliseconds = median(durations)
    written = sum(len(line) for line in logs.splitlines() if line.startswith("{") and json.loads(line)) / CALLS
    function, gateway = dollars_per_million(milliseconds, memory_mb), 1e6 * API_REQUEST
    logging = 1e6 * written / 2**30 * LOG_GB
    answered = len(json.dumps(body, separators=(",", ":")))
    transfer = 1e6 * answered / 2**30 * TRANSFER_GB
    measured(
        f"{name} at {memory_mb} MB: {milliseconds:.1f} ms warm (p95 {sorted(durations)[-2]:.1f}); a million cost "
        f"${function:.2f} Lambda + ${gateway:.2f} gateway + ${logging:.2f} logs ({written:.0f} bytes each) "
        f"+ ${transfer:.2f} transfer ({answered:,} bytes each)"
    )
    assert function < gateway
