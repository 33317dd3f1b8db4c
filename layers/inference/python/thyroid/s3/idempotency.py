"""Does a picture's work once: a record in DynamoDB says that it is being done or is done, and what came of it."""

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

# Longer than any message can come back: four days in the queue, a fortnight among the dead letters.
KEPT_SECONDS = 30 * 24 * 3600


class Once:
    """Remembers, by bucket, key, version and model, what became of a picture.

    Parameters
    ----------
    client : types_boto3_dynamodb.DynamoDBClient
        Client of DynamoDB.
    table : str
        Name of a table with the key ``id`` and the time to live ``expiration``.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._config = IdempotencyConfig(expires_after_seconds=KEPT_SECONDS, hash_function="sha256")
        self._store = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

        def run(*, identity: dict[str, str | None], work: Callable[[], Outcome]) -> Outcome:
            return work()

        self._run: Callable[..., Outcome] = idempotent_function(
            run,
            data_keyword_argument="identity",
            persistence_store=self._store,
            config=self._config,
            output_serializer=PydanticSerializer(model=Outcome),
            key_prefix="upload",  # in place of the function's name, so that all who analyse pictures share the records
        )

    def invocation(self, context: "LambdaContext") -> None:
        """Take note of how long this invocation may run: what it leaves undone after that is anyone's again."""
        self._config.register_lambda_context(context)

    def __call__(self, upload: Upload, model_sha256: str, work: Callable[[], Outcome]) -> tuple[Outcome, bool]:
        """Do the work, or return what came of it before.

        Returns
        -------
        outcome : Outcome
            What became of the picture.
        repeated : bool
            True if that was known already and no work was done.

        Raises
        ------
        IdempotencyAlreadyInProgressError
            If another is at it.
        IdempotencyPersistenceLayerError
            If the record cannot be read or written.
        """
        done = False

        def noted() -> Outcome:
            nonlocal done
            outcome = work()
            done = True
            return outcome

        outcome = self._run(identity=_identity(upload, model_sha256), work=noted)
        return outcome, not done

    def forget(self, upload: Upload, model_sha256: str) -> None:
        """Forget what became of a picture, for its results are not there any more."""
        self._store.delete_record(_identity(upload, model_sha256), LookupError("the results are gone"))


def _identity(upload: Upload, model_sha256: str) -> dict[str, str | None]:
    return {**asdict(upload), "model": model_sha256}
