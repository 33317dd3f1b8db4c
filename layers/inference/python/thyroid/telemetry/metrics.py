"""Metrics of a request or an upload, in CloudWatch's embedded metric format on standard output.

Of every request its cold start, server error and flagged input, 0 or 1; of an answered prediction also time and score.
Of every upload whether it was answered, refused or failed, and its score.

One dimension, the deployment, keeps their number and so their price low; AWS measures each function by itself. Errors
alone are also counted by code.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from thyroid.errors import UnreadableImageError, UnsuitableImageError, UnsupportedMediaTypeError
from thyroid.settings import Settings

# What is refused because it is no picture that could be scored. Other codes speak of the request around it, or of us.
# A picture that is scored although it does not look like ultrasound is flagged as well.
FLAGGED_INPUT = frozenset({UnreadableImageError.code, UnsupportedMediaTypeError.code, UnsuitableImageError.code})


def emit(settings: Settings, facts: Mapping[str, Any], *, cold_start: bool) -> None:
    """Emit the metrics of one request, where the settings name a namespace for them.

    Parameters
    ----------
    settings : Settings
        Name the namespace and the deployment.
    facts : mapping
        What :mod:`thyroid.web.observe` tells of a request.
    cold_start : bool
        Whether it was the first of its process.
    """
    if not settings.metrics_namespace:
        return
    metrics = _of(settings)
    metrics.add_metric("ColdStart", MetricUnit.Count, int(cold_start))
    metrics.add_metric("ServerErrors", MetricUnit.Count, int(not 0 < facts["status"] < 500))
    _emit(settings, metrics, facts, latency="Latency")


def emit_upload(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Emit the metrics of one upload, where the settings name a namespace for them.

    Parameters
    ----------
    settings : Settings
        Name the namespace and the deployment.
    facts : mapping
        What :mod:`thyroid.s3.worker` tells of an upload.
    """
    if not settings.metrics_namespace:
        return
    metrics = _of(settings)
    metrics.add_metric("Uploads", MetricUnit.Count, 1)
    metrics.add_metric("RefusedUploads", MetricUnit.Count, int(facts["outcome"] == "refused"))
    metrics.add_metric("FailedUploads", MetricUnit.Count, int(facts["outcome"] == "failed"))
    _emit(settings, metrics, facts, latency="UploadLatency")


def _of(settings: Settings) -> EphemeralMetrics:
    return EphemeralMetrics(namespace=settings.metrics_namespace, service=settings.service_name)


def _emit(settings: Settings, metrics: EphemeralMetrics, facts: Mapping[str, Any], *, latency: str) -> None:
    """Add what both have in common, and write it."""
    code = facts.get("problem")
    flagged = code in FLAGGED_INPUT or "input_reasons" in facts
    metrics.add_metric("FlaggedInputs", MetricUnit.Count, int(flagged))
    if "score" in facts:
        metrics.add_metric(latency, MetricUnit.Milliseconds, facts["duration_ms"])
        metrics.add_metric("Score", MetricUnit.NoUnit, facts["score"])
        metrics.add_metadata("risk", facts["risk"])
    _write(metrics)
    if code:
        errors = _of(settings)
        errors.add_dimension("code", code)
        errors.add_metric("Errors", MetricUnit.Count, 1)
        _write(errors)


def _write(metrics: EphemeralMetrics) -> None:
    # In one piece: `flush_metrics` writes text and line end apart, and on a server other threads write between them.
    sys.stdout.write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")
