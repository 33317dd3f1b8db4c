"""The logs of a process: lines of JSON, of our modules as of the function itself, and nothing of AWS's clients."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def printed_by(code: str, **environment: str) -> str:
    """What a process of its own prints: loggers are shared by all of a process."""
    told = {**os.environ, "POWERTOOLS_SERVICE_NAME": "a-stack", **environment}
    done = subprocess.run([sys.executable, "-c", code], env=told, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_a_module_of_ours_writes_as_the_function_does() -> None:
    code = (
        "import logging; from thyroid.telemetry.logs import get_logger;"
        "get_logger().info('of the function'); logging.getLogger('thyroid.core.analyzer').error('of a module')"
    )

    lines = [json.loads(line) for line in printed_by(code).splitlines()]

    assert [(line["service"], line["level"], line["message"]) for line in lines] == [
        ("a-stack", "INFO", "of the function"),
        ("a-stack", "ERROR", "of a module"),
    ]
    assert "location" not in lines[0]  # the path of a file says nothing that the message does not


def test_a_process_has_one_logger() -> None:
    code = (
        "from thyroid.telemetry.logs import get_logger; get_logger(); get_logger().info('once');"
        "assert get_logger() is get_logger()"
    )

    assert len(printed_by(code).splitlines()) == 1


# At DEBUG these write keys and whole requests, and Lambda sets the level of the root logger where it is told to.
LOUD = [
    "boto3.resources",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.parsers",
    "botocore.auth",
    "urllib3.connectionpool",
    "aws_lambda_powertools.utilities.batch.base",
    "aws_lambda_powertools.utilities.idempotency.base",
    "aws_lambda_powertools.utilities.idempotency.persistence.dynamodb",
]


@pytest.mark.parametrize("name", LOUD)
def test_the_clients_of_aws_stay_silent_even_where_all_is_to_be_logged(name: str) -> None:
    code = (
        "import logging; logging.basicConfig(level='DEBUG', stream=__import__('sys').stdout);"
        "import functions.s3_worker;"
        f"logging.getLogger({name!r}).warning('Jane-Doe.png'); logging.getLogger('another').warning('heard')"
    )

    printed = printed_by(code, POWERTOOLS_LOG_LEVEL="DEBUG")

    assert "heard" in printed
    assert "Jane" not in printed
