"""Decides which stack owns the role with which API Gateway writes logs: ``python -m deploy.log_role STACK``.

An account has one such role per region. CloudFormation would replace it with the stack's own without asking, also for
other APIs. So `make deploy` runs this between the build and ``sam deploy``. The decision is written into the built
template in place of the parameter ``GatewayLogRole``: the value of an earlier deployment, which ``sam deploy`` stores,
may be out of date.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Literal

import yaml
from botocore.exceptions import ClientError

from deploy.release import BUILT, without_parameters
from deploy.stack import CommandError, Stack, exit_status

# As the template names them: the setting of the account, which parameter decides on it, and by which condition.
ACCOUNT, PARAMETER, CONDITION = "GatewayAccount", "GatewayLogRole", "CreatesGatewayLogRole"
REMOVED_FROM_STACK = {"DELETE_COMPLETE", "DELETE_SKIPPED"}  # the latter: kept when it was removed from the stack

Choice = Literal["create", "exists"]


def choose(stack: Stack) -> tuple[Choice, str]:
    """Return the value of the parameter for the deployment of a stack, and the reason.

    Parameters
    ----------
    stack : Stack
        A stack, deployed or not.

    Raises
    ------
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS returns an error.
    """
    if _owns_role(stack):
        # Without it in the template, CloudFormation would remove the setting and the role from the stack.
        return "create", f"The role that the stack {stack.name} created for API Gateway's logs stays."
    gateway = stack.client("apigateway")
    role, region = gateway.get_account().get("cloudwatchRoleArn"), gateway.meta.region_name
    if not role:
        return "create", f"API Gateway has no role for logs in {region}: the stack creates one."
    if not _role_exists(stack, role):
        return "create", f"API Gateway's role for logs in {region}, {role}, was deleted: the stack creates another."
    return "exists", f"API Gateway's role for logs in {region}, {role}, is left as it is."


def with_choice(template: dict[str, Any], value: Choice) -> dict[str, Any]:
    """Return a built template in which the parameter has a fixed value.

    Parameters
    ----------
    template : dict
        As ``sam build`` and `deploy.release` wrote it. It is changed.
    value : {"create", "exists"}
        Value of the parameter.
    """
    template["Conditions"][CONDITION] = {"Fn::Equals": [value, "create"]}
    return without_parameters(template, PARAMETER)


def _owns_role(stack: Stack) -> bool:
    try:
        found = stack.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId=ACCOUNT)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack, or none with such a resource
            return False
        raise
    return found["StackResourceDetail"]["ResourceStatus"] not in REMOVED_FROM_STACK


def _role_exists(stack: Stack, role: str) -> bool:
    try:
        stack.client("iam").get_role(RoleName=role.rpartition("/")[2])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchEntity":
            return False
        # Without permission to read the role, leave it as it is. If it was deleted, the deployment fails and says so.
        if not code.startswith("AccessDenied"):
            raise
    return True


def decide(stack: Stack, built: Path) -> None:
    """Ask AWS, print the decision, and write it into a built template.

    Parameters
    ----------
    stack : Stack
        The stack that will be deployed.
    built : pathlib.Path
        The template.

    Raises
    ------
    CommandError
        If there is no such template.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS returns an error.
    """
    value, reason = choose(stack)
    try:
        template = yaml.safe_load(built.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CommandError(f"There is no {built}; run `make build` first.") from error
    built.write_text(yaml.safe_dump(with_choice(template, value), sort_keys=False, width=120), "utf-8")
    print(f"{reason} ({PARAMETER}={value})")  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.log_role", description="Leave API Gateway's role for logs alone if there is one."
    )
    parser.add_argument("stack", help="name of the stack that will be deployed")
    parser.add_argument("--region", help="region of the stack; by default that of the credentials")
    parser.add_argument("--template", type=Path, default=BUILT, help="the template that `make build` wrote")
    options = parser.parse_args(arguments)
    return exit_status(lambda: decide(Stack(options.stack, options.region or None), options.template))


if __name__ == "__main__":
    sys.exit(main())
