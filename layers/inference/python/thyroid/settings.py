"""The settings of the serving world, in one typed object. Nothing else of ours reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

# A function is called with an event of at most 6 MB of JSON (AWS Lambda quotas), in which a request's body is a string.
# The same limits hold on a laptop, so that what works there works once deployed; but base64 broken into lines takes a
# hundredth more of an event than plain base64, and where that is too much the gateway refuses what a laptop takes.
LAMBDA_EVENT_LIMIT = 6_291_456

# What is kept free of the event for all but the body. The gateway takes 10,240 bytes of request line and headers. They
# come twice, the user agent a third time, and a quote or a backslash takes two bytes. At the worst, where the user
# agent is nothing else, all that takes 62,000 bytes (tests/integration/test_payload_limits.py).
EVENT_RESERVE = 65_536

# Python itself refuses to read very long numbers, with a message that names no variable.
MOST_DIGITS = 18


def _processors() -> int:
    """Return how many processors this process may use; the share of one that a container may have is not known here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread_for_products() -> None:
    """Keep NumPy's products of matrices in the thread that asks for them; called before NumPy is loaded.

    They are small here: to wake a thread on each processor for one takes longer than the product.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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
        ``THYROID_MAX_BODY_BYTES``: what a request's body may take in the function's event; the limit of a JSON body.
    body_seconds : int
        ``THYROID_BODY_SECONDS``: how long a server waits for the whole of a request's body; a function has it.
    max_pixels : int
        ``THYROID_MAX_PIXELS``: largest picture, in pixels, checked before any pixel is decoded; of WebP half of it.
    threads : int
        ``THYROID_THREADS``: threads that one inference uses. Two spare the network two fifths of its time at best,
        and a whole request nothing in the median: each waits for the other.
    parallel : int
        ``THYROID_PARALLEL``: inferences that run at a time; as many as there are processors if left out.
    most_waiting : int
        ``THYROID_MOST_WAITING``: pictures that wait on a server for their turn; the others get a 503.
    warm_up : bool
        ``THYROID_WARM_UP``: whether a function loads and proves the model before its first request comes.
    revision : str
        ``THYROID_REVISION``: commit that the code is of, if known.
    service_name : str
        ``POWERTOOLS_SERVICE_NAME``: which deployment the logs, metrics and traces are of.
    metrics_namespace : str
        ``POWERTOOLS_METRICS_NAMESPACE``: where the metrics go; without it there are none.
    traces : bool
        ``THYROID_TRACES``: whether requests are traced; needs Lambda's own tracing to be on.
    uploads_bucket : str
        ``THYROID_UPLOADS_BUCKET``: bucket that takes pictures; without it none are taken in that way.
    results_bucket : str
        ``THYROID_RESULTS_BUCKET``: bucket that their results go to.
    records_table : str
        ``THYROID_RECORDS_TABLE``: table that remembers which pictures are done.
    page_origins : tuple of str
        ``THYROID_PAGE_ORIGINS``: other origins that the page may talk to, separated by commas: the buckets'.
    max_upload_bytes : int
        ``THYROID_MAX_UPLOAD_BYTES``: largest picture file that is read from a bucket.
    upload_link_seconds : int
        ``THYROID_UPLOAD_LINK_SECONDS``: how long a link that takes or gives a file is good for.
    refuse_unsuitable : bool
        ``THYROID_REFUSE_UNSUITABLE``: whether a picture that does not look like ultrasound gets no score.
    """

    model_dir: Path = Path("build/model")
    cors_origins: tuple[str, ...] = ("*",)
    max_body_bytes: int = LAMBDA_EVENT_LIMIT - EVENT_RESERVE
    body_seconds: int = 60
    max_pixels: int = 20_000_000  # 5000 × 4000: with it no picture takes more than 512 MB
    threads: int = 1
    parallel: int = _processors()
    most_waiting: int = 64
    warm_up: bool = False
    revision: str = ""
    service_name: str = "thyroid"
    metrics_namespace: str = ""
    traces: bool = False
    uploads_bucket: str = ""
    results_bucket: str = ""
    records_table: str = ""
    page_origins: tuple[str, ...] = ()
    max_upload_bytes: int = 32 * 1024 * 1024
    upload_link_seconds: int = 900
    refuse_unsuitable: bool = False

    @property
    def max_binary_body_bytes(self) -> int:
        """Largest picture sent as it is, and largest form: in the event they are base64, four bytes for three."""
        return self.max_body_bytes // 4 * 3

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from variables; a missing or empty one leaves its default.

        Raises
        ------
        ValueError
            If a number is not one or not positive, or a switch neither on nor off; the message names the variable.
        """

        def text_of(name: str) -> str:
            return environment.get(name, "").strip()

        def number(name: str, default: int) -> int:
            text = text_of(name)
            if not text:
                return default
            if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {text!r}")
            return int(text)

        def switch(name: str) -> bool:
            text = text_of(name).lower() or "false"
            if text not in ("true", "false"):
                raise ValueError(f"{name} must be true or false, not {text!r}")
            return text == "true"

        def names(name: str) -> tuple[str, ...]:
            return tuple(part.strip() for part in text_of(name).split(",") if part.strip())

        return cls(
            model_dir=Path(text_of("THYROID_MODEL_DIR") or cls.model_dir),
            cors_origins=names("THYROID_CORS_ORIGINS") or cls.cors_origins,
            max_body_bytes=number("THYROID_MAX_BODY_BYTES", cls.max_body_bytes),
            body_seconds=number("THYROID_BODY_SECONDS", cls.body_seconds),
            max_pixels=number("THYROID_MAX_PIXELS", cls.max_pixels),
            threads=number("THYROID_THREADS", cls.threads),
            parallel=number("THYROID_PARALLEL", cls.parallel),
            most_waiting=number("THYROID_MOST_WAITING", cls.most_waiting),
            warm_up=switch("THYROID_WARM_UP"),
            revision=text_of("THYROID_REVISION"),
            service_name=text_of("POWERTOOLS_SERVICE_NAME") or cls.service_name,
            metrics_namespace=text_of("POWERTOOLS_METRICS_NAMESPACE"),
            traces=switch("THYROID_TRACES"),
            uploads_bucket=text_of("THYROID_UPLOADS_BUCKET"),
            results_bucket=text_of("THYROID_RESULTS_BUCKET"),
            records_table=text_of("THYROID_RECORDS_TABLE"),
            page_origins=names("THYROID_PAGE_ORIGINS"),
            max_upload_bytes=number("THYROID_MAX_UPLOAD_BYTES", cls.max_upload_bytes),
            upload_link_seconds=number("THYROID_UPLOAD_LINK_SECONDS", cls.upload_link_seconds),
            refuse_unsuitable=switch("THYROID_REFUSE_UNSUITABLE"),
        )


@cache
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings.from_environment(os.environ)
