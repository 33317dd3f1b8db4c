"""Settings: defaults, what the environment says, and what is declared of each."""

import base64
import json
import pickle
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from thyroid.settings import EVENT_RESERVE, LAMBDA_EVENT_LIMIT, Settings, declarations

# A value that is no default, for each type: as text, and as what is read of it.
OTHERS: dict[object, tuple[str, Any]] = {
    int: (" 7 ", 7),
    bool: ("True", True),
    str: (" other ", "other"),
    Path: (" /opt/other ", Path("/opt/other")),
    tuple[str, ...]: (" https://a.example,, https://b.example ", ("https://a.example", "https://b.example")),
}
TYPES = {field.name: field.type for field in fields(Settings)}


def test_an_empty_environment_leaves_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"THYROID_MODEL_DIR": "", "THYROID_CORS_ORIGINS": " , "}) == Settings()


def test_every_setting_is_read_from_its_variable() -> None:
    environment = {
        "THYROID_MODEL_DIR": "/opt/model",
        "THYROID_CORS_ORIGINS": "https://a.example, https://b.example",
        "THYROID_MAX_BODY_BYTES": "1000",
        "THYROID_BODY_SECONDS": "30",
        "THYROID_MAX_PIXELS": "2000",
        "THYROID_THREADS": "2",
        "THYROID_PARALLEL": "5",
        "THYROID_MAX_WAITING": "7",
        "THYROID_WARM_UP": "true",
        "THYROID_REVISION": "abc1234",
        "POWERTOOLS_SERVICE_NAME": "a-stack",
        "POWERTOOLS_METRICS_NAMESPACE": "Thyroid",
        "THYROID_TRACES": "True",
        "THYROID_REFUSE_UNSUITABLE": "true",
        "THYROID_PAGE_ORIGINS": "https://uploads.example,https://results.example",
    }
    assert Settings.from_environment(environment) == Settings(
        model_dir=Path("/opt/model"),
        cors_origins=("https://a.example", "https://b.example"),
        max_body_bytes=1000,
        body_seconds=30,
        max_pixels=2000,
        threads=2,
        parallel=5,
        max_waiting=7,
        warm_up=True,
        revision="abc1234",
        service_name="a-stack",
        metrics_namespace="Thyroid",
        traces=True,
        refuse_unsuitable=True,
        page_origins=("https://uploads.example", "https://results.example"),
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9" * 5000])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(ValueError, match="THYROID_THREADS"):
        Settings.from_environment({"THYROID_THREADS": value})


def test_a_body_leaves_room_for_the_rest_of_the_event() -> None:
    assert (LAMBDA_EVENT_LIMIT, EVENT_RESERVE) == (6_291_456, 65_536)
    assert Settings().max_body_bytes == 6_225_920
    assert Settings().max_binary_body_bytes == 4_669_440


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 6_225_919, 6_225_920])
def test_an_image_at_its_limit_fits_in_base64_and_one_byte_more_does_not(size: int) -> None:
    settings = Settings(max_body_bytes=size)

    assert len(base64.b64encode(bytes(settings.max_binary_body_bytes))) <= size
    assert len(base64.b64encode(bytes(settings.max_binary_body_bytes + 1))) > size


@pytest.mark.parametrize("name", ["THYROID_WARM_UP", "THYROID_TRACES", "THYROID_REFUSE_UNSUITABLE"])
def test_a_switch_that_is_neither_on_nor_off_is_refused_by_the_name_of_its_variable(name: str) -> None:
    assert Settings.from_environment({name: "false"}) == Settings()
    with pytest.raises(ValueError, match=name):
        Settings.from_environment({name: "yes"})


# --- what is declared of each -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_the_variable_of_a_setting_changes_that_setting_alone(name: str) -> None:
    text, value = OTHERS[TYPES[name]]
    other = Settings(**{name: value})
    assert other != Settings()

    assert Settings.from_environment({declarations()[name].variable: text}) == other


def test_no_two_settings_have_the_same_variable() -> None:
    variables = [declaration.variable for declaration in declarations().values()]
    assert len(set(variables)) == len(variables) == len(TYPES)
    assert all(variable.startswith(("THYROID_", "POWERTOOLS_")) for variable in variables)


def test_a_setting_says_in_sentences_what_it_is_for() -> None:
    for name, declaration in declarations().items():
        assert declaration.purpose[0].isupper(), name
        assert declaration.purpose.endswith("."), name
        assert "|" not in declaration.purpose, f"{name}: it would end a cell of the table in docs/settings.md"


@pytest.mark.parametrize("name", TYPES)
def test_the_recipe_of_results_changes_with_the_settings_that_change_results_and_with_no_other(name: str) -> None:
    _, value = OTHERS[TYPES[name]]
    recipe = Settings(**{name: value}).results_recipe()

    assert (recipe != Settings().results_recipe()) == declarations()[name].changes_results
    assert json.loads(json.dumps(recipe)) == recipe


def test_the_recipe_of_results_has_every_limit_that_decides_on_an_image() -> None:
    assert Settings(max_pixels=1, max_upload_bytes=2, refuse_unsuitable=True).results_recipe() == {
        "max_pixels": 1,
        "max_upload_bytes": 2,
        "refuse_unsuitable": True,
    }


def test_settings_can_be_sent_to_another_process() -> None:
    settings = replace(Settings(), max_waiting=3)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_settings_are_read_before_numpy_is_loaded_and_load_no_pydantic() -> None:
    code = "import sys, thyroid.settings; print(sorted({'numpy', 'pydantic', 'fastapi'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
