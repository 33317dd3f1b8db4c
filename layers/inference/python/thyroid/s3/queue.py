"""Processes the messages of the queue: only those that fail are delivered again, not the whole batch."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from thyroid.s3.events import UnreadableMessageError, uploads_of
from thyroid.s3.worker import Worker

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def process_messages(
    event: dict[str, Any],
    context: "LambdaContext",
    worker: Worker,
    pool: ThreadPoolExecutor,
    logger: Logger,
) -> dict[str, Any]:
    """Analyse the images that the messages of a batch name, at the same time, and return the messages that failed.

    A message that fails is no failure of the function, even if it is the only one: a metric counts it, and an alarm
    rings when it ends in the dead-letter queue.

    Parameters
    ----------
    event : dict
        A batch of SQS, as Lambda passes it.
    context : aws_lambda_powertools.utilities.typing.LambdaContext
        Context of the invocation.
    worker : Worker
        Analyses an image.
    pool : concurrent.futures.ThreadPoolExecutor
        Runs the worker; its number of threads is the number of images that are transferred at a time.
    logger : aws_lambda_powertools.Logger
        Logs messages that cannot be read, without their content.

    Returns
    -------
    dict
        ``{"batchItemFailures": [{"itemIdentifier": …}, …]}``.
    """

    def process(record: SQSRecord) -> None:
        try:
            uploads = uploads_of(record.body)
        except UnreadableMessageError:
            logger.error("unreadable message", request_id=record.message_id)
            raise
        for upload in uploads:
            worker.process(upload, record.message_id)

    async def process_in_thread(record: SQSRecord) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, process, record)

    processor = AsyncBatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(
        async_process_partial_response(
            event=event, record_handler=process_in_thread, processor=processor, context=context
        )
    )
