"""Traces: nothing where they are off, one annotated subsegment a request where they are on."""

import json
import subprocess
import sys
from pathlib import Path

from thyroid.settings import Settings
from thyroid.web import tracing

ROOT = Path(__file__).parents[2]

# In a process of its own, since the SDK keeps state of its own; with an emitter that prints instead of sending.
TRACED = """
import os
os.environ |= {"LAMBDA_TASK_ROOT": "/var/task", "_X_AMZN_TRACE_ID":
               "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.lambda_launcher import LambdaContext
from thyroid.settings import Settings
from thyroid.web import tracing

class Printer:
    def send_entity(self, entity):
        print(entity.serialize())

settings = Settings(traces=True, service_name="a-stack")
tracing.prepare(settings)
xray_recorder.configure(context=LambdaContext(), emitter=Printer(), streaming_threshold=0)
with tracing.segment(settings) as annotate:
    annotate({"route": "/api/v1/predict", "status": 200, "score": 0.25})
"""


def test_off_it_costs_no_import_and_tells_nothing() -> None:
    code = "import thyroid.web.app, sys; print('aws_xray_sdk' in sys.modules, 'botocore.session' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"]

    with tracing.segment(Settings()) as annotate:
        annotate({"status": 200})


def test_on_a_request_is_a_subsegment_with_its_facts_as_annotations() -> None:
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, check=True, cwd=ROOT)

    subsegment = json.loads(done.stdout.splitlines()[-1])
    assert subsegment["name"] == tracing.NAME
    assert subsegment["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert subsegment["annotations"] == {"route": "/api/v1/predict", "status": 200, "score": 0.25}
