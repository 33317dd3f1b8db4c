"""The image's repository is there once it was asked for, and is one."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from deploy import repository
from deploy.repository import MAX_IMAGES, main


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield


def test_it_is_made_where_there_is_none_scanned_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thyroid"]) == 0

    (made,) = boto3.client("ecr").describe_repositories()["repositories"]
    assert capsys.readouterr().out.strip() == made["repositoryUri"]
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    policy = boto3.client("ecr").get_lifecycle_policy(repositoryName="thyroid")["lifecyclePolicyText"]
    assert json.loads(policy)["rules"][0]["selection"]["countNumber"] == MAX_IMAGES


def test_one_that_is_there_is_used_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    mine = boto3.client("ecr").create_repository(repositoryName="mine")["repository"]

    assert main(["mine"]) == 0

    assert capsys.readouterr().out.strip() == mine["repositoryUri"]
    assert boto3.client("ecr").describe_repositories()["repositories"][0]["imageScanningConfiguration"] == {
        "scanOnPush": False
    }


def test_it_is_in_the_region_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thyroid", "--region", "ca-central-1"]) == 0

    assert ".ecr.ca-central-1." in capsys.readouterr().out


def test_where_aws_refuses_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_name: str, _region: str | None) -> str:
        raise EndpointConnectionError(endpoint_url="https://ecr.example")

    monkeypatch.setattr(repository, "repository", refuse)

    assert main(["thyroid"]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: AWS returned no image repository: ")
    assert len(printed.err.splitlines()) == 1
