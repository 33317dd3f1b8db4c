"""Prints the template as JSON, transformed for the parameters that are given. Run by the SAM CLI's own Python."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# The managed policies that SAM names by itself, as `iam list-policies` would give them.
MANAGED = {
    "AWSCodeDeployRoleForLambdaLimited": "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
}


def transform(path: str, given: dict[str, str]) -> dict[str, Any]:
    """Return the template at `path` after the transform; images are named as a build would name them."""
    template = yaml_parse(Path(path).read_text("utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["ImageUri"] = "example.org/thyroid:tag"
    defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
    translated: dict[str, Any] = Translator(MANAGED, Parser()).translate(template, {**defaults, **given})
    return translated


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    print(json.dumps(transform(sys.argv[1], json.loads(sys.argv[2]))))
