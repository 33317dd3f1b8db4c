"""Settings: defaults, and what the environment says."""

import base64
from pathlib import Path

import pytest

from thyroid.settings import EVENT_RESERVE, LAMBDA_EVENT_LIMIT, Settings


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
        "THYROID_MOST_WAITING": "7",
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
        most_waiting=7,
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
def test_a_picture_at_its_limit_fits_in_base64_and_one_byte_more_does_not(size: int) -> None:
    settings = Settings(max_body_bytes=size)

    assert len(base64.b64encode(bytes(settings.max_binary_body_bytes))) <= size
    assert len(base64.b64encode(bytes(settings.max_binary_body_bytes + 1))) > size


@pytest.mark.parametrize("name", ["THYROID_WARM_UP", "THYROID_TRACES", "THYROID_REFUSE_UNSUITABLE"])
def test_a_switch_that_is_neither_on_nor_off_is_refused_by_the_name_of_its_variable(name: str) -> None:
    assert Settings.from_environment({name: "false"}) == Settings()
    with pytest.raises(ValueError, match=name):
        Settings.from_environment({name: "yes"})
