"""Metrics of a request or an upload, in CloudWatch's embedded metric format on standard output.

A request has ColdStart, ServerErrors and FlaggedInputs, each 0 or 1. A prediction also has its time and its score. An
upload has Uploads, RefusedUploads, FailedUploads and FlaggedInputs; one with a score has its time and the score, too.

The only dimension is the deployment. This keeps the number of metrics and so their price low; AWS measures each
function by itself. Errors alone are also counted by code.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from thyroid.errors import UnreadableImageError, UnsuitableImageError, UnsupportedMediaTypeError
from thyroid.settings import Settings

# The codes of a file that is refused because it is no image that could be scored. Other codes are about the request
# around it, or about the service. An image that is scored although it does not look like ultrasound is flagged, too.
FLAGGED_INPUT = frozenset({UnreadableImageError.code, UnsupportedMediaTypeError.code, UnsuitableImageError.code})


def emit(settings: Settings, facts: Mapping[str, Any], *, cold_start: bool) -> None:
    """Emit the metrics of one request, where the settings name a namespace for them.

    Parameters
    ----------
    settings : Settings
        Have the namespace and the name of the deployment.
    facts : mapping
        What :mod:`thyroid.web.observe` logs of a request: ``status``, ``duration_ms`` and, where there is one,
        ``problem``, ``score``, ``risk`` and ``input_reasons``.
    cold_start : bool
        Whether it was the first of its process.
    """
    if not settings.metrics_namespace:
        return
    metrics = _metrics_of(settings)
    metrics.add_metric("ColdStart", MetricUnit.Count, int(cold_start))
    metrics.add_metric("ServerErrors", MetricUnit.Count, int(not 0 < facts["status"] < 500))
    _emit(settings, metrics, facts, latency="Latency")


def emit_upload(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Emit the metrics of one upload, where the settings name a namespace for them.

    Parameters
    ----------
    settings : Settings
        Have the namespace and the name of the deployment.
    facts : mapping
        What :mod:`thyroid.s3.worker` logs of an upload: ``outcome``, ``duration_ms`` and, where there is one,
        ``problem``, ``score``, ``risk`` and ``input_reasons``.
    """
    if not settings.metrics_namespace:
        return
    metrics = _metrics_of(settings)
    metrics.add_metric("Uploads", MetricUnit.Count, 1)
    metrics.add_metric("RefusedUploads", MetricUnit.Count, int(facts["outcome"] == "refused"))
    metrics.add_metric("FailedUploads", MetricUnit.Count, int(facts["outcome"] == "failed"))
    _emit(settings, metrics, facts, latency="UploadLatency")


def _metrics_of(settings: Settings) -> EphemeralMetrics:
    return EphemeralMetrics(namespace=settings.metrics_namespace, service=settings.service_name)


def _emit(settings: Settings, metrics: EphemeralMetrics, facts: Mapping[str, Any], *, latency: str) -> None:
    """Add the metrics that requests and uploads have in common, and write all of them."""
    code = facts.get("problem")
    flagged = code in FLAGGED_INPUT or "input_reasons" in facts
    metrics.add_metric("FlaggedInputs", MetricUnit.Count, int(flagged))
    if "score" in facts:
        metrics.add_metric(latency, MetricUnit.Milliseconds, facts["duration_ms"])
        metrics.add_metric("Score", MetricUnit.NoUnit, facts["score"])
        metrics.add_metadata("risk", facts["risk"])
    _write(metrics)
    if code:
        errors = _metrics_of(settings)
        errors.add_dimension("code", code)
        errors.add_metric("Errors", MetricUnit.Count, 1)
        _write(errors)


def _write(metrics: EphemeralMetrics) -> None:
    # One write a line: `flush_metrics` writes text and line end apart, and other threads of a server write between.
    sys.stdout.write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")
