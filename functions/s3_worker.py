"""The worker: analyses images of a bucket, named by messages of the queue or by a batch of a batch run."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from thyroid import quick_start
from thyroid.core.analyzer import Analyzer
from thyroid.s3 import clients
from thyroid.s3.batch import process_batch
from thyroid.s3.idempotency import IdempotencyRecords
from thyroid.s3.notify import notify
from thyroid.s3.queue import process_messages
from thyroid.s3.store import ResultStore
from thyroid.s3.worker import Worker
from thyroid.settings import get_settings
from thyroid.telemetry.logs import get_logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Images that are transferred at a time: those of a whole batch of the queue. An image takes ten calls of AWS one after
# the other, each some tens of milliseconds in which the processor has nothing to do for it.
THREADS = 10

logger = get_logger()
analyzer = Analyzer(get_settings())
pool = ThreadPoolExecutor(THREADS)


@cache
def _records() -> IdempotencyRecords:
    return IdempotencyRecords(clients.dynamodb(), get_settings().records_table)


@cache
def _worker() -> Worker:
    settings = get_settings()
    store = ResultStore(clients.s3(), settings.results_bucket, settings.uploads_bucket)
    send = partial(notify, clients.events(), store)
    return Worker(settings, analyzer, clients.s3(), store, _records(), send, logger)


if get_settings().warm_up:  # in Lambda's init, so that the first image does not wait for it
    analyzer.warm_up()
    _worker()


quick_start.ready()


@logger.inject_lambda_context(log_event=False)  # keys are in it
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Process a batch of the queue, or one of a batch run."""
    _records().register_context(context)
    if "Items" in event:
        bucket = get_settings().results_bucket
        return process_batch(event, context.aws_request_id, _worker(), pool, clients.s3(), bucket)
    return process_messages(event, context, _worker(), pool, logger)
