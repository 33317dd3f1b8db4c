"""Idempotency: a record in DynamoDB says that an image is in progress or done, and holds the outcome."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer

from thyroid.files.result_files import Outcome
from thyroid.s3.events import Upload

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from types_boto3_dynamodb import DynamoDBClient

# Longer than a message can be delivered again: 4 days in the queue and 14 days in the dead-letter queue.
RETENTION_SECONDS = 30 * 24 * 3600


class IdempotencyRecords:
    """Records of the images that are in progress or done, by bucket, key, version, ETag and model.

    Parameters
    ----------
    client : types_boto3_dynamodb.DynamoDBClient
        Client of DynamoDB.
    table : str
        Name of a table with the key ``id`` and the time to live in ``expiration``.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._config = IdempotencyConfig(expires_after_seconds=RETENTION_SECONDS, hash_function="sha256")
        self._store = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

        def run(*, identity: dict[str, str | None], work: Callable[[], Outcome]) -> Outcome:
            return work()

        self._run: Callable[..., Outcome] = idempotent_function(
            run,
            data_keyword_argument="identity",
            persistence_store=self._store,
            config=self._config,
            output_serializer=PydanticSerializer(model=Outcome),
            key_prefix="upload",  # instead of the function's name, so that all functions share the records
        )

    def register_context(self, context: "LambdaContext") -> None:
        """Tell how long this invocation may run; after that, another may take over what is still in progress."""
        self._config.register_lambda_context(context)

    def run_once(self, upload: Upload, model_sha256: str, work: Callable[[], Outcome]) -> tuple[Outcome, bool]:
        """Do the work, or return its recorded outcome.

        Returns
        -------
        outcome : Outcome
            Of the image.
        repeated : bool
            True if the outcome was recorded before and no work was done.

        Raises
        ------
        IdempotencyAlreadyInProgressError
            If another process is working on it.
        IdempotencyPersistenceLayerError
            If the record cannot be read or written.
        """
        done = False

        def tracked() -> Outcome:
            nonlocal done
            outcome = work()
            done = True
            return outcome

        outcome = self._run(identity=_identity(upload, model_sha256), work=tracked)
        return outcome, not done

    def delete(self, upload: Upload, model_sha256: str) -> None:
        """Delete the record of an image whose results do not exist any more."""
        self._store.delete_record(_identity(upload, model_sha256), LookupError("the results do not exist"))


def _identity(upload: Upload, model_sha256: str) -> dict[str, str | None]:
    return {**asdict(upload), "model": model_sha256}
