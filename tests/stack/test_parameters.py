"""Parameters out of range are refused by the template, before anything is created."""

import re
from typing import Any

import pytest

from tests.stack.conftest import TEMPLATE

UUID = "01234567-89ab-cdef-0123-456789abcdef"
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]


def accepts(name: str, value: object) -> bool:
    """Tell whether CloudFormation would take a value, by the rules of the template's parameters."""
    rules = PARAMETERS[name]
    if "AllowedValues" in rules:
        return value in rules["AllowedValues"]
    if rules["Type"] == "Number":
        number = float(str(value))
        return float(rules["MinValue"]) <= number <= float(rules["MaxValue"])
    return re.fullmatch(rules["AllowedPattern"], str(value)) is not None


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_has_a_default_that_is_in_range_and_says_what_it_is_for(name: str) -> None:
    assert accepts(name, PARAMETERS[name]["Default"])
    assert len(PARAMETERS[name]["Description"]) > 10


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_takes_just_anything(name: str) -> None:
    bounded = {"AllowedValues", "AllowedPattern"} & set(PARAMETERS[name])
    assert bounded or {"MinValue", "MaxValue"} <= set(PARAMETERS[name])


@pytest.mark.parametrize("name", [name for name in PARAMETERS if "AllowedPattern" in PARAMETERS[name]])
def test_a_refused_text_is_told_what_it_has_to_be(name: str) -> None:
    assert PARAMETERS[name]["ConstraintDescription"].startswith("has to be")


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("MemorySize", [1024, 1769, 10240], [128, 1023, 10241]),
        ("ReservedConcurrency", [0, 100], [-1, 1001]),
        ("ProvisionedConcurrency", [1, 100], [0, 1001]),
        ("KeyRateLimit", [0.1, 10], [0, 10001]),
        ("KeyQuota", [1, 2147483647], [0, -5]),
        ("Architecture", ["x86_64", "arm64"], ["x86", ""]),
        ("RefuseUnsuitable", ["true", "false"], ["yes", ""]),
        ("WarmStart", ["none", "snapstart", "provisioned"], ["both"]),
        ("LogLevel", ["DEBUG", "INFO"], ["WARN", "ERROR"]),
        ("LogRetentionDays", [1, 365, 3653], [0, 2, 366]),
        (
            "CorsOrigins",
            ["*", "https://a.example", "https://a.example,http://localhost:8000", "http://[::1]:8000"],
            # A space would be part of an origin where the buckets' rules split the list.
            [
                "",
                "a.example",
                "*,*",
                "https://a..b",
                "http://:::",
                "https://a.example/path",
                "https://a.b, https://c.d",
            ],
        ),
        ("UploadsConcurrency", [2, 10, 1000], [0, 1, 1001]),  # 2 is the least that Lambda knows
        ("UploadsRetentionDays", [1, 30, 3650], [0, 3651]),
        ("ResultsRetentionDays", [1, 365, 3650], [0, 3651]),
        (
            "ArchiveBucket",
            ["none", "my.archive-1", "a" * 63],
            ["", "ab", "My-Archive", "-archive", "s3://a/b", "a" * 64],
        ),
        ("ArchiveConcurrency", [1, 100, 1000], [0, 1001]),
        ("ArchiveToleratedFailures", [0, 5, 100], [-1, 101]),
        ("DomainName", ["none", "thyroid.example.org"], ["thyroid", "https://a.example", "-.-", f"{'a' * 64}.example"]),
        ("CertificateArn", ["none", f"arn:aws:acm:eu-central-1:123456789012:certificate/{UUID}"], ["12ab"]),
        (
            "KmsKeyArn",
            ["none", f"arn:aws:kms:eu-central-1:123456789012:key/{UUID}"],
            ["alias/x", "arn:aws:kms:x:1:key/a"],
        ),
        ("AlarmTopicArn", ["none", "arn:aws:sns:eu-central-1:123456789012:alarms"], ["me@example.org"]),
        ("Model", ["bundled", "build/weights/a.h5"], ["", "published", "build/weights/", "../a.h5"]),
        ("Revision", ["", "d723c5dd3f9a.dirty"], ["a b", "$(x)"]),
        (
            "BaseImage",
            ["a.b/c:1", "localhost:5000/c", "a/b:Tag_1", "a.b/c:1@sha256:" + "0" * 64],
            ["", "a b", "a@sha256:1", ":::", "-"],
        ),
        ("ArchiveTimeoutSeconds", [3600, 86400, 31536000], [0, 3599, 31536001]),  # a year is the longest run of AWS
    ],
)
def test_values_out_of_range_are_refused(name: str, taken: list[object], refused: list[object]) -> None:
    assert [value for value in taken if not accepts(name, value)] == []
    assert [value for value in refused if accepts(name, value)] == []
