"""The table of settings in the repository, the template and the image agree with what is declared of each setting."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from docs import make_settings
from thyroid.settings import Settings, declarations

TEMPLATE: dict[str, Any] = cfn_yaml.load(str(make_settings.ROOT / "template.yaml"))
OF_TEMPLATE = make_settings.template_variables(TEMPLATE)
OF_IMAGE = make_settings.image_variables((make_settings.ROOT / "functions/Dockerfile").read_text("utf-8"))
DECLARED = {declaration.variable for declaration in declarations().values()}
RELEASE = "THYROID_RELEASE"  # no setting: nothing reads it (deploy/release.py)

# The variables that parameters set, each with its parameter.
BY_PARAMETER = [
    (variable, value["Ref"])
    for variable, values in OF_TEMPLATE.items()
    for value in values
    if isinstance(value, dict) and value.get("Ref") in TEMPLATE["Parameters"]
]


def test_the_page_is_what_the_declarations_give() -> None:
    if make_settings.FILE.read_text("utf-8") != make_settings.description():
        pytest.fail("docs/settings.md is not what the settings and the template give; run `make settings`.")


def test_the_page_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_settings.description()
    monkeypatch.setattr(make_settings, "FILE", tmp_path / "settings.md")
    make_settings.main()
    assert make_settings.FILE.read_text("utf-8") == made


def test_the_page_has_a_row_for_each_setting() -> None:
    rows = [line for line in make_settings.description().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [declaration.variable for declaration in declarations().values()]
    assert {row.count("|") for row in rows} == {7}
    (refusal,) = [row for row in rows if "THYROID_REFUSE_UNSUITABLE" in row]
    assert refusal.endswith("| yes | parameter `RefuseUnsuitable` |")


def test_a_default_of_the_machine_that_writes_the_page_is_not_on_it() -> None:
    (row,) = [line for line in make_settings.description().splitlines() if "THYROID_PARALLEL" in line]
    assert "| number | the number of processors |" in row


def test_every_variable_that_functions_are_given_is_a_setting() -> None:
    assert set(OF_TEMPLATE) - DECLARED == {RELEASE}
    assert set(OF_IMAGE) <= DECLARED


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.default in ("", ())])
def test_what_is_off_until_it_is_set_is_set_in_a_deployed_stack(name: str) -> None:
    assert declarations()[name].variable in {*OF_TEMPLATE, *OF_IMAGE}


@pytest.mark.parametrize(("variable", "parameter"), BY_PARAMETER)
def test_a_setting_takes_what_its_parameter_takes(variable: str, parameter: str) -> None:
    rules = TEMPLATE["Parameters"][parameter]
    bounds = [rules[bound] for bound in ("MinValue", "MaxValue") if bound in rules]
    for value in [rules["Default"], *rules.get("AllowedValues", ()), *bounds]:
        Settings.from_environment({variable: str(value)})
