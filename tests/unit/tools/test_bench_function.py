"""Functions of a line or two, in processes of their own, behind AWS's real runtime client."""

import json
import os
from typing import Any

import pytest

from benchmarks.function import FunctionError, started

HERE = "tests.unit.tools.test_bench_function"
ENVIRONMENT = {"PYTHONPATH": "layers/inference/python:layers/model:."}


def echo(event: dict[str, Any], _context: object) -> dict[str, Any]:
    told = {"heard": event["said"], "process": os.getpid(), "setting": os.environ.get("A_SETTING")}
    return {"statusCode": 201, "body": json.dumps(told)}


def fail(_event: dict[str, Any], _context: object) -> None:
    raise ValueError("this handler always fails")


def end(_event: dict[str, Any], _context: object) -> None:
    print("going down", flush=True)
    os._exit(7)


def test_a_function_answers_one_event_after_another_in_one_process() -> None:
    with started(f"{HERE}.echo", {**ENVIRONMENT, "A_SETTING": "set"}) as function:
        first = function.first({"said": "one"})
        second = function.invoke({"said": "two" * 500_000})  # of more than one chunk

        assert function.peak_megabytes() > 5

    assert (first.status, first.body["heard"], first.body["setting"]) == (201, "one", "set")
    assert second.body["heard"] == "two" * 500_000
    assert second.body["process"] == first.body["process"] != os.getpid()
    assert first.milliseconds > second.milliseconds, "the first counts from the start of the process"
    with pytest.raises(ProcessLookupError):
        os.kill(first.body["process"], 0)


def test_a_function_that_fails_is_told_of() -> None:
    with pytest.raises(FunctionError, match="this handler always fails"), started(f"{HERE}.fail", ENVIRONMENT) as one:
        one.first({})


def test_a_function_that_ends_is_told_of_with_what_it_said() -> None:
    with (
        pytest.raises(FunctionError, match=r"(?s)exit status 7.*going down"),
        started(f"{HERE}.end", ENVIRONMENT) as one,
    ):
        one.first({})
