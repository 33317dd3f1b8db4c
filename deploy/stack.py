"""What the commands for a deployed stack share: its outputs, its AWS clients, and errors in one sentence."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import boto3
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_iam import IAMClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

Service = Literal["apigateway", "cloudformation", "iam", "s3", "sqs", "stepfunctions"]

INTERRUPTED = 130  # exit status of a shell after Ctrl-C


class CommandError(Exception):
    """A command cannot do its work; the message says why in one sentence."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes
    ----------
    name : str
        Name of the stack.
    region : str, optional
        Region of the stack; by default that of the credentials.
    """

    name: str
    region: str | None = None

    @overload
    def client(self, service: Literal["apigateway"]) -> "APIGatewayClient": ...

    @overload
    def client(self, service: Literal["cloudformation"]) -> "CloudFormationClient": ...

    @overload
    def client(self, service: Literal["iam"]) -> "IAMClient": ...

    @overload
    def client(self, service: Literal["s3"]) -> "S3Client": ...

    @overload
    def client(self, service: Literal["sqs"]) -> "SQSClient": ...

    @overload
    def client(self, service: Literal["stepfunctions"]) -> "SFNClient": ...

    def client(self, service: Service) -> BaseClient:
        """Return a client of an AWS service in the stack's region."""
        return boto3.client(service, region_name=self.region)

    def outputs(self, *needed: str) -> dict[str, str]:
        """Return the stack's outputs.

        Parameters
        ----------
        *needed : str
            Names of outputs that must exist.

        Raises
        ------
        CommandError
            If there is no such stack, or it lacks one of them.
        """
        cloudformation = self.client("cloudformation")
        try:
            (stack,) = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise CommandError(f"There is no stack {self.name} in {cloudformation.meta.region_name}.") from error
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        missing = [name for name in needed if name not in outputs]
        if missing:
            raise CommandError(f"The stack {self.name} has no {' and no '.join(missing)}; deploy it again.")
        return outputs

    def physical_name(self, logical: str) -> str:
        """Return the physical name of a resource of the template."""
        cloudformation = self.client("cloudformation")
        found = cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def exit_status(command: Callable[[], None]) -> int:
    """Run a command; return its exit status, and print an error to stderr in one sentence."""
    try:
        command()
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"error: The AWS call failed: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return 0
