"""The archive's state machine: bounded, tried again, summed up whatever happens, and silent about its input."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.conftest import KEPT, of_type, properties, stack, statements_of
from tests.stack.test_uploads import (
    ARCHIVE_BUCKET,
    KEY,
    NOTHING,
    WRITES_WITH_OWN_KEY,
    allow,
    arn,
    if_there_is_an_archive_bucket,
    under,
)
from thyroid.s3.batch import MAX_RETRIES, images_of, run_prefix
from thyroid.s3.summary import Summary

STACK = stack()
MACHINE = properties(STACK, "Archive")
WORKER = "UploadsFunctionAliaslive"
SUMMARY = "ArchiveSummaryFunctionAliaslive"
EXECUTIONS = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
VALUES = {
    "ArchiveConcurrency": "17",
    "ArchiveToleratedFailures": "3",
    "ArchiveTimeoutSeconds": "7201",
    "AWS::Partition": "aws",
}


def text_of(value: Any) -> str:
    """Return what CloudFormation makes of a text; what a resource is called stands for what it refers to."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return str(value["Ref"])
    text, parts = (value["Fn::Sub"], {}) if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"]
    known = {name: text_of(part) for name, part in parts.items()} | VALUES
    return re.sub(r"\$\{(.+?)\}", lambda match: known.get(match[1], match[1]), text)


DEFINITION: dict[str, Any] = json.loads(text_of(MACHINE["DefinitionString"]))
STATES: dict[str, dict[str, Any]] = DEFINITION["States"]
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}


def next_of(state: dict[str, Any]) -> set[str]:
    """Return the states that may follow."""
    branches = [*state.get("Choices", []), *state.get("Catch", []), state]
    return {branch[name] for branch in branches for name in ("Next", "Default") if name in branch}


def tasks() -> Iterator[dict[str, Any]]:
    """Go through all states that call a function."""
    for state in STATES.values():
        inner = state.get("ItemProcessor", {}).get("States", {}).values()
        yield from (task for task in (state, *inner) if task["Type"] == "Task")


