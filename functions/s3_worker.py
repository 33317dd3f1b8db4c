"""The worker: pictures of a bucket, as messages of the queue or as a batch of an archive tell of them."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from thyroid import quick_start
from thyroid.core.analyzer import Analyzer
from thyroid.s3 import clients as aws
from thyroid.s3.batch import answer_batch
from thyroid.s3.idempotency import Once
from thyroid.s3.notify import notify
from thyroid.s3.queue import answer_messages
from thyroid.s3.store import Outbox
from thyroid.s3.worker import Worker
from thyroid.settings import get_settings
from thyroid.telemetry.logs import get_logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Pictures that are transferred at a time: those of a whole batch of the queue. A picture takes ten calls of AWS one
# after the other, each some tens of milliseconds in which the processor has nothing to do for it.
THREADS = 10

logger = get_logger()
analyzer = Analyzer(get_settings())
pool = ThreadPoolExecutor(THREADS)


@cache
def _once() -> Once:
    return Once(aws.dynamodb(), get_settings().records_table)


@cache
def _worker() -> Worker:
    settings = get_settings()
    outbox = Outbox(aws.s3(), settings.results_bucket, settings.uploads_bucket)
    tell = partial(notify, aws.events(), outbox)
    return Worker(settings, analyzer, aws.s3(), outbox, _once(), tell, logger)


if get_settings().warm_up:  # in Lambda's init, so that no first picture waits for it
    analyzer.warm_up()
    _worker()


quick_start.ready()


@logger.inject_lambda_context(log_event=False)  # keys are in it
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answer a batch of the queue, or of an archive."""
    _once().invocation(context)
    if "Items" in event:
        bucket = get_settings().results_bucket
        return answer_batch(event, context.aws_request_id, _worker(), pool, aws.s3(), bucket)
    return answer_messages(event, context, _worker(), pool, logger)
