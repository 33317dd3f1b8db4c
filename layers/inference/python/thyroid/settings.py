"""The settings of the serving world, in one typed object. Nothing else of ours reads the environment.

Each setting is declared once, as a field of :class:`Settings`: type, default, environment variable, what it is for, and
whether it changes results. The parser, ``docs/settings.md`` and the recipe of a batch run are made from these fields.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Self

# A function is called with an event of at most 6 MB of JSON (AWS Lambda quotas), in which a request's body is a string.
# The same limits hold on a laptop, so that what works there works once deployed; but base64 broken into lines takes a
# hundredth more of an event than plain base64, and where that is too much the gateway refuses what a laptop takes.
LAMBDA_EVENT_LIMIT = 6_291_456

# What is kept free of the event for all but the body. The gateway takes 10,240 bytes of request line and headers. They
# come twice, the user agent a third time, and a quote or a backslash takes two bytes. At the worst, where the user
# agent is nothing else, all that takes 62,000 bytes (tests/integration/test_payload_limits.py).
EVENT_RESERVE = 65_536

# Python itself refuses to read very long numbers, with a message that names no variable.
MAX_DIGITS = 18

_DECLARATION = "declaration"  # the key of a field's metadata


def _processors() -> int:
    """Return how many processors this process may use; the share of one that a container may have is not known here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread_for_products() -> None:
    """Keep NumPy's products of matrices in the thread that asks for them; called before NumPy is loaded.

    They are small here: to wake a thread on each processor for one takes longer than the product.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@dataclass(frozen=True)
class Declaration:
    """What is declared of a setting besides its type and its default.

    Attributes
    ----------
    variable : str
        Environment variable that sets it.
    purpose : str
        What it does, in full sentences.
    changes_results : bool
        Whether another value can change the result of the same file with the same model.
    default_in_words : str
        The default where it depends on the machine; empty where it does not.
    """

    variable: str
    purpose: str
    changes_results: bool
    default_in_words: str


def _declared(
    variable: str, purpose: str, *, changes_results: bool = False, default_in_words: str = ""
) -> dict[str, Declaration]:
    """Return a declaration as the metadata of a field."""
    return {_DECLARATION: Declaration(variable, purpose, changes_results, default_in_words)}


@dataclass(frozen=True)
class Settings:
    """What can be set from outside; ``docs/settings.md`` lists it."""

    model_dir: Path = field(
        default=Path("build/model"), metadata=_declared("THYROID_MODEL_DIR", "Folder of the compiled model.")
    )
    cors_origins: tuple[str, ...] = field(
        default=("*",),
        metadata=_declared(
            "THYROID_CORS_ORIGINS", "Origins that browsers may call from, separated by commas; `*` for all."
        ),
    )
    max_body_bytes: int = field(
        default=LAMBDA_EVENT_LIMIT - EVENT_RESERVE,
        metadata=_declared(
            "THYROID_MAX_BODY_BYTES",
            "Largest request body in a function's event, in bytes. A JSON body may have all of it. An image or a form "
            "that is sent as bytes may have three quarters of it.",
        ),
    )
    body_seconds: int = field(
        default=60,
        metadata=_declared(
            "THYROID_BODY_SECONDS",
            "How long a server waits for the whole of a request's body, in seconds. Then it returns 408 "
            "`request_timeout`. A function has the whole body when it is called.",
        ),
    )
    max_pixels: int = field(
        default=20_000_000,  # 5000 × 4000: no image then takes more than 512 MB
        metadata=_declared(
            "THYROID_MAX_PIXELS",
            "Largest image in pixels, width times height; half of it for WebP. It is checked before any pixel is "
            "decoded.",
            changes_results=True,
        ),
    )
    threads: int = field(
        default=1,
        metadata=_declared(
            "THYROID_THREADS",
            "Threads that one inference uses. Two save two fifths of the network's time at best, and no time of a "
            "whole request in the median.",
        ),
    )
    parallel: int = field(
        default=_processors(),
        metadata=_declared(
            "THYROID_PARALLEL",
            "Inferences that a server runs at the same time.",
            default_in_words="the number of processors",
        ),
    )
    max_waiting: int = field(
        default=64,
        metadata=_declared(
            "THYROID_MAX_WAITING",
            "Images that wait on a server for their turn. A request beyond that gets 503 `overloaded`.",
        ),
    )
    warm_up: bool = field(
        default=False,
        metadata=_declared(
            "THYROID_WARM_UP", "Whether a function loads and checks the model before its first request."
        ),
    )
    revision: str = field(
        default="", metadata=_declared("THYROID_REVISION", "Commit of the code, for the audit records.")
    )
    service_name: str = field(
        default="thyroid",
        metadata=_declared("POWERTOOLS_SERVICE_NAME", "Name of the deployment in logs, metrics and traces."),
    )
    metrics_namespace: str = field(
        default="",
        metadata=_declared(
            "POWERTOOLS_METRICS_NAMESPACE", "CloudWatch namespace of the metrics. Without it none are written."
        ),
    )
    traces: bool = field(
        default=False,
        metadata=_declared(
            "THYROID_TRACES", "Whether requests are traced. Lambda's own tracing has to be on for that."
        ),
    )
    uploads_bucket: str = field(
        default="",
        metadata=_declared(
            "THYROID_UPLOADS_BUCKET", "Bucket that images are uploaded to. Without it there are no uploads."
        ),
    )
    results_bucket: str = field(
        default="",
        metadata=_declared("THYROID_RESULTS_BUCKET", "Bucket that the results of uploads are written to."),
    )
    records_table: str = field(
        default="", metadata=_declared("THYROID_RECORDS_TABLE", "DynamoDB table of the uploads that are done.")
    )
    page_origins: tuple[str, ...] = field(
        default=(),
        metadata=_declared(
            "THYROID_PAGE_ORIGINS",
            "Other origins that the page may send requests to, separated by commas: those of the buckets.",
        ),
    )
    max_upload_bytes: int = field(
        default=32 * 1024 * 1024,
        metadata=_declared(
            "THYROID_MAX_UPLOAD_BYTES",
            "Largest image file that is read from a bucket, from a folder or by a command, in bytes.",
            changes_results=True,
        ),
    )
    upload_link_seconds: int = field(
        default=900,
        metadata=_declared(
            "THYROID_UPLOAD_LINK_SECONDS", "How long a link for an upload or a download is valid, in seconds."
        ),
    )
    refuse_unsuitable: bool = field(
        default=False,
        metadata=_declared(
            "THYROID_REFUSE_UNSUITABLE",
            "Whether an image that does not look like B-mode ultrasound gets 422 and no score.",
            changes_results=True,
        ),
    )

    @property
    def max_binary_body_bytes(self) -> int:
        """Largest image or form that is sent as bytes: in the event they are base64, four bytes for three."""
        return self.max_body_bytes // 4 * 3

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from variables; a missing or empty one leaves its default.

        Raises
        ------
        ValueError
            If a number is not one or not positive, or a switch neither true nor false; the message names the variable.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable = setting.metadata[_DECLARATION].variable
            text = environment.get(variable, "").strip()
            if not text:
                continue
            value = _PARSERS[setting.type](variable, text)
            if value != ():  # a list of commas alone is empty, too
                values[setting.name] = value
        return cls(**values)

    def results_recipe(self) -> dict[str, Any]:
        """Return name and value of each setting that changes results, ordered by name; JSON can hold all of them."""
        names = [name for name, declaration in declarations().items() if declaration.changes_results]
        return {name: getattr(self, name) for name in sorted(names)}


def declarations() -> dict[str, Declaration]:
    """Return the declaration of each setting by its name, in the order in which they are declared."""
    return {setting.name: setting.metadata[_DECLARATION] for setting in fields(Settings)}


@cache
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings.from_environment(os.environ)


def _number(variable: str, text: str) -> int:
    if not text.isdecimal() or len(text) > MAX_DIGITS or int(text) < 1:
        raise ValueError(f"{variable} must be a whole number of at least 1, not {text!r}")
    return int(text)


def _switch(variable: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{variable} must be true or false, not {text.lower()!r}")
    return text.lower() == "true"


def _names(_variable: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


# How the text of a variable is read, by the type of the setting.
_PARSERS: dict[object, Callable[[str, str], Any]] = {
    int: _number,
    bool: _switch,
    str: lambda _variable, text: text,
    Path: lambda _variable, text: Path(text),
    tuple[str, ...]: _names,
}