def test_every_state_is_reached_and_no_name_stands_for_two() -> None:
    reached, ahead = set(), {DEFINITION["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= next_of(STATES[name]) - reached
    assert reached == set(STATES)
    inner = [name for state in MAPS.values() for name in state["ItemProcessor"]["States"]]
    assert len({*STATES, *inner}) == len(STATES) + len(inner)


# --- what it is asked -------------------------------------------------------------------------------------------------


def test_what_is_not_asked_for_is_all_of_the_uploads_bucket() -> None:
    defaults = STATES[DEFINITION["StartAt"]]
    assert defaults["Result"] == {"bucket": "UploadsBucket", "prefix": ""}
    # What comes later in a merge wins.
    merging = STATES[defaults["Next"]]
    assert merging["Parameters"] == {"merged.$": "States.JsonMerge($, $$.Execution.Input, false)"}
    assert merging["OutputPath"] == "$.merged"


def test_a_manifest_is_read_in_place_of_a_listing() -> None:
    choice = STATES["FromAnInventory"]
    assert choice["Choices"] == [{"Variable": "$.manifest", "IsPresent": True, "Next": "OverTheInventory"}]
    assert choice["Default"] == "OverThePrefix"
    assert MAPS["OverTheInventory"]["ItemReader"] == {
        "ReaderConfig": {"InputType": "MANIFEST"},
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"},
    }
    assert MAPS["OverThePrefix"]["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket.$": "$.bucket", "Prefix.$": "$.prefix"},
    }


def test_the_two_maps_differ_in_what_they_read_and_in_nothing_else() -> None:
    listed, inventoried = (
        json.dumps({name: part for name, part in state.items() if name != "ItemReader"}) for state in MAPS.values()
    )
    assert listed.replace('"encoded": false', '"encoded": true').replace('"Analyse"', '"AnalyseListed"') == inventoried


# --- what the worker is given -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), [("OverThePrefix", "a+b%20c.png"), ("OverTheInventory", "a b c.png")])
def test_the_worker_reads_a_batch_as_the_map_hands_it_out(name: str, key: str) -> None:
    # GIVEN a batch, in which paths stand for what they lead to
    batcher = MAPS[name]["ItemBatcher"]
    given = {field.removesuffix(".$"): value for field, value in batcher["BatchInput"].items()}
    assert given.keys() == {"bucket", "run", "encoded"}
    # THEN it is read; keys of an inventory are encoded
    (image,) = images_of({"Items": [{"Key": "a+b%20c.png"}], "BatchInput": given})
    assert (image.bucket, image.key) == ("$.bucket", key)
    assert given["run"] == "$$.Execution.Name"


@pytest.mark.parametrize("name", MAPS)
def test_a_map_writes_beside_the_files_of_its_run(name: str) -> None:
    writer = MAPS[name]["ResultWriter"]
    assert writer["Resource"] == "arn:aws:states:::s3:putObject"
    assert writer["Parameters"] == {
        "Bucket": "ResultsBucket",
        "Prefix.$": f"States.Format('{run_prefix('{}')}/map', $$.Execution.Name)",
    }


def test_functions_are_called_by_their_aliases_and_their_answers_alone_go_on() -> None:
    called = [task["Parameters"]["FunctionName"] for task in tasks()]
    assert called == [WORKER, WORKER, SUMMARY]
    for state in MAPS.values():
        (task,) = state["ItemProcessor"]["States"].values()
        assert task["Parameters"]["Payload"] == {
            "Items.$": "$.Items",
            "BatchInput.$": "$.BatchInput",
            "Attempt.$": "$$.State.RetryCount",
        }
        assert task["OutputPath"] == "$.Payload"
    assert STATES["Done"]["OutputPath"] == f"{STATES['Summary']['ResultPath']}.Payload"


# --- bounds, and what goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_distributed_and_bounded_by_numbers_that_no_input_can_lift(name: str) -> None:
    state = MAPS[name]
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert (state["MaxConcurrency"], state["ToleratedFailurePercentage"]) == (17, 3)
    assert not {field for field in state if field.endswith("Path")} - {"ResultPath"}


def test_a_run_ends_after_the_time_of_the_parameter_and_not_before_the_least_of_it_can_be_done() -> None:
    assert DEFINITION["TimeoutSeconds"] == 7201  # a number, which a text would not be
    # The least leaves one batch all of its tries, and the summary its time.
    least = STACK["Parameters"]["ArchiveTimeoutSeconds"]["MinValue"]
    assert least > 300 + properties(STACK, "ArchiveSummaryFunction")["Timeout"]


def test_a_batch_leaves_the_worker_three_seconds_for_each_image() -> None:
    for state in MAPS.values():
        assert 3 * state["ItemBatcher"]["MaxItemsPerBatch"] <= properties(STACK, "UploadsFunction")["Timeout"]


def test_calls_that_lambda_turns_away_are_made_again_later_and_not_all_at_once() -> None:
    for task in tasks():
        throttled, _ = task["Retry"]
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert (throttled["MaxAttempts"], throttled["BackoffRate"], throttled["JitterStrategy"]) == (6, 2, "FULL")
        assert throttled["IntervalSeconds"] < throttled["MaxDelaySeconds"]


def test_a_batch_whose_worker_died_is_tried_again_for_longer_than_its_records_hold_it() -> None:
    for task in tasks():
        _, failed = task["Retry"]
        assert {"Lambda.ServiceException", "Lambda.Unknown", "States.TaskFailed"} <= set(failed["ErrorEquals"])
        waits = [failed["IntervalSeconds"] * failed["BackoffRate"] ** n for n in range(failed["MaxAttempts"])]
        # An express execution ends after five minutes, with the last attempt's work in it.
        held = properties(STACK, "UploadsFunction")["Timeout"]
        assert held < sum(waits) < 300 - 2 * held
        assert failed["MaxAttempts"] == MAX_RETRIES
        assert "JitterStrategy" not in failed  # which could make the waits as short as nothing


@pytest.mark.parametrize("name", MAPS)
def test_there_is_a_summary_also_after_a_failure(name: str) -> None:
    state = MAPS[name]
    assert state["Next"] == "Summary"
    assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Summary"}]
    # What the summary asks for survives the map.
    assert state["ResultPath"] == "$.map"
    assert STATES["Summary"]["Parameters"]["Payload"] == {
        "run.$": "$$.Execution.Name",
        "execution.$": "$$.Execution.Id",
        "started.$": "$$.Execution.StartTime",
        "bucket.$": "$.bucket",
        "prefix.$": "$.prefix",
        "tolerated": 3,
    }


def test_a_run_that_failed_ends_as_failed_with_its_own_reason() -> None:
    choice = STATES[STATES["Summary"]["Next"]]
    failed, too_many = choice["Choices"]
    assert failed == {"Variable": "$.error", "IsPresent": True, "Next": "Failed"}
    assert too_many == {
        "Variable": "$.summary.Payload.too_many_failed",
        "BooleanEquals": True,
        "Next": "TooManyFailed",
    }
    assert "too_many_failed" in Summary.model_fields
    assert choice["Default"] == "Done"
    assert STATES["TooManyFailed"]["Type"] == "Fail"
    assert STATES["Failed"] == {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}


# --- what is kept of it, and what it may do ---------------------------------------------------------------------------


def test_errors_are_logged_without_the_data_of_the_execution() -> None:
    logging = MACHINE["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
    assert logging["Destinations"] == [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn("ArchiveLogs")}}]
    assert STACK["Resources"]["ArchiveLogs"]["DeletionPolicy"] == KEPT
    # So that the policy by which AWS lets state machines log does not grow with each of them.
    name, _ = properties(STACK, "ArchiveLogs")["LogGroupName"]["Fn::Sub"]
    assert name.startswith("/aws/vendedlogs/states/")


