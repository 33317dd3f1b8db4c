"""A release of the built template: a name of its own, the image's processor, and no question whose answer is known."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import release
from deploy.image import Image, ImageError
from deploy.release import DECIDED_BY_BUILD, main, new_name, released

ROOT = Path(__file__).parents[3]
BUILT: dict[str, Any] = {
    "Metadata": {
        "AWS::CloudFormation::Interface": {
            "ParameterGroups": [
                {"Parameters": ["BaseImage", "Model", "Revision"]},
                {"Parameters": ["Architecture", "MemorySize"]},
            ]
        }
    },
    "Parameters": {
        "BaseImage": {"Default": "x"},
        "Model": {"Default": "bundled"},
        "Revision": {"Default": ""},
        "Architecture": {"Type": "String", "Default": "x86_64", "AllowedValues": ["x86_64", "arm64"]},
        "MemorySize": {"Type": "Number", "Default": 1769},
    },
    "Globals": {
        "Function": {
            "Architectures": [{"Ref": "Architecture"}],
            "Environment": {"Variables": {"THYROID_RELEASE": "none", "OTHER": "stays"}},
        }
    },
    "Resources": {
        "F": {"Type": "AWS::Serverless::Function", "Metadata": {"DockerContext": "/home/me/x", "DockerTag": "latest"}},
        "Logs": {"Type": "AWS::Logs::LogGroup"},
    },
}


def test_each_release_has_its_name_in_the_functions_environment() -> None:
    first, second = (released(deepcopy(BUILT), new_name(), "arm64") for _ in range(2))

    told = [made["Globals"]["Function"]["Environment"]["Variables"] for made in (first, second)]
    assert told[0]["THYROID_RELEASE"] != told[1]["THYROID_RELEASE"]
    assert told[0]["OTHER"] == "stays"


def test_only_the_processor_that_the_image_is_for_can_be_deployed() -> None:
    made = released(deepcopy(BUILT), "a", "arm64")

    assert made["Globals"]["Function"]["Architectures"] == ["arm64"]


def test_what_the_build_has_decided_is_not_asked_for_again() -> None:
    made = released(deepcopy(BUILT), "a", "x86_64")

    assert list(made["Parameters"]) == ["MemorySize"]
    groups = made["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [group["Parameters"] for group in groups] == [["MemorySize"]]
    # Nothing else of the template asks for them: each stands once, as a build argument or as the processor.
    source = (ROOT / "template.yaml").read_text("utf-8")
    for name in DECIDED_BY_BUILD:
        assert source.count(f"!Ref {name}\n") == 1


def test_no_path_of_the_machine_that_built_it_is_left() -> None:
    assert "/home/me" not in yaml.safe_dump(released(deepcopy(BUILT), "a", "x86_64"))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(BUILT), "utf-8")
    return path


def test_the_built_template_becomes_a_release_for_the_images_processor(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image("sha256:0", (), (), None, "linux/arm64")  # type: ignore[arg-type]
    monkeypatch.setattr(release, "inspect", lambda _name: image)

    assert main(["--template", str(template)]) == 0

    made = yaml.safe_load(template.read_text("utf-8"))
    assert made["Globals"]["Function"]["Architectures"] == ["arm64"]
    assert made["Globals"]["Function"]["Environment"]["Variables"]["THYROID_RELEASE"] != "none"


def test_without_an_image_or_an_engine_one_sentence_says_so(
    template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(_name: str) -> None:
        raise ImageError("The Docker engine does not answer.")

    for inspect in (lambda _name: None, silent):
        monkeypatch.setattr(release, "inspect", inspect)
        assert main(["--template", str(template)]) == 1
        assert capsys.readouterr().err.startswith("error: ")
        assert yaml.safe_load(template.read_text("utf-8")) == BUILT
