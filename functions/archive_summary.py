"""The end of an archive's run: what became of it, counted."""

from typing import Any

from thyroid import quick_start
from thyroid.settings import get_settings
from thyroid.telemetry.logs import get_logger
from thyroid.uploads import aws
from thyroid.uploads.summary import summarise

logger = get_logger()


quick_start.ready()


@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own, untyped
    """Count a run's files and write `summary.json`."""
    summary = summarise(event, aws.client("s3"), aws.client("stepfunctions"), get_settings().results_bucket)
    return summary.model_dump()