def test_its_history_is_encrypted_with_the_own_key_if_there_is_one() -> None:
    own = {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KEY}
    assert MACHINE["EncryptionConfiguration"] == {"Fn::If": ["HasKey", own, NOTHING]}


def test_it_may_do_no_more_than_it_does() -> None:
    deliveries, traces, decrypts, *others = statements_of(STACK, "ArchiveRole")
    assert deliveries["Resource"] == traces["Resource"] == "*"
    assert {action.partition(":")[0] for action in deliveries["Action"]} == {"logs"}
    assert {action.partition(":")[0] for action in traces["Action"]} == {"xray"}
    assert decrypts == allow("kms:Decrypt", KEY)
    assert others == [
        WRITES_WITH_OWN_KEY,
        allow("lambda:InvokeFunction", [{"Ref": WORKER}, {"Ref": SUMMARY}]),
        allow("s3:ListBucket", [arn("UploadsBucket"), if_there_is_an_archive_bucket(ARCHIVE_BUCKET)]),
        allow("s3:GetObject", [under("UploadsBucket", "*"), if_there_is_an_archive_bucket(f"{ARCHIVE_BUCKET}/*")]),
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
            under("ResultsBucket", "archives/*"),
        ),
    ]


def test_it_may_start_and_stop_its_own_executions_and_no_other() -> None:
    policy = properties(STACK, "ArchiveChildren")
    assert policy["Roles"] == [{"Ref": "ArchiveRole"}]
    assert policy["PolicyDocument"]["Statement"] == [
        allow("states:StartExecution", {"Ref": "Archive"}),
        allow(
            ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"],
            # A colon or a slash ends the name, so that machines whose names begin alike are not meant.
            [{"Fn::Sub": f"{EXECUTIONS}:execution:${{Archive.Name}}{end}"} for end in (":*", "/*")],
        ),
    ]


def test_the_summary_may_read_and_write_what_is_of_archives_and_count_their_items() -> None:
    assert statements_of(STACK, "ArchiveSummaryRole")[3:] == [
        WRITES_WITH_OWN_KEY,
        allow(["s3:GetObject", "s3:PutObject"], under("ResultsBucket", "archives/*")),
        allow("s3:ListBucket", arn("ResultsBucket")),
    ]
    policy = properties(STACK, "ArchiveSummaryMapRuns")
    assert policy["Roles"] == [{"Ref": "ArchiveSummaryRole"}]
    assert policy["PolicyDocument"]["Statement"] == [
        allow("states:ListMapRuns", {"Fn::Sub": f"{EXECUTIONS}:execution:${{Archive.Name}}:*"}),
        allow("states:DescribeMapRun", {"Fn::Sub": f"{EXECUTIONS}:mapRun:${{Archive.Name}}/*"}),
    ]


def test_no_role_has_policies_beside_those_that_are_tested() -> None:
    assert set(of_type(STACK, "AWS::IAM::Policy")) == {"ArchiveChildren", "ArchiveSummaryMapRuns"}
    assert not of_type(STACK, "AWS::IAM::ManagedPolicy")
