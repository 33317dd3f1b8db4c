"""Makes a release of the output of ``sam build``: ``python -m deploy.release``, which `make build` runs.

It changes the built template, never the source:

- Each release has its own name in the functions' environment. Otherwise a changed parameter would reach no caller:
  SAM publishes a version of a function when the template's text differs. A parameter's value is not in that text, and
  requests go to versions (github.com/aws/serverless-application-model/issues/3820).
- Parameters that the build has decided are removed: base image, model, commit, and the processor of the image.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deploy.image import ImageError, inspect

BUILT = Path(".aws-sam/build/template.yaml")
IMAGE = "healthfunction:latest"
DECIDED_BY_BUILD = ("BaseImage", "Model", "Revision", "Architecture")
# Docker's name of a processor, and Lambda's.
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def released(template: dict[str, Any], name: str, architecture: str) -> dict[str, Any]:
    """Return a built template as a release.

    Parameters
    ----------
    template : dict
        As ``sam build`` wrote it. It is changed.
    name : str
        A name that is unique for each release.
    architecture : {"x86_64", "arm64"}
        Of the image.
    """
    template["Globals"]["Function"]["Environment"]["Variables"]["THYROID_RELEASE"] = name
    template["Globals"]["Function"]["Architectures"] = [architecture]
    for resource in template["Resources"].values():
        resource.get("Metadata", {}).pop("DockerContext", None)  # a path of the machine that built it
    return without_parameters(template, *DECIDED_BY_BUILD)


def without_parameters(template: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a built template without some parameters.

    A value that ``sam deploy`` stored at an earlier deployment is ignored: it passes only the template's parameters.

    Parameters
    ----------
    template : dict
        A template that does not use them, at least not in what is deployed. It is changed.
    *names : str
        Names of the parameters; they need not exist.
    """
    for parameter in names:
        template["Parameters"].pop(parameter, None)
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    for group in interface["ParameterGroups"]:
        group["Parameters"] = [parameter for parameter in group["Parameters"] if parameter in template["Parameters"]]
    interface["ParameterGroups"] = [group for group in interface["ParameterGroups"] if group["Parameters"]]
    return template


def new_name() -> str:
    """Return a unique name: the time, in UTC."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def main(arguments: list[str] | None = None) -> int:
    """Release the build; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description="Make a release of the build.")
    parser.add_argument("--template", type=Path, default=BUILT, help="the template that `sam build` wrote")
    parser.add_argument("--image", default=IMAGE, help="the image that it built")
    options = parser.parse_args(arguments)
    try:
        image = inspect(options.image)
        if image is None:
            raise ImageError(f"There is no image {options.image}; run `make build` first.")
        architecture = ARCHITECTURES[image.platform.partition("/")[2]]
    except (ImageError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    template = yaml.safe_load(options.template.read_text("utf-8"))
    options.template.write_text(
        yaml.safe_dump(released(template, new_name(), architecture), sort_keys=False, width=120), "utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
