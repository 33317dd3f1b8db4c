"""The settings of the serving world, in one typed object. Nothing else reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

# A synchronous Lambda call takes 6 MB (AWS Lambda quotas); the same limit holds on a laptop, so that what works there
# works once deployed.
LAMBDA_BODY_LIMIT = 6_291_456


@dataclass(frozen=True)
class Settings:
    """What can be set from outside, with the variable that sets it.

    Attributes
    ----------
    model_dir : pathlib.Path
        ``THYROID_MODEL_DIR``: folder of the compiled artifact.
    cors_origins : tuple of str
        ``THYROID_CORS_ORIGINS``: origins that browsers may call from, separated by commas; ``*`` for all.
    max_body_bytes : int
        ``THYROID_MAX_BODY_BYTES``: largest request body.
    max_pixels : int
        ``THYROID_MAX_PIXELS``: largest picture, in pixels, checked before any pixel is decoded.
    threads : int
        ``THYROID_THREADS``: threads that one inference uses.
    """

    model_dir: Path = Path("build/model")
    cors_origins: tuple[str, ...] = ("*",)
    max_body_bytes: int = LAMBDA_BODY_LIMIT
    max_pixels: int = 40_000_000
    threads: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from variables; a missing or empty one leaves its default.

        Raises
        ------
        ValueError
            If a number is not one, or is not positive; the message names the variable.
        """

        def number(name: str, default: int) -> int:
            text = environment.get(name, "").strip()
            if not text:
                return default
            if not text.isdecimal() or int(text) < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {text!r}")
            return int(text)

        origins = tuple(o.strip() for o in environment.get("THYROID_CORS_ORIGINS", "").split(",") if o.strip())
        return cls(
            model_dir=Path(environment.get("THYROID_MODEL_DIR", "").strip() or cls.model_dir),
            cors_origins=origins or cls.cors_origins,
            max_body_bytes=number("THYROID_MAX_BODY_BYTES", cls.max_body_bytes),
            max_pixels=number("THYROID_MAX_PIXELS", cls.max_pixels),
            threads=number("THYROID_THREADS", cls.threads),
        )


@cache
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings.from_environment(os.environ)
