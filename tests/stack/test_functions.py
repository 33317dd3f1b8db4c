"""The functions: one image, a role and a log group each, versions that roll out and back."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.contenders import AS_DEPLOYED
from tests.e2e.conftest import LINTED_NOT_RUN
from tests.endpoints import FUNCTIONS as BEHIND_THE_GATEWAY, IMAGE_ENDPOINTS, resource_of
from tests.stack.conftest import KEPT, ROOT, of_type, properties, stack, statements_of
from thyroid.settings import Settings

STACK = stack()
FUNCTIONS = of_type(STACK, "AWS::Lambda::Function")
PREDICT = FUNCTIONS["PredictFunction"]["Properties"]
TEMPLATE_TEXT = (ROOT / "template.yaml").read_text("utf-8")
# From callers, who wait. Nobody waits for the worker of the uploads.
TAKE_IMAGES = {resource_of(endpoint.function) for endpoint in IMAGE_ENDPOINTS}
WORKER = "UploadsFunction"
# Step Functions and the queue call these; all others are behind the gateway.
NOBODY_WAITS_FOR = {WORKER, "ArchiveSummaryFunction"}
# What these may do beside is in test_uploads.py and test_archive.py.
TOUCH_WHAT_IS_STORED = {WORKER, "UploadLinksFunction", "ArchiveSummaryFunction"}
MIN_MEMORY_MB = 750
MAX_ALARMS = 10  # of a deployment group (AWS CodeDeploy quotas)


def role_of(function: str) -> str:
    """Return the name of the role that a function runs as."""
    name, attribute = FUNCTIONS[function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def test_there_is_a_function_for_each_module_and_all_are_one_image() -> None:
    behind_the_gateway = {resource_of(name) for name in (*BEHIND_THE_GATEWAY, "site")}
    assert set(FUNCTIONS) == behind_the_gateway | NOBODY_WAITS_FOR
    for function in FUNCTIONS.values():
        assert function["Properties"]["PackageType"] == "Image"
        assert function["Properties"]["Code"] == {"ImageUri": "example.org/thyroid:tag"}


def test_each_runs_a_handler_of_its_own() -> None:
    commands = [json.dumps(f["Properties"]["ImageConfig"]["Command"]) for f in FUNCTIONS.values()]
    assert len(set(commands)) == len(FUNCTIONS)


def test_each_has_a_role_of_its_own() -> None:
    assert len({role_of(name) for name in FUNCTIONS}) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_may_write_to_its_own_log_group_and_send_traces(name: str) -> None:
    role = role_of(name)
    logs = FUNCTIONS[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    by_hand = properties(STACK, role)
    assert "ManagedPolicyArns" not in by_hand
    assert statements_of(STACK, role)[:3] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [logs, "Arn"]},
        },
        {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KmsKeyArn"}},
    ]
    assert {policy["Fn::If"][0] for policy in by_hand["Policies"] if "Fn::If" in policy} == {"HasKey"}


def test_who_only_answers_may_do_no_more() -> None:
    assert {name for name in FUNCTIONS if len(statements_of(STACK, role_of(name))) > 3} == TOUCH_WHAT_IS_STORED


def test_each_has_a_log_group_of_its_own_with_retention_and_a_key_by_parameter() -> None:
    groups = {f["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for f in FUNCTIONS.values()}
    assert len(groups) == len(FUNCTIONS)
    for group in of_type(STACK, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert group["Properties"]["KmsKeyId"] == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
        # Audit records outlive the stack until their days are over.
        assert group["DeletionPolicy"] == KEPT
    for function in FUNCTIONS.values():
        assert function["Properties"]["LoggingConfig"]["LogFormat"] == "JSON"


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - NOBODY_WAITS_FOR))
def test_no_function_works_longer_than_the_gateway_waits(name: str) -> None:
    assert 1 <= FUNCTIONS[name]["Properties"]["Timeout"] <= 29


def test_memory_is_enough_for_what_a_function_takes() -> None:
    memory = STACK["Parameters"]["MemorySize"]
    assert memory["MinValue"] > MIN_MEMORY_MB
    wanted: dict[str, Any] = dict.fromkeys(FUNCTIONS, 512) | {"ArchiveSummaryFunction": 1024}
    wanted |= {name: {"Ref": "MemorySize"} for name in (*TAKE_IMAGES, WORKER)}
    assert {name: function["Properties"]["MemorySize"] for name, function in FUNCTIONS.items()} == wanted


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_processor_is_a_parameter(architecture: str) -> None:
    functions = of_type(stack(Architecture=architecture), "AWS::Lambda::Function")
    assert all(f["Properties"]["Architectures"] == [{"Ref": "Architecture"}] for f in functions.values())


def test_each_version_has_an_alias() -> None:
    aliases = of_type(STACK, "AWS::Lambda::Alias")
    assert {alias["Properties"]["FunctionName"]["Ref"] for alias in aliases.values()} == set(FUNCTIONS)
    assert {alias["Properties"]["Name"] for alias in aliases.values()} == {"live"}


def test_every_release_is_a_new_version_of_every_function(tmp_path: Path) -> None:
    # GIVEN two releases of the same build. SAM reads the template's text alone, so a parameter would make no version.
    made = []
    for name in ("20260101T000000Z", "20260102T000000Z"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(re.sub("THYROID_RELEASE: .*", f"THYROID_RELEASE: {name}", TEMPLATE_TEXT), "utf-8")
        made.append(stack(path))
    # THEN no version of one is in the other
    first, second = (set(of_type(release, "AWS::Lambda::Version")) for release in made)
    assert len(first) == len(FUNCTIONS)
    assert not first & second
    # AND Lambda, which makes no version where nothing differs, sees that something does
    first_told, second_told = (
        of_type(release, "AWS::Lambda::Function")["PredictFunction"]["Properties"]["Environment"]["Variables"]
        for release in made
    )
    assert first_told != second_told


# --- rolling out ------------------------------------------------------------------------------------------------------

THROUGH_CODEDEPLOY = [kind for kind in STACK["Parameters"]["Rollout"]["AllowedValues"] if kind != "none"]


@pytest.mark.parametrize("rollout", THROUGH_CODEDEPLOY)
def test_a_new_version_takes_over_step_by_step_and_goes_back_when_an_alarm_rings(rollout: str) -> None:
    stepwise = stack(Rollout=rollout)
    groups = of_type(stepwise, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(FUNCTIONS)
    for group in groups.values():
        settings = group["Properties"]
        assert rollout in json.dumps(settings["DeploymentConfigName"])
        assert settings["AlarmConfiguration"]["Enabled"] is True
        # All functions are one image: what goes wrong in any of them takes all of them back. Where a caller waits, that
        # is a 5xx of the gateway.
        assert {alarm["Name"]["Ref"] for alarm in settings["AlarmConfiguration"]["Alarms"]} == {
            "ServerErrorsAlarm",
            "GatewayErrorsAlarm",
            *(name.replace("Function", "ErrorsAlarm") for name in NOBODY_WAITS_FOR),
        }
        assert len(settings["AlarmConfiguration"]["Alarms"]) <= MAX_ALARMS
        assert "DEPLOYMENT_STOP_ON_ALARM" in settings["AutoRollbackConfiguration"]["Events"]
    for alias in of_type(stepwise, "AWS::Lambda::Alias").values():
        assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]


def test_where_there_is_no_codedeploy_it_takes_over_at_once() -> None:
    at_once = stack(Rollout="none")
    assert not [name for name, resource in at_once["Resources"].items() if "CodeDeploy" in resource["Type"]]
    assert all("UpdatePolicy" not in alias for alias in of_type(at_once, "AWS::Lambda::Alias").values())


def test_every_rollout_is_mapped() -> None:
    assert set(STACK["Mappings"]["Rollouts"]) == set(STACK["Parameters"]["Rollout"]["AllowedValues"])


# --- starting, and how many -------------------------------------------------------------------------------------------


def test_a_snapshot_and_kept_environments_exclude_each_other() -> None:
    assert STACK["Conditions"]["IsSnapshot"] == {"Fn::Equals": [{"Ref": "WarmStart"}, "snapstart"]}
    assert STACK["Conditions"]["IsProvisioned"] == {"Fn::Equals": [{"Ref": "WarmStart"}, "provisioned"]}
    for name in TAKE_IMAGES:
        assert FUNCTIONS[name]["Properties"]["SnapStart"] == {
            "ApplyOn": {"Fn::If": ["IsSnapshot", "PublishedVersions", "None"]}
        }


def test_environments_are_kept_and_reserved_for_the_functions_that_take_images() -> None:
    for alias in of_type(STACK, "AWS::Lambda::Alias").values():
        kept = alias["Properties"].get("ProvisionedConcurrencyConfig")
        if alias["Properties"]["FunctionName"]["Ref"] in TAKE_IMAGES:
            assert kept["Fn::If"][:2] == [
                "IsProvisioned",
                {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}},
            ]
        else:
            assert kept is None
    reserved = {name for name, f in FUNCTIONS.items() if "ReservedConcurrentExecutions" in f["Properties"]}
    assert reserved == TAKE_IMAGES


# --- what they are told -----------------------------------------------------------------------------------------------


def test_functions_are_told_where_their_metrics_go_and_whether_to_trace() -> None:
    for function in FUNCTIONS.values():
        variables = function["Properties"]["Environment"]["Variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Thyroid"
        assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
        assert variables["THYROID_TRACES"] == {"Ref": "DetailedTraces"}
        assert variables["THYROID_REFUSE_UNSUITABLE"] == {"Ref": "RefuseUnsuitable"}
        assert function["Properties"]["LoggingConfig"]["ApplicationLogLevel"] == {"Ref": "LogLevel"}
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}


def test_what_is_measured_in_containers_is_told_what_the_template_tells_by_default() -> None:
    told = PREDICT["Environment"]["Variables"]
    assert STACK["Parameters"]["DetailedTraces"]["Default"] == AS_DEPLOYED["THYROID_TRACES"]
    assert told["POWERTOOLS_METRICS_NAMESPACE"] == AS_DEPLOYED["POWERTOOLS_METRICS_NAMESPACE"]
    # The others are not needed there: the defaults of their parameters are those of the settings.
    others = set(told) - set(AS_DEPLOYED) - {"THYROID_RELEASE"}
    assert "THYROID_CORS_ORIGINS" in others
    defaults = {name: str(STACK["Parameters"][told[name]["Ref"]]["Default"]) for name in others}
    assert Settings.from_environment(defaults) == Settings()


def test_who_describes_the_others_does_not_load_the_model_for_it() -> None:
    told = {name: f["Properties"]["Environment"]["Variables"].get("THYROID_WARM_UP") for name, f in FUNCTIONS.items()}
    without = ("SiteFunction", "UploadLinksFunction", "ArchiveSummaryFunction")
    assert told == dict.fromkeys(FUNCTIONS) | dict.fromkeys(without, "false")  # the image says true


def test_audit_records_cannot_be_switched_off_by_the_log_level() -> None:
    assert STACK["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def test_the_deployment_names_one_repository_for_every_function() -> None:
    planned = subprocess.run(["make", "-n", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r'--image-repositories (\w+)="\$repository"', planned)
    assert sorted(named) == sorted(FUNCTIONS)


def test_what_is_linted_and_not_run_is_asserted_by_a_test_that_exists() -> None:
    for where in LINTED_NOT_RUN.values():
        file, _, name = where.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), where
