"""The last step of a batch run: its summary."""

from typing import TYPE_CHECKING, Any

from thyroid import quick_start
from thyroid.s3 import clients
from thyroid.s3.summary import summarise
from thyroid.settings import get_settings
from thyroid.telemetry.logs import get_logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = get_logger()


quick_start.ready()


@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Count the lines of a batch run's files and write `summary.json`."""
    summary = summarise(event, clients.s3(), clients.stepfunctions(), get_settings().results_bucket)
    return summary.model_dump()
