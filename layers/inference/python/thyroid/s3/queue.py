"""Messages of the queue to pictures: what fails comes back alone, the rest of its batch does not."""

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


def answer_messages(
    event: dict[str, Any],
    context: "LambdaContext",
    worker: Worker,
    pool: ThreadPoolExecutor,
    logger: Logger,
) -> dict[str, Any]:
    """Analyse what the messages of a batch tell of, all at once, and name those that have to come back.

    A message that fails is no failure of the function, even where it is the only one: what failed is counted as a
    metric, and rings an alarm when it ends among the dead letters.

    Parameters
    ----------
    event : dict
        A batch of SQS, as Lambda gives it.
    context : aws_lambda_powertools.utilities.typing.LambdaContext
        Lambda's.
    worker : Worker
        Analyses a picture.
    pool : concurrent.futures.ThreadPoolExecutor
        Runs it; as many pictures are transferred at a time as it has threads.
    logger : aws_lambda_powertools.Logger
        Is told of messages that cannot be read, but not what is in them.

    Returns
    -------
    dict
        ``{"batchItemFailures": [{"itemIdentifier": …}, …]}``.
    """

    def answer(record: SQSRecord) -> None:
        try:
            uploads = uploads_of(record.body)
        except UnreadableMessageError:
            logger.error("unreadable message", request_id=record.message_id)
            raise
        for upload in uploads:
            worker.answer(upload, record.message_id)

    async def in_a_thread(record: SQSRecord) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, answer, record)

    processor = AsyncBatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(
        async_process_partial_response(event=event, record_handler=in_a_thread, processor=processor, context=context)
    )
