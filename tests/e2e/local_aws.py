"""A local AWS with the stack deployed to it: a real gateway, keys and log groups, functions in real containers.

It differs from AWS in ways that are told here and nowhere else:

- It has no CodeDeploy, and hands no parameters to SAM's transform: the rollout's default is set to none in a copy.
- It runs an image as the user that the image names, and AWS runs it as one of its own: a copy of the image names one.
- It does not read gateway responses from the API's definition: they are put one by one, out of the same definition.
- It pulls no image: the copy is named as local.
- It keeps the bound of a queue's readers as text where a parameter sets it, and then reads nothing: the copy has a
  number.
- It knows no batches in a distributed map, and writes no results of one: each item comes as a batch of its own.
- Its events of S3 name no version; the worker asks for it.
- It does not ask whether a key is enabled, only whether the stage's usage plan has it.
- It refuses alarms of several metrics: those of the copy watch their first metric alone. None rings there, anyway.

The worker's timeout and the queue's are shorter in the copy, so that tests see what comes back.

Functions call it as well. It listens where containers reach it: on the engine's bridge, or, where that is not of this
machine (Docker Desktop), on loopback.
"""

import ipaddress
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

from deploy.release import new_name
from tests.e2e.commands import ROOT, docker, run, sam, wait_for

REGION = "eu-central-1"
STACK = "thyroid-e2e"
# Limits that no test meets by the way.
GENEROUS = {"KeyRateLimit": "10000", "KeyBurstLimit": "5000", "StageRateLimit": "10000", "StageBurstLimit": "5000"}
LOCAL_IMAGE = "localhost/thyroid-e2e:latest"
BUILT = ROOT / ".aws-sam" / "build"
COPY = BUILT / "local-aws.yaml"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

# Half of what the template asks for at least where images are taken, and nothing to write to but /tmp.
LIKE_LAMBDA = "--memory=512m --read-only --tmpfs /tmp:size=512m"

# Readers of the queue, as many as two processors bear; and how long the worker may take, and its messages stay hidden,
# in seconds. In the template it is 60 and six times that.
READERS, WORKER_TIMEOUT, HIDDEN = 4, 15, 18
BATCHES = re.compile(r'"ItemBatcher": \{\s*"MaxItemsPerBatch": \d+,\s*"BatchInput": (\{[^}]*\})\s*\}')


@dataclass
class LocalAws:
    """A running local AWS, and the stack in it.

    Attributes
    ----------
    endpoint : str
        Address of its services.
    image : str
        Tag of the image that was built.
    """

    endpoint: str
    image: str
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the SAM CLI needs to find it."""
        return {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint, "SAM_CLI_TELEMETRY": "0"}

    def client(self, service: str) -> Any:
        """Return a client of one of its services."""
        if service not in self._clients:
            make: Any = boto3.Session("test", "test", region_name=REGION).client  # typed for literal names alone
            self._clients[service] = make(service, endpoint_url=self.endpoint)
        return self._clients[service]

    def deploy(self, **parameters: str) -> None:
        """Run `sam deploy`: create the stack, or change it to these parameters."""
        _copy_template(self.image)
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        command = [sam(), "deploy", "--template-file", str(COPY), "--stack-name", STACK, "--resolve-s3"]
        command += ["--image-repository", LOCAL_IMAGE.partition(":")[0], "--capabilities", "CAPABILITY_IAM"]
        command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--region", REGION]
        run([*command, *(["--parameter-overrides", *overrides] if overrides else [])], environment=self.environment)
        self._put_gateway_responses()

    def delete(self) -> None:
        """Run `sam delete`."""
        command = [sam(), "delete", "--stack-name", STACK, "--no-prompts", "--region", REGION]
        run(command, environment=self.environment)

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def physical_name(self, logical: str) -> str:
        """Return the name that a resource of the template got."""
        detail = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical)
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])

    def api(self) -> str:
        """Return the address of the deployed API's stage."""
        return f"{self.endpoint}/restapis/{self.physical_name('Api')}/prod/_user_request_"

    def key(self) -> str:
        """Return the value of the stack's key."""
        response = self.client("apigateway").get_api_key(apiKey=self.outputs()["KeyId"], includeValue=True)
        return str(response["value"])

    def queue_counts(self, output: str) -> tuple[int, int]:
        """Return how many messages of a queue, named by the output with its address, wait and are in work."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        response = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs()[output], AttributeNames=names)
        waiting, in_work = (int(response["Attributes"][name]) for name in names)
        return waiting, in_work

    def workers(self) -> list[str]:
        """Return the containers that run the worker now."""
        running = docker("ps", "-q", "--no-trunc", "--filter", f"ancestor={LOCAL_IMAGE}").split()
        told = [json.loads(docker("inspect", container))[0] for container in running]
        return [one["Id"] for one in told if "functions.s3_worker.handler" in str(one["Config"]["Cmd"])]

    def log_lines(self, group: str) -> list[str]:
        """Return all lines of a log group of the template."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.physical_name(group))
        return [event["message"] for page in pages for event in page["events"]]

    def _put_gateway_responses(self) -> None:
        gateway, api = self.client("apigateway"), self.physical_name("Api")
        for kind, response in gateway_responses().items():
            headers = response["ResponseParameters"]["Headers"]
            gateway.put_gateway_response(
                restApiId=api,
                responseType=kind,
                statusCode=str(response["StatusCode"]),
                responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
                responseTemplates=response["ResponseTemplates"],
            )
        gateway.create_deployment(restApiId=api, stageName="prod")


