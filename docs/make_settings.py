"""Writes the table of all settings into the repository: ``python -m docs.make_settings``."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from thyroid.settings import Declaration, Settings, declarations

FILE = Path(__file__).with_name("settings.md")
ROOT = FILE.parents[1]

INTRODUCTION = """\
# Settings

<!-- `make settings` writes this file from layers/inference/python/thyroid/settings.py and template.yaml. -->

A setting is an environment variable. It is read once, when the process starts. A missing or empty variable leaves the
default. A value that is not of the variable's type stops the process; the message names the variable.

- **Type**: a number is whole and at least 1. A switch is `true` or `false`. A list has commas between its parts.
- **Changes results**: with another value, the same file and model can have another result. A batch run that is resumed
  with another value analyses all images again. It does so after a change of the model, too.
- **In a deployed stack**: the parameter of `template.yaml` that sets the variable, or the file that sets it to its own
  value. [Before production](before-production.md) tells which parameters to look at.

| Variable | Type | Default | What it does | Changes results | In a deployed stack |
|---|---|---|---|---|---|
"""
TYPES: dict[object, str] = {int: "number", bool: "switch", str: "text", Path: "path", tuple[str, ...]: "list"}


def template_variables(template: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the values that a template gives to each environment variable of its functions, by variable."""
    found: dict[str, list[Any]] = {}
    functions = [template["Globals"]["Function"]]
    functions += [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    for function in functions:
        for variable, value in function.get("Environment", {}).get("Variables", {}).items():
            found.setdefault(str(variable), []).append(value)
    return found


def image_variables(dockerfile: str) -> list[str]:
    """Return the environment variables of ours that the functions' image sets."""
    return re.findall(r"\b(THYROID_\w+)=", dockerfile)


def description() -> str:
    """Return the file's text: one row a setting, in the order of their declarations."""
    template = cfn_yaml.load(str(ROOT / "template.yaml"))
    variables = template_variables(template)
    of_image = image_variables((ROOT / "functions/Dockerfile").read_text("utf-8"))
    types = {field.name: TYPES[field.type] for field in fields(Settings)}
    rows = []
    for name, declaration in declarations().items():
        sources = _sources(variables.get(declaration.variable, []), template["Parameters"])
        if declaration.variable in of_image:
            sources.append("`functions/Dockerfile`")
        cells = (
            f"`{declaration.variable}`",
            types[name],
            _default(name, declaration),
            declaration.purpose,
            "yes" if declaration.changes_results else "no",
            ", ".join(sources) or "the default",
        )
        rows.append(f"| {' | '.join(cells)} |\n")
    return INTRODUCTION + "".join(rows)


def _sources(values: list[Any], parameters: dict[str, Any]) -> list[str]:
    """Return the parameters that a variable has its values from, and the template if it has a value from elsewhere."""
    names = [value["Ref"] if isinstance(value, dict) and value.get("Ref") in parameters else "" for value in values]
    return sorted({f"parameter `{name}`" if name else "`template.yaml`" for name in names})


def _default(name: str, declaration: Declaration) -> str:
    """Return the default of a setting as a reader would write it into its variable."""
    default = getattr(Settings, name)
    if declaration.default_in_words:
        return declaration.default_in_words
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path):
        return f"`{default.as_posix()}`"
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if text else "empty"


def main() -> None:
    """Write ``docs/settings.md``."""
    FILE.write_text(description(), "utf-8")


if __name__ == "__main__":
    main()
