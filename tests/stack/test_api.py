"""The API: who may call what, how often, and what the gateway keeps of it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from functions.endpoints import ENDPOINTS
from tests.stack.conftest import KEPT, ROOT, TEMPLATE, of_type, properties, stack

STACK = stack()
PATHS: dict[str, dict[str, Any]] = properties(STACK, "Api")["Body"]["paths"]
# What needs no key is listed by hand: nothing else may be open, whatever a router says of itself.
OPEN = {"/", "/app", "/app/{release}/{file}", "/docs", "/docs/{file}", "/openapi.json", "/redoc", "/api/v1/health"}
CLOSED = {endpoint.path for endpoint in ENDPOINTS} - OPEN
KEY: list[dict[str, list[str]]] = [{"api_key": []}]


def test_every_address_is_open_or_closed_as_the_design_says() -> None:
    assert set(PATHS) == OPEN | CLOSED
    for path, operations in PATHS.items():
        for method, operation in operations.items():
            wanted = [] if path in OPEN or method == "options" else KEY
            assert operation["security"] == wanted, (method, path)


def test_browsers_may_ask_first_without_a_key_at_every_endpoint() -> None:
    assert {path for path, operations in PATHS.items() if "options" in operations} == {
        path for path in OPEN | CLOSED if path.startswith("/api/")
    }


def test_a_key_has_a_plan_with_rate_burst_and_quota() -> None:
    plan = properties(STACK, "UsagePlan")
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "ApiprodStage"}}]
    assert plan["Throttle"] == {"RateLimit": {"Ref": "KeyRateLimit"}, "BurstLimit": {"Ref": "KeyBurstLimit"}}
    assert plan["Quota"] == {"Limit": {"Ref": "KeyQuota"}, "Period": {"Ref": "KeyQuotaPeriod"}}
    assert properties(STACK, "KeyInUsagePlan") == {
        "KeyId": {"Ref": "Key"},
        "KeyType": "API_KEY",
        "UsagePlanId": {"Ref": "UsagePlan"},
    }


def test_the_stage_throttles_what_needs_no_key_and_logs_no_bodies() -> None:
    (settings,) = properties(STACK, "ApiprodStage")["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "StageRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "StageBurstLimit"}
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "OFF"


def test_the_access_log_is_json_of_these_fields_none_of_which_holds_anything_of_a_patient() -> None:
    # The address that was called, its query and the caller's program may hold anything; the declared route does not.
    assert json.loads(properties(STACK, "ApiprodStage")["AccessLogSetting"]["Format"]) == {
        "request_id": "$context.requestId",
        "time": "$context.requestTime",
        "method": "$context.httpMethod",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "gateway_error": "$context.error.responseType",
        "latency_ms": "$context.responseLatency",
        "function_ms": "$context.integrationLatency",
        "answer_bytes": "$context.responseLength",
        "key_id": "$context.identity.apiKeyId",
        "address": "$context.identity.sourceIp",
        "firewall": "$context.wafResponseCode",
    }


def test_the_gateway_traces_nothing_since_its_traces_hold_the_query() -> None:
    assert properties(STACK, "ApiprodStage")["TracingEnabled"] is False


def test_the_gateway_logs_with_a_role_that_outlives_the_stack() -> None:
    for name in ("GatewayAccount", "GatewayLogsRole"):
        resource = STACK["Resources"][name]
        assert (resource["Condition"], resource["DeletionPolicy"]) == ("CreatesGatewayLogRole", KEPT)
    # The stage names the account and so comes after it.
    assert "GatewayAccount" in json.dumps(properties(STACK, "ApiprodStage")["Tags"])


def test_requests_go_to_the_alias_of_their_function() -> None:
    for path, operations in PATHS.items():
        for operation in operations.values():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert "FunctionAliaslive}/invocations" in uri, path


def test_the_documented_change_to_signatures_closes_the_same_addresses(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # GIVEN the template, changed as docs/before-production.md says
    text = (ROOT / "template.yaml").read_text("utf-8")
    changed = text.replace(
        "        ApiKeyRequired: true\n", "        ApiKeyRequired: true\n        DefaultAuthorizer: AWS_IAM\n"
    ).replace("Auth: {ApiKeyRequired: false}", "Auth: {ApiKeyRequired: false, Authorizer: NONE}")
    path = tmp_path_factory.mktemp("signed") / "template.yaml"
    path.write_text(changed, "utf-8")
    # WHEN it is transformed
    paths = properties(stack(path), "Api")["Body"]["paths"]
    # THEN what is closed asks for a signature too, and what is open does not
    for address, operations in paths.items():
        for method, operation in operations.items():
            schemes = {scheme for asked in operation["security"] for scheme in asked}
            closed = address in CLOSED and method != "options"
            assert ("AWS_IAM" in schemes) is closed, (method, address, schemes)
            assert ("api_key" in schemes) is closed, (method, address, schemes)


def test_the_firewall_stands_before_the_stage_and_lets_images_through() -> None:
    for name in ("WebAcl", "WebAclOfTheStage", "FirewallLogs", "FirewallLogging"):
        assert STACK["Resources"][name]["Condition"] == "HasFirewall"
    rules = {rule["Name"]: rule["Statement"] for rule in properties(STACK, "WebAcl")["Rules"]}
    assert rules["requests-per-address"]["RateBasedStatement"]["Limit"] == {"Ref": "FirewallRequestsPerAddress"}
    overrides = rules["common"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    counted = {override["Name"] for override in overrides if override["ActionToUse"] == {"Count": {}}}
    # WAF's common rules refuse bodies over 8 KB, which every image is.
    assert "SizeRestrictions_BODY" in counted
    redacted = properties(STACK, "FirewallLogging")["RedactedFields"]
    assert {"QueryString": {}} in redacted
    assert {"SingleHeader": {"Name": "x-api-key"}} in redacted


@pytest.mark.parametrize("name", ["Api", "Domain"])
def test_no_address_takes_tls_below_1_2(name: str) -> None:
    assert properties(STACK, name)["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
    # AWS asks for it where the policy is one of these.
    assert properties(STACK, name)["EndpointAccessMode"] == "STRICT"
    assert properties(STACK, name)["EndpointConfiguration"]["Types"] == ["REGIONAL"]


def test_a_domain_is_there_by_condition_with_a_current_protocol() -> None:
    assert STACK["Conditions"]["HasDomain"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, "none"]}]}
    assert STACK["Resources"]["Domain"]["Condition"] == "HasDomain"
    assert properties(STACK, "StageOfTheDomain")["Stage"] == {"Ref": "ApiprodStage"}
    assert TEMPLATE["Rules"]["ADomainHasACertificate"]


def test_a_domain_closes_the_address_that_aws_gives() -> None:
    # In OpenAPI 3 it is a property of the servers (github.com/aws/serverless-application-model/issues/2396).
    (server,) = properties(STACK, "Api")["Body"]["servers"]
    closed = server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    assert closed == {"Fn::If": ["HasDomain", True, False]}


def test_every_release_deploys_the_api_so_that_its_settings_reach_callers(tmp_path: Path) -> None:
    # GIVEN the same template a second later; a domain that was set meanwhile is no text of it
    first = set(of_type(STACK, "AWS::ApiGateway::Deployment"))
    path = tmp_path / "template.yaml"
    path.write_text((ROOT / "template.yaml").read_text("utf-8"), "utf-8")
    time.sleep(1)
    # WHEN it is transformed again, THEN there is another deployment, and the stage has it
    again = stack(path)
    (second,) = set(of_type(again, "AWS::ApiGateway::Deployment"))
    assert second not in first
    assert properties(again, "ApiprodStage")["DeploymentId"] == {"Ref": second}


def test_the_output_is_the_address_that_works() -> None:
    with_domain, without = STACK["Outputs"]["ApiUrl"]["Value"]["Fn::If"][1:]
    assert STACK["Outputs"]["ApiUrl"]["Value"]["Fn::If"][0] == "HasDomain"
    assert with_domain == {"Fn::Sub": "https://${DomainName}"}
    # The stage is in the mapping of a domain, so it is in the other address alone.
    assert "BasePath" not in properties(STACK, "StageOfTheDomain")
    assert without == {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${ApiprodStage}"}


def test_nothing_is_open_to_the_world_but_through_the_gateway() -> None:
    for permission in of_type(STACK, "AWS::Lambda::Permission").values():
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        assert "SourceArn" in permission["Properties"]
    assert not of_type(STACK, "AWS::Lambda::Url")
