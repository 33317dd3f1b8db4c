"""Makes a release of what ``sam build`` built: ``python -m deploy.release``, which `make build` runs.

It changes the built template, never the source:

- Each release has a name of its own in the functions' environment. Otherwise a changed parameter would reach no caller:
  SAM makes a version of a function where the template's text differs, which a parameter's value is no part of, and
  requests go to versions (github.com/aws/serverless-application-model/issues/3820).
- What the build has decided is not asked for again: base image, model, commit, and the processor that the image is for.
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
# What Docker calls a processor, and what Lambda does.
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def released(template: dict[str, Any], name: str, architecture: str) -> dict[str, Any]:
    """Return a built template as a release.

    Parameters
    ----------
    template : dict
        As ``sam build`` wrote it. It is changed.
    name : str
        Another one for each release.
    architecture : {"x86_64", "arm64"}
        Of the image.
    """
    template["Globals"]["Function"]["Environment"]["Variables"]["THYROID_RELEASE"] = name
    template["Globals"]["Function"]["Architectures"] = [architecture]
    for resource in template["Resources"].values():
        resource.get("Metadata", {}).pop("DockerContext", None)  # a path of the machine that built it
    return without_parameters(template, *DECIDED_BY_BUILD)


def without_parameters(template: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a built template that does not ask for some parameters.

    An answer that ``sam deploy`` has kept of an earlier deployment is passed over: it hands on those of the template.

    Parameters
    ----------
    template : dict
        In which nothing needs them any more, or only what is not deployed. It is changed.
    *names : str
        Of the parameters; of those that are not there, too.
    """
    for parameter in names:
        template["Parameters"].pop(parameter, None)
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    for group in interface["ParameterGroups"]:
        group["Parameters"] = [parameter for parameter in group["Parameters"] if parameter in template["Parameters"]]
    interface["ParameterGroups"] = [group for group in interface["ParameterGroups"] if group["Parameters"]]
    return template


def new_name() -> str:
    """Return a name that no other release has: the time, in UTC."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def main(arguments: list[str] | None = None) -> int:
    """Release the build; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description="Make a release of the build.")
    parser.add_argument("--template", type=Path, default=BUILT, help="what `sam build` wrote")
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
