"""Decides who makes the role with which API Gateway writes logs: ``python -m deploy.log_role STACK``.

An account has one such role in a region, and CloudFormation would set the stack's own without asking: other APIs would
log with it from then on. So `make deploy` runs this between the build and ``sam deploy``. The answer becomes a part of
the built template, in place of the parameter ``GatewayLogRole``: an answer of an earlier deployment, which
``sam deploy`` keeps, may no longer hold.
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
NO_LONGER_OF_THE_STACK = {"DELETE_COMPLETE", "DELETE_SKIPPED"}  # the latter was kept when the stack let go of it

Choice = Literal["create", "exists"]


def choice(stack: Stack) -> tuple[Choice, str]:
    """Return what the parameter has to be where a stack is deployed, and why.

    Parameters
    ----------
    stack : Stack
        Deployed already, or not.

    Raises
    ------
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS refuses.
    """
    if _has_made_it(stack):
        # Without it in the template, CloudFormation would take the setting and the role out of the stack.
        return "create", f"The role that the stack {stack.name} created for API Gateway's logs stays."
    gateway = stack.client("apigateway")
    role, region = gateway.get_account().get("cloudwatchRoleArn"), gateway.meta.region_name
    if not role:
        return "create", f"API Gateway has no role for logs in {region}: the stack creates one."
    if not _is_there(stack, role):
        return "create", f"API Gateway's role for logs in {region}, {role}, was deleted: the stack creates another."
    return "exists", f"API Gateway's role for logs in {region}, {role}, is left as it is."


def decided(template: dict[str, Any], value: Choice) -> dict[str, Any]:
    """Return a built template in which the parameter is decided.

    Parameters
    ----------
    template : dict
        As ``sam build`` and `deploy.release` wrote it. It is changed.
    value : {"create", "exists"}
        Of the parameter.
    """
    template["Conditions"][CONDITION] = {"Fn::Equals": [value, "create"]}
    return without_parameters(template, PARAMETER)


def _has_made_it(stack: Stack) -> bool:
    try:
        found = stack.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId=ACCOUNT)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack, or none with such a resource
            return False
        raise
    return found["StackResourceDetail"]["ResourceStatus"] not in NO_LONGER_OF_THE_STACK


def _is_there(stack: Stack, role: str) -> bool:
    try:
        stack.client("iam").get_role(RoleName=role.rpartition("/")[2])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchEntity":
            return False
        # Who may not look leaves alone what is set. If it was deleted all the same, the deployment fails and says so.
        if not code.startswith("AccessDenied"):
            raise
    return True


def decide(stack: Stack, built: Path) -> None:
    """Ask AWS, tell the answer, and write it into a built template.

    Parameters
    ----------
    stack : Stack
        That is going to be deployed.
    built : pathlib.Path
        The template.

    Raises
    ------
    CommandError
        If there is no such template.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        If AWS refuses.
    """
    value, why = choice(stack)
    try:
        template = yaml.safe_load(built.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CommandError(f"There is no {built}; run `make build` first.") from error
    built.write_text(yaml.safe_dump(decided(template, value), sort_keys=False, width=120), "utf-8")
    print(f"{why} ({PARAMETER}={value})")  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Decide it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.log_role", description="Leave API Gateway's role for logs alone if there is one."
    )
    parser.add_argument("stack", help="name of the stack that is going to be deployed")
    parser.add_argument("--region", help="where; left out, that of the credentials")
    parser.add_argument("--template", type=Path, default=BUILT, help="what `make build` wrote")
    options = parser.parse_args(arguments)
    return exit_status(lambda: decide(Stack(options.stack, options.region or None), options.template))


if __name__ == "__main__":
    sys.exit(main())
