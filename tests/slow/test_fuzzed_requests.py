"""Requests made up from the description by Schemathesis, to a laptop's server and through the gateway to the functions.

All phases (examples, coverage, fuzzing, stateful) and all checks. What no description can say of this API is told apart
in fuzzing_hooks.py. The same seed makes the same requests.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import deployed
from tests.server import ROOT, WAYS, lines_of, local_server

CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")
MAX_SECONDS = 900  # some 60 on two cores that have nothing else to do


@pytest.mark.usefixtures("artifact")
@pytest.mark.parametrize("served", [app for app, _ in WAYS.values()], ids=list(WAYS))
def test_whatever_the_description_allows_or_forbids_gets_an_answer_that_it_describes(
    served: str, tmp_path: Path
) -> None:
    printed, started = tmp_path / "printed.txt", time.monotonic()
    with local_server(printed, "tests.deployed:app", SERVED=served, **deployed.ENVIRONMENT) as address:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={CONFIG}",
            "run",
            f"{address}/openapi.json",
            "--checks=all",
            f"--phases={','.join(PHASES).lower()}",
        ]
        # It leaves files where it runs, and finds the hooks by their module's name.
        told_of = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(Path(each).resolve()) for each in [str(ROOT), *sys.path]),
        }
        done = subprocess.run(
            command, cwd=tmp_path, env=told_of, capture_output=True, text=True, check=False, timeout=MAX_SECONDS
        )
    # THEN nothing failed, and no phase was left out
    assert done.returncode == 0, done.stdout[-20_000:]
    assert all(f"✅  {phase}" in done.stdout for phase in PHASES), done.stdout
    # AND neither the server nor the gateway met an error that nobody foresaw
    told = lines_of(printed.read_text())
    requests = [line for line in told if line.get("message") == "request"]
    assert len(requests) > 1_000
    assert {line["status"] for line in requests} >= {200, 201, 202, 400, 404, 413, 415, 422}
    assert [line for line in told if line.get("message") == "unexpected error" or "function failed" in line] == []
    assert max(line["duration_ms"] for line in requests) < 10_000
    print(f"{len(requests)} requests in {time.monotonic() - started:.0f} s")
