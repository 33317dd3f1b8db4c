"""One picture of a bucket, from what was told of it to its results in another bucket."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import ClientError

from thyroid.core.analyzer import Analyzer
from thyroid.errors import NotFoundError, PayloadTooLargeError
from thyroid.files.process_image import check_size, process_image
from thyroid.files.result_files import NAMES, Outcome, ProcessedImage, Source, without_result
from thyroid.s3.events import Upload
from thyroid.s3.idempotency import Once
from thyroid.s3.objects import Opened, identify, is_same, open_current
from thyroid.s3.store import DECISIONS, Lying, Outbox, decision_of, etags_of
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit_upload
from thyroid.telemetry.observation import Observation, observing, record_prediction
from thyroid.telemetry.observation import facts_of as facts_of_prediction

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# A conflict means that another version of the same picture is being written at this very moment.
ATTEMPTS = 5

# Larger files are read one at a time, so that those that wait do not fill the memory together.
LARGE_BYTES = 4 * 1024 * 1024


class ConflictError(Exception):
    """Others wrote results of this picture again and again meanwhile; it is tried again later."""


class Worker:
    """Analyses pictures of buckets. Many may be asked for at once: transfers overlap, inferences do not.

    Parameters
    ----------
    settings : Settings
        How large a file may be, and where metrics go.
    analyzer : Analyzer
        Analyses.
    s3 : types_boto3_s3.S3Client
        Client of S3.
    outbox : Outbox
        Takes the results.
    once : Once
        Remembers what is done.
    notify : callable
        Is told what became of a picture.
    logger : aws_lambda_powertools.Logger
        Takes one line a picture.
    """

    def __init__(
        self,
        settings: Settings,
        analyzer: Analyzer,
        s3: "S3Client",
        outbox: Outbox,
        once: Once,
        notify: Callable[[Upload, Outcome], None],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._s3 = s3
        self._outbox = outbox
        self._once = once
        self._notify = notify
        self._logger = logger
        self._alone = threading.RLock()

    def answer(self, upload: Upload, request_id: str) -> Outcome:
        """Analyse a picture, unless that was done before, and tell log and metrics what became of it.

        Nothing that is told names the picture, for its key may name a patient.

        Raises
        ------
        Exception
            Whatever kept it from being done. A picture that cannot be read is no such thing: that is its outcome.
        """
        observation = Observation(request_id, self._logger)
        started = time.perf_counter()
        facts: dict[str, Any] = {"outcome": "failed"}
        try:
            with observing(observation):
                outcome, repeated = self._answer(upload)
            facts = {"outcome": outcome.status, "repeated": repeated}
            if outcome.code:
                facts["problem"] = outcome.code
        except IdempotencyAlreadyInProgressError:
            facts = {"outcome": "in progress elsewhere"}
            raise
        except Exception as error:
            facts |= facts_of(error)
            raise
        else:
            return outcome
        finally:
            facts["duration_ms"] = round(1000 * (time.perf_counter() - started), 1)
            if record := observation.prediction:
                facts |= facts_of_prediction(record)
            self._logger.info("upload", request_id=request_id, **facts)
            emit_upload(self._settings, facts)

    def _answer(self, told: Upload) -> tuple[Outcome, bool]:
        model = self._analyzer.engine().manifest.sha256
        try:
            upload = identify(self._s3, told)
        except NotFoundError as error:
            return self._gone(told, model, error), False
        outcome, repeated = self._once(upload, model, lambda: self._work(upload, model))
        if repeated and outcome != self._standing(self._outbox.look(upload, DECISIONS), upload, model):
            # It was done, but its results were deleted or replaced since: by another model, by a version that is gone.
            self._once.forget(upload, model)
            return self._once(upload, model, lambda: self._work(upload, model))
        return outcome, repeated

    def _work(self, upload: Upload, model: str) -> Outcome:
        """Judge a picture and write its results, unless they lie there since an attempt that did not get further.

        That a newer version's results are never replaced rests on the order: first what lies in the outbox, then
        whether the version is still the current one, then writing on condition that the outbox is as it was. A newer
        version that is written in between changes the outbox; one that comes later finds our results older than it.
        """
        judgement: ProcessedImage | None = None
        for attempt in range(ATTEMPTS):
            # Nearly every picture is new and can be read. For such a one the decisions are all that has to be known.
            lying = self._outbox.look(upload, NAMES if attempt else DECISIONS)
            if standing := self._standing(lying, upload, model):
                self._notify(upload, standing)
                return standing
            try:
                opened = open_current(self._s3, upload)
            except NotFoundError as error:
                return self._gone(upload, model, error)
            with opened.stream:
                if not is_same(upload, opened.upload):
                    self._outbox.withdraw(upload)  # an attempt that was killed may have left something
                    return Outcome(status="superseded")
                judgement = judgement or self._judge(opened, model)
            if self._outbox.replace(upload, etags_of(lying), judgement):
                self._notify(upload, judgement.outcome)
                return judgement.outcome
        raise ConflictError

    def _standing(self, lying: Lying, upload: Upload, model: str) -> Outcome | None:
        """Return the decision that lies there and still holds. That a picture is gone does not: it may be back."""
        standing = decision_of(lying, upload, model)
        return None if standing is None or standing.code == NotFoundError.code else standing

    def _gone(self, upload: Upload, model: str, error: NotFoundError) -> Outcome:
        """Say that a picture was deleted, where nothing is said yet: results of an earlier version stay."""
        judgement = without_result(error, _source(upload), model)
        before = self._outbox.etags(upload)
        if not any(before.values()):
            if self._outbox.replace(upload, before, judgement):
                self._notify(upload, judgement.outcome)
            else:
                self._outbox.withdraw(upload)
        return judgement.outcome

    def _judge(self, opened: Opened, model: str) -> ProcessedImage:
        source = _source(opened.upload, opened.size)
        try:
            check_size(opened.size, self._settings.max_upload_bytes)
        except PayloadTooLargeError as error:
            return without_result(error, source, model)
        with self._alone if opened.size > LARGE_BYTES else nullcontext():
            started = time.perf_counter()
            data = opened.stream.read()
            read_ms = 1000 * (time.perf_counter() - started)
            with self._alone:
                processed = process_image(self._analyzer, data, source, read_ms=read_ms)
        if processed.record:
            record_prediction(processed.record)
        return processed


def _source(upload: Upload, size: int | None = None) -> Source:
    return Source(bucket=upload.bucket, key=upload.key, version_id=upload.version, etag=upload.etag, bytes=size)


def facts_of(error: BaseException) -> dict[str, str]:
    """Name an error by its type and, where AWS gave one, its code; its message may hold a key."""
    while error.__cause__ is not None and not isinstance(error, ClientError):
        error = error.__cause__
    named = {"error": type(error).__name__}
    if isinstance(error, ClientError):
        named |= {"aws_operation": error.operation_name, "aws_code": error.response["Error"]["Code"]}
    return named
