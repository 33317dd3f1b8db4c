"""One picture of a bucket, from what was told of it to its results in another bucket."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import ClientError

from thyroid.errors import NotFoundError, PayloadTooLargeError
from thyroid.judge import check_size, judge
from thyroid.results import ERROR, NAMES, Judgement, Outcome, Source, refused
from thyroid.service import Service
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit_upload
from thyroid.telemetry.observation import Observation, observing
from thyroid.uploads.once import Once
from thyroid.uploads.outbox import Outbox
from thyroid.uploads.pictures import Opened, identify, is_same, open_current
from thyroid.uploads.upload import Upload

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
    service : Service
        Analyses.
    s3 : Any
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
        service: Service,
        s3: Any,  # noqa: ANN401
        outbox: Outbox,
        once: Once,
        notify: Callable[[Upload, Outcome], None],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._service = service
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
            facts |= _of_error(error)
            raise
        else:
            return outcome
        finally:
            facts["duration_ms"] = round(1000 * (time.perf_counter() - started), 1)
            if record := observation.prediction:
                facts |= {"model_sha256": record.model.sha256, "score": record.score, "risk": record.risk}
            self._logger.info("upload", request_id=request_id, **facts)
            emit_upload(self._settings, facts)

    def _answer(self, told: Upload) -> tuple[Outcome, bool]:
        model_sha256 = self._service.engine().manifest.sha256
        try:
            upload = identify(self._s3, told)
        except NotFoundError as error:
            return self._gone(told, error), False
        return self._once(upload, model_sha256, lambda: self._work(upload))

    def _work(self, upload: Upload) -> Outcome:
        """Judge a picture and write its results.

        That a newer version's results are never replaced rests on the order: first what lies in the outbox, then
        whether the version is still the current one, then writing on condition that the outbox is as it was. A newer
        version that is written in between changes the outbox; one that comes later finds our results older than it.
        """
        judgement: Judgement | None = None
        for attempt in range(ATTEMPTS):
            # Nearly every picture is new and can be read. For such a one it is enough to know that none was refused
            # before: one call of S3 instead of four.
            before = self._outbox.etags(upload, NAMES if attempt else [ERROR])
            try:
                opened = open_current(self._s3, upload)
            except NotFoundError as error:
                return self._gone(upload, error)
            with opened.stream:
                if not is_same(upload, opened.upload):
                    self._outbox.withdraw(upload)  # an attempt that was killed may have left something
                    return Outcome(status="superseded")
                judgement = judgement or self._judge(opened)
            if self._outbox.replace(upload, before, judgement):
                self._notify(upload, judgement.outcome)
                return judgement.outcome
        raise ConflictError

    def _gone(self, upload: Upload, error: NotFoundError) -> Outcome:
        """Say that a picture was deleted, where nothing is said yet: results of an earlier version stay."""
        judgement = refused(error, _source(upload))
        before = self._outbox.etags(upload)
        if not any(before.values()):
            if self._outbox.replace(upload, before, judgement):
                self._notify(upload, judgement.outcome)
            else:
                self._outbox.withdraw(upload)
        return judgement.outcome

    def _judge(self, opened: Opened) -> Judgement:
        source = _source(opened.upload, bytes=opened.size)
        try:
            check_size(opened.size, self._settings.max_upload_bytes)
        except PayloadTooLargeError as error:
            return refused(error, source)
        with self._alone if opened.size > LARGE_BYTES else nullcontext():
            started = time.perf_counter()
            data = opened.stream.read()
            read_ms = 1000 * (time.perf_counter() - started)
            with self._alone:
                return judge(self._service, data, source, read_ms=read_ms)


def _source(upload: Upload, **known: Any) -> Source:  # noqa: ANN401
    return Source(bucket=upload.bucket, key=upload.key, version_id=upload.version, etag=upload.etag, **known)


def _of_error(error: BaseException) -> dict[str, str]:
    """Name an error by its type and, where AWS gave one, its code; its message may hold a key."""
    while error.__cause__ is not None and not isinstance(error, ClientError):
        error = error.__cause__
    named = {"error": type(error).__name__}
    if isinstance(error, ClientError):
        named |= {"aws_operation": error.operation_name, "aws_code": error.response["Error"]["Code"]}
    return named
