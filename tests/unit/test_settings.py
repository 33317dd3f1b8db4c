"""Settings: defaults, and what the environment says."""

from pathlib import Path

import pytest

from thyroid.settings import Settings


def test_an_empty_environment_leaves_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"THYROID_MODEL_DIR": "", "THYROID_CORS_ORIGINS": " , "}) == Settings()


def test_every_setting_is_read_from_its_variable() -> None:
    environment = {
        "THYROID_MODEL_DIR": "/opt/model",
        "THYROID_CORS_ORIGINS": "https://a.example, https://b.example",
        "THYROID_MAX_BODY_BYTES": "1000",
        "THYROID_MAX_PIXELS": "2000",
        "THYROID_THREADS": "2",
    }
    assert Settings.from_environment(environment) == Settings(
        model_dir=Path("/opt/model"),
        cors_origins=("https://a.example", "https://b.example"),
        max_body_bytes=1000,
        max_pixels=2000,
        threads=2,
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(ValueError, match="THYROID_THREADS"):
        Settings.from_environment({"THYROID_THREADS": value})
