"""The stack for the parameters that a test gives."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[2]
TEMPLATE: dict[str, Any] = cfn_yaml.load(str(ROOT / "template.yaml"))

Stack = dict[str, Any]

KEPT = "RetainExceptOnCreate"  # when the stack is deleted, but not when it could not be made


def stack(path: Path = ROOT / "template.yaml", **parameters: str) -> Stack:
    """Return the template after SAM's transform. Conditions are still in it: those are CloudFormation's to decide."""
    return _transformed(str(path), json.dumps(parameters))


@cache
def _transformed(path: str, parameters: str) -> Stack:
    command = [str(ROOT / ".venv-sam" / "bin" / "python"), str(ROOT / "tests/stack/transform.py"), path, parameters]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    transformed: Stack = json.loads(done.stdout)
    return transformed


def of_type(stack: Stack, kind: str) -> dict[str, Any]:
    """Return the resources of a type, by name."""
    return {name: resource for name, resource in stack["Resources"].items() if resource["Type"] == kind}


def statements_of(stack: Stack, role: str) -> list[dict[str, Any]]:
    """Return all that a role may do, with what it may only where a condition holds."""
    found = []
    for policy in properties(stack, role)["Policies"]:
        document = policy["Fn::If"][1] if "Fn::If" in policy else policy
        found += document["PolicyDocument"]["Statement"]
    return found


def properties(stack: Stack, name: str) -> dict[str, Any]:
    """Return a resource's properties."""
    found: dict[str, Any] = stack["Resources"][name]["Properties"]
    return found
