"""Analyses one image of a bucket and writes its results to another bucket."""

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
from thyroid.s3.idempotency import IdempotencyRecords
from thyroid.s3.objects import Opened, identify, is_same, open_current
from thyroid.s3.store import DECISIONS, Existing, ResultStore, decision_of, etags_of
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit_upload
from thyroid.telemetry.observation import Observation, facts_of as facts_of_prediction, observing, record_prediction

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# A conflict means that results of another version of the same image are being written at the same time.
MAX_ATTEMPTS = 5

# Larger files are read one at a time, so that those that wait for an inference do not fill the memory.
LARGE_BYTES = 4 * 1024 * 1024


class ConflictError(Exception):
    """Other processes wrote results of this image at each attempt; the message is retried later."""


class Worker:
    """Analyses images of buckets. It may be called by many threads: transfers overlap, inferences do not.

    Parameters
    ----------
    settings : Settings
        Maximum size of a file, and where metrics go.
    analyzer : Analyzer
        Analyses an image.
    s3 : types_boto3_s3.S3Client
        Client of S3.
    store : ResultStore
        Bucket of results.
    records : IdempotencyRecords
        Records of what is in progress or done.
    notify : callable
        Sends the outcome of an image to others.
    logger : aws_lambda_powertools.Logger
        Writes one line for each image.
    """

    def __init__(
        self,
        settings: Settings,
        analyzer: Analyzer,
        s3: "S3Client",
        store: ResultStore,
        records: IdempotencyRecords,
        notify: Callable[[Upload, Outcome], None],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._s3 = s3
        self._store = store
        self._records = records
        self._notify = notify
        self._logger = logger
        self._one_at_a_time = threading.RLock()

    def process(self, upload: Upload, request_id: str) -> Outcome:
        """Analyse an image, unless that was done before, and write its outcome to log and metrics.

        Neither names the image, for its key may name a patient.

        Parameters
        ----------
        upload : Upload
            The image; its state may be unknown.
        request_id : str
            Of the invocation or the message, for the log.

        Raises
        ------
        Exception
            Any failure of AWS or of the model. An image that cannot be read raises none: its outcome is a refusal.
        """
        observation = Observation(request_id, self._logger)
        started = time.perf_counter()
        facts: dict[str, Any] = {"outcome": "failed"}
        try:
            with observing(observation):
                outcome, repeated = self._process(upload)
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

    def _process(self, named: Upload) -> tuple[Outcome, bool]:
        model = self._analyzer.engine().manifest.sha256
        try:
            upload = identify(self._s3, named)
        except NotFoundError as error:
            return self._refuse_deleted(named, model, error), False
        outcome, repeated = self._records.run_once(upload, model, lambda: self._analyse_and_write(upload, model))
        if repeated and outcome != self._valid_decision(self._store.existing(upload, DECISIONS), upload, model):
            # It was done, but its results were deleted since, or replaced by another model or by a version that is no
            # longer current.
            self._records.delete(upload, model)
            return self._records.run_once(upload, model, lambda: self._analyse_and_write(upload, model))
        return outcome, repeated

    def _analyse_and_write(self, upload: Upload, model: str) -> Outcome:
        """Analyse an image and write its results, unless an earlier attempt wrote them and ended before its record.

        The order of the steps keeps a newer version's results from being replaced. First the existing results are read,
        then whether the version is still the current one. Then the results are written on condition that the existing
        ones have not changed. A newer version whose results are written in between breaks that condition; one that is
        processed later replaces these results.
        """
        processed: ProcessedImage | None = None
        for attempt in range(MAX_ATTEMPTS):
            # Nearly every image is new and can be read. For such an image only the decisions have to be known.
            existing = self._store.existing(upload, NAMES if attempt else DECISIONS)
            if decision := self._valid_decision(existing, upload, model):
                self._notify(upload, decision)
                return decision
            try:
                opened = open_current(self._s3, upload)
            except NotFoundError as error:
                return self._refuse_deleted(upload, model, error)
            with opened.stream:
                if not is_same(upload, opened.upload):
                    self._store.withdraw(upload)  # an attempt that was killed may have left files
                    return Outcome(status="superseded")
                processed = processed or self._process_file(opened, model)
            if self._store.replace(upload, etags_of(existing), processed):
                self._notify(upload, processed.outcome)
                return processed.outcome
        raise ConflictError

    def _valid_decision(self, existing: Existing, upload: Upload, model: str) -> Outcome | None:
        """Return the existing decision, if it is valid. That an image was deleted is not: it may exist again."""
        decision = decision_of(existing, upload, model)
        return None if decision is None or decision.code == NotFoundError.code else decision

    def _refuse_deleted(self, upload: Upload, model: str, error: NotFoundError) -> Outcome:
        """Write that an image was deleted, if there is no result yet: results of an earlier version are kept."""
        processed = without_result(error, _source(upload), model)
        before = self._store.etags(upload)
        if not any(before.values()):
            if self._store.replace(upload, before, processed):
                self._notify(upload, processed.outcome)
            else:
                self._store.withdraw(upload)
        return processed.outcome

    def _process_file(self, opened: Opened, model: str) -> ProcessedImage:
        source = _source(opened.upload, opened.size)
        try:
            check_size(opened.size, self._settings.max_upload_bytes)
        except PayloadTooLargeError as error:
            return without_result(error, source, model)
        with self._one_at_a_time if opened.size > LARGE_BYTES else nullcontext():
            started = time.perf_counter()
            data = opened.stream.read()
            read_ms = 1000 * (time.perf_counter() - started)
            with self._one_at_a_time:
                processed = process_image(self._analyzer, data, source, read_ms=read_ms)
        if processed.record:
            record_prediction(processed.record)
        return processed


def _source(upload: Upload, size: int | None = None) -> Source:
    return Source(bucket=upload.bucket, key=upload.key, version_id=upload.version, etag=upload.etag, bytes=size)


def facts_of(error: BaseException) -> dict[str, str]:
    """Return an error's type and the code of AWS, if it has one; its message may hold a key."""
    while error.__cause__ is not None and not isinstance(error, ClientError):
        error = error.__cause__
    facts = {"error": type(error).__name__}
    if isinstance(error, ClientError):
        facts |= {"aws_operation": error.operation_name, "aws_code": error.response["Error"]["Code"]}
    return facts
