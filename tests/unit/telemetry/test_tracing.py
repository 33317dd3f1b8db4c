"""Traces: nothing where they are off, one annotated subsegment a request where they are on."""

import json
import subprocess
import sys
from pathlib import Path

from thyroid.settings import Settings
from thyroid.telemetry import tracing

ROOT = Path(__file__).parents[3]

# In a process of its own, since the SDK keeps state of its own; with an emitter that prints instead of sending.
TRACED = """
import io, os, sys
os.environ |= {"LAMBDA_TASK_ROOT": "/var/task", "_X_AMZN_TRACE_ID":
               "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}
from aws_lambda_powertools import Logger
from fastapi import APIRouter
from starlette.testclient import TestClient
from thyroid.settings import Settings
from thyroid.web.app import build_app

router = APIRouter()

@router.get("/scans/{name}")
def scan(name: str) -> str:
    return name

app = build_app([router], Settings(traces=True, service_name="a-stack"), Logger(service="x", stream=io.StringIO()))
print("loaded before a request:", "aws_xray_sdk.core" in sys.modules)

from aws_xray_sdk.core import patcher, xray_recorder
from aws_xray_sdk.core.lambda_launcher import LambdaContext

class Printer:
    def send_entity(self, entity):
        print(entity.serialize())

print("patched:", sorted(patcher._PATCHED_MODULES))
xray_recorder.configure(context=LambdaContext(), emitter=Printer(), streaming_threshold=0)
TestClient(app).get("/scans/Jane-Doe?filename=Jane-Doe")
"""


def test_off_it_costs_no_import_and_tells_nothing() -> None:
    code = "import thyroid.web.app, sys; print('aws_xray_sdk' in sys.modules, 'botocore.session' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"]

    with tracing.segment(Settings()) as annotate:
        annotate({"status": 200})


def test_on_a_request_is_a_subsegment_with_what_became_of_it_and_nothing_of_the_patient() -> None:
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, check=True, cwd=ROOT)

    loaded, patched, *emitted = done.stdout.splitlines()
    # The SDK is there before a request waits for it, and has changed no other library: its S3 patch tells keys.
    assert (loaded, patched) == ("loaded before a request: True", "patched: []")
    subsegment = json.loads(emitted[-1])
    assert subsegment["name"] == tracing.NAME
    assert subsegment["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    told = subsegment["annotations"]
    assert (told["route"], told["method"], told["status"]) == ("/scans/{name}", "GET", 200)
    assert "Jane" not in done.stdout
