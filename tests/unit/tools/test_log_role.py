"""A deployment leaves the role alone with which API Gateway writes logs, if the account has one that is there."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cfnlint.decode import cfn_yaml

from deploy.log_role import ACCOUNT, CONDITION, PARAMETER, choose, main, with_choice
from deploy.stack import Stack

ROOT = Path(__file__).parents[3]
REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/service/the-logs"


ROLE_FOUND = {
    "Role": {"Path": "/", "RoleName": "the-logs", "RoleId": "A" * 16, "Arn": ROLE, "CreateDate": "2026-03-01T00:00:00Z"}
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)


class Aws:
    """The services as their models describe them; each call has to be expected here, and is answered in this order."""

    def __init__(self) -> None:
        self.clients = {name: boto3.client(name) for name in ("cloudformation", "apigateway", "iam")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}

    def no_stack(self, why: str = "Stack 'thyroid' does not exist") -> None:
        self.stubs["cloudformation"].add_client_error("describe_stack_resource", "ValidationError", why)

    def stack_with_it(self, status: str) -> None:
        detail = {
            "LogicalResourceId": ACCOUNT,
            "ResourceType": "AWS::ApiGateway::Account",
            "LastUpdatedTimestamp": "2026-03-01T00:00:00Z",
            "ResourceStatus": status,
        }
        asked = {"StackName": "thyroid", "LogicalResourceId": ACCOUNT}
        self.stubs["cloudformation"].add_response("describe_stack_resource", {"StackResourceDetail": detail}, asked)

    def setting(self, role: str | None) -> None:
        self.stubs["apigateway"].add_response("get_account", {"cloudwatchRoleArn": role} if role is not None else {})

    def role(self) -> None:
        self.stubs["iam"].add_response("get_role", ROLE_FOUND, {"RoleName": "the-logs"})

    def no_role(self, code: str = "NoSuchEntity") -> None:
        self.stubs["iam"].add_client_error("get_role", code, "No.", expected_params={"RoleName": "the-logs"})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    made = Aws()
    monkeypatch.setattr(Stack, "client", lambda _stack, service: made.clients[service])
    for stub in made.stubs.values():
        stub.activate()
    yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


# --- what is chosen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, ""])
def test_in_an_account_without_one_it_is_created(account: Aws, nothing: str | None) -> None:
    account.no_stack()
    account.setting(nothing)

    value, why = choose(Stack("thyroid"))

    assert value == "create"
    assert "no role for logs in eu-central-1" in why


@pytest.mark.parametrize(
    "why_not", ["Stack 'thyroid' does not exist", "Resource GatewayAccount does not exist for stack thyroid"]
)
def test_one_that_is_there_is_left_alone_and_named(account: Aws, why_not: str) -> None:
    account.no_stack(why_not)
    account.setting(ROLE)
    account.role()

    value, why = choose(Stack("thyroid"))

    assert value == "exists"
    assert ROLE in why


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_the_stack_that_created_it_keeps_it_whatever_is_set(account: Aws, status: str) -> None:
    account.stack_with_it(status)

    value, why = choose(Stack("thyroid"))

    assert value == "create"
    assert "the stack thyroid" in why


@pytest.mark.parametrize("status", ["DELETE_COMPLETE", "DELETE_SKIPPED"])
def test_a_stack_that_let_go_of_it_leaves_alone_what_is_there(account: Aws, status: str) -> None:
    account.stack_with_it(status)
    account.setting(ROLE)
    account.role()

    assert choose(Stack("thyroid"))[0] == "exists"


def test_a_role_that_was_deleted_is_replaced(account: Aws) -> None:
    # GIVEN what a first deployment that failed leaves: the setting, and no role
    account.stack_with_it("DELETE_COMPLETE")
    account.setting(ROLE)
    account.no_role()

    value, why = choose(Stack("thyroid"))

    assert value == "create"
    assert f"{ROLE}, was deleted" in why


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_who_may_not_look_for_the_role_leaves_it_alone(account: Aws, code: str) -> None:
    account.no_stack()
    account.setting(ROLE)
    account.no_role(code)

    assert choose(Stack("thyroid"))[0] == "exists"


@pytest.mark.parametrize("service", ["cloudformation", "iam"])
def test_a_failure_to_look_is_no_answer(account: Aws, service: str) -> None:
    if service == "cloudformation":
        account.stubs[service].add_client_error("describe_stack_resource", "Throttling", "Later.")
    else:
        account.no_stack()
        account.setting(ROLE)
        account.no_role("ServiceFailure")

    with pytest.raises(ClientError, match=r"Throttling|ServiceFailure"):
        choose(Stack("thyroid"))


# --- where it goes ---------------------------------------------------------------------------------------------------

TEMPLATE: dict[str, Any] = cfn_yaml.load(str(ROOT / "template.yaml"))


def test_the_template_knows_what_is_decided_by_these_names() -> None:
    assert TEMPLATE["Resources"][ACCOUNT]["Condition"] == CONDITION
    assert TEMPLATE["Conditions"][CONDITION] == {"Fn::Equals": [{"Ref": PARAMETER}, "create"]}
    assert TEMPLATE["Parameters"][PARAMETER]["AllowedValues"] == ["create", "exists"]
    # Nothing but the condition asks for the parameter.
    assert (ROOT / "template.yaml").read_text("utf-8").count(f"!Ref {PARAMETER}") == 1


@pytest.fixture
def built(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    interface = {"ParameterGroups": [{"Parameters": ["LogLevel", PARAMETER]}]}
    template = {
        "Metadata": {"AWS::CloudFormation::Interface": interface},
        "Parameters": {"LogLevel": {"Type": "String"}, PARAMETER: {"Type": "String", "Default": "create"}},
        "Conditions": {CONDITION: {"Fn::Equals": [{"Ref": PARAMETER}, "create"]}, "HasKey": {"Fn::Not": [True]}},
    }
    path.write_text(yaml.safe_dump(template), "utf-8")
    return path


def test_the_built_template_has_the_answer_and_no_longer_the_question(
    account: Aws, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account.no_stack()
    account.setting(ROLE)
    account.role()

    assert main(["thyroid", "--template", str(built)]) == 0

    made = yaml.safe_load(built.read_text("utf-8"))
    assert made["Conditions"] == {CONDITION: {"Fn::Equals": ["exists", "create"]}, "HasKey": {"Fn::Not": [True]}}
    assert list(made["Parameters"]) == ["LogLevel"]
    (group,) = made["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert group["Parameters"] == ["LogLevel"]
    assert capsys.readouterr().out == (
        f"API Gateway's role for logs in {REGION}, {ROLE}, is left as it is. (GatewayLogRole=exists)\n"
    )


def test_asked_twice_it_answers_what_holds_now(account: Aws, built: Path) -> None:
    for role, value in ((None, "create"), (ROLE, "exists")):
        account.no_stack()
        account.setting(role)
        if role:
            account.role()

        assert main(["thyroid", "--template", str(built)]) == 0

        made = yaml.safe_load(built.read_text("utf-8"))
        assert made["Conditions"][CONDITION] == {"Fn::Equals": [value, "create"]}


def test_of_a_template_only_the_parameter_and_its_condition_are_changed() -> None:
    template = yaml.safe_load(json.dumps(TEMPLATE))

    made = with_choice(template, "exists")

    assert set(TEMPLATE["Parameters"]) - set(made["Parameters"]) == {PARAMETER}
    for part in ("Resources", "Outputs", "Globals", "Mappings", "Rules"):
        assert made[part] == json.loads(json.dumps(TEMPLATE[part]))
    assert {name for name in made["Conditions"] if made["Conditions"][name] != TEMPLATE["Conditions"][name]} == {
        CONDITION
    }


def test_without_a_build_one_sentence_says_what_to_do(
    account: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account.stack_with_it("CREATE_COMPLETE")
    missing = tmp_path / "template.yaml"

    assert main(["thyroid", "--template", str(missing)]) == 1

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"error: There is no {missing}; run `make build` first.\n")


def test_where_aws_refuses_nothing_is_decided(account: Aws, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = built.read_text("utf-8")
    account.no_stack()
    account.stubs["apigateway"].add_client_error("get_account", "AccessDeniedException", "Not you.")

    assert main(["thyroid", "--template", str(built)]) == 1

    printed = capsys.readouterr()
    assert printed.err.startswith("error: The AWS call failed: An error occurred (AccessDeniedException)")
    assert len(printed.err.splitlines()) == 1
    assert built.read_text("utf-8") == before


def test_a_deployment_asks_before_it_deploys() -> None:
    planned = subprocess.run(["make", "-n", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    asks = planned.index('-m deploy.log_role "thyroid" --region "$region"')
    assert planned.index("-m deploy.release") < planned.index("-m deploy.repository") < asks
    assert asks < planned.index("sam deploy --guided")