def gateway_responses() -> dict[str, Any]:
    """Return the gateway responses of the template that was built."""
    template = yaml.safe_load((BUILT / "template.yaml").read_text("utf-8"))
    responses: dict[str, Any] = template["Resources"]["Api"]["Properties"]["GatewayResponses"]
    return responses


@contextmanager
def local_aws(image: str, log: Path) -> Iterator[LocalAws]:
    """Start a local AWS on loopback, and leave nothing of it running.

    Parameters
    ----------
    image : str
        Tag of the image that was built.
    log : pathlib.Path
        Takes what it prints.
    """
    _copy_image(image)
    host = _bridge() or "127.0.0.1"
    before = set(docker("ps", "-aq", "--no-trunc").split())
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        **CREDENTIALS,
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "docker",
        "LAMBDA_STRICT": "1",  # no function runs but in its container
        "LAMBDA_DOCKER_FLAGS": LIKE_LAMBDA,
        **({"AWS_ENDPOINT_URL": f"http://{host}:{port}"} if host != "127.0.0.1" else {}),
    }
    server = ROOT / ".venv-aws" / "bin" / "ministack"
    assert server.exists(), "There is no local AWS; run `make e2e`, which installs it."
    with log.open("wb") as output:
        process = subprocess.Popen([server], env=environment, cwd=log.parent, stdout=output, stderr=output)
    try:
        aws = LocalAws(f"http://{host}:{port}", image)
        wait_for(aws.endpoint, process, log)
        yield aws
    finally:
        process.terminate()  # it removes its containers
        process.wait(60)
        for container in _containers() - before:
            docker("rm", "-f", container)


def _bridge() -> str | None:
    """Return the address of the engine's bridge, where it is one of this machine."""
    (network,) = json.loads(docker("network", "inspect", "bridge"))
    pool = network["IPAM"]["Config"][0]
    # Some engines do not tell the gateway before they are started a second time; it is the first address.
    address = pool.get("Gateway") or str(ipaddress.ip_network(pool["Subnet"])[1])
    try:
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError:
        return None
    return address


def _containers() -> set[str]:
    return set(docker("ps", "-aq", "--no-trunc", "--filter", f"ancestor={LOCAL_IMAGE}").split())


def _copy_image(image: str) -> None:
    dockerfile = f"FROM {image}\nUSER 993:990\n"
    subprocess.run(["docker", "build", "-q", "-t", LOCAL_IMAGE, "-"], input=dockerfile, text=True, check=True)


def _copy_template(image: str) -> None:
    template = yaml.safe_load((BUILT / "template.yaml").read_text("utf-8"))
    template["Parameters"]["Rollout"]["Default"] = "none"
    functions = [r for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
    assert {function["Properties"]["ImageUri"] for function in functions} == {image}
    for function in functions:
        function["Properties"]["ImageUri"] = LOCAL_IMAGE
    _make_easier(template["Resources"])
    # Each deployment is a release of its own, as each `make deploy` is.
    template["Globals"]["Function"]["Environment"]["Variables"]["THYROID_RELEASE"] = new_name()
    COPY.write_text(yaml.safe_dump(template, sort_keys=False), "utf-8")


def _make_easier(resources: dict[str, Any]) -> None:
    worker = resources["UploadsFunction"]["Properties"]
    worker["Timeout"] = WORKER_TIMEOUT
    (source,) = [event for event in worker["Events"].values() if event["Type"] == "SQS"]
    source["Properties"]["ScalingConfig"]["MaximumConcurrency"] = READERS
    resources["UploadsQueue"]["Properties"]["VisibilityTimeout"] = HIDDEN
    for resource in resources.values():
        if "Metrics" in resource.get("Properties", {}):
            _, first, *_ = resource["Properties"].pop("Metrics")
            (metric, seconds, statistic) = (first["MetricStat"][name] for name in ("Metric", "Period", "Stat"))
            resource["Properties"] |= {**metric, "Period": seconds, "Statistic": statistic}
    definition = resources["Archive"]["Properties"]["DefinitionString"]["Fn::Sub"]
    one_by_one = r'"ItemSelector": {"Items.$": "States.Array($$.Map.Item.Value)", "BatchInput": \1}'
    definition[0], replaced = BATCHES.subn(one_by_one, definition[0])
    assert replaced == 2  # over a prefix, over an inventory
