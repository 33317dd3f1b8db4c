"""The bucket of results: results of an older version of an image never replace those of a newer one."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from thyroid.files.result_files import ERROR, MEDIA_TYPES, NAMES, RESULT, Outcome, ProcessedImage
from thyroid.s3.events import Upload
from thyroid.s3.objects import MISSING

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import HeadObjectOutputTypeDef, PutObjectRequestTypeDef

MAX_KEY_BYTES = 1024  # of UTF-8 (Amazon S3 user guide, "Naming Amazon S3 objects")
MAX_NAME_BYTES = max(len(name) for name in NAMES)

# Error codes of S3 for a conditional write whose condition does not hold.
CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", *MISSING})

DECISIONS = (RESULT, ERROR)

Existing: TypeAlias = "Mapping[str, HeadObjectOutputTypeDef | None]"
Etags = Mapping[str, str | None]


def prefix_of(upload: Upload, uploads_bucket: str) -> str:
    """Return the prefix of an image's results, without a slash at the end.

    ``results/KEY`` for the uploads bucket, ``buckets/BUCKET/KEY`` for another. A key that leaves no room for the names
    of the results is cut off, and made unique by its hash.
    """
    root = "results" if upload.bucket == uploads_bucket else f"buckets/{upload.bucket}"
    room = MAX_KEY_BYTES - len(f"{root}//") - MAX_NAME_BYTES
    key = upload.key.encode()
    if len(key) <= room:
        return f"{root}/{upload.key}"
    suffix = f"~{hashlib.sha256(key).hexdigest()}"
    return f"{root}/{key[: room - len(suffix)].decode(errors='ignore')}{suffix}"


def etags_of(existing: Existing) -> Etags:
    """Return the ETags of files, None for those that do not exist."""
    return {name: head["ETag"] if head else None for name, head in existing.items()}


def decision_of(existing: Existing, upload: Upload, model_sha256: str) -> Outcome | None:
    """Return the existing decision, if it is the only one, about this state of the image, and by this model.

    Parameters
    ----------
    existing : mapping
        What :meth:`ResultStore.existing` returned for :data:`DECISIONS`.
    upload : Upload
        The image; its state is known.
    model_sha256 : str
        Checksum of the model.
    """
    heads = [head for name in DECISIONS if (head := existing[name])]
    if len(heads) != 1:
        return None
    metadata = {name: unquote(value) for name, value in heads[0]["Metadata"].items()}
    if not _is_of(upload, heads[0]["Metadata"]) or metadata.get("model-sha256") != model_sha256:
        return None
    if metadata["status"] == "refused":
        return Outcome(status="refused", code=metadata["label"], model_sha256=model_sha256)
    return Outcome(
        status="analysed",
        score=float(metadata["score"]),
        label=metadata["label"],
        risk=metadata["risk"],
        model_sha256=model_sha256,
        input_reasons=metadata.get("input-reasons"),
    )


class ResultStore:
    """The bucket of results.

    Parameters
    ----------
    s3 : types_boto3_s3.S3Client
        Client of S3.
    bucket : str
        Its name.
    uploads_bucket : str
        The bucket whose images have their results under ``results/``.
    """

    def __init__(self, s3: "S3Client", bucket: str, uploads_bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._uploads_bucket = uploads_bucket

    def result_prefix(self, upload: Upload) -> str:
        """Return the prefix of an image's results, without a slash at the end."""
        return prefix_of(upload, self._uploads_bucket)

    def existing(self, upload: Upload, names: Sequence[str] = NAMES) -> Existing:
        """Return the heads of an image's existing result files by name, None for those that do not exist."""
        heads = self._heads(upload, names)
        return {name: heads.get(name) for name in names}

    def etags(self, upload: Upload, names: Sequence[str] = NAMES) -> Etags:
        """Return the ETags of an image's result files by name, None for those that do not exist."""
        return etags_of(self.existing(upload, names))

    def replace(self, upload: Upload, before: Etags, processed: ProcessedImage) -> bool:
        """Write an image's results, if no other process wrote any since ``before`` was read.

        An existing decision is deleted first, and the new one is written last. A crash in between leaves no decision,
        rather than two, or one beside the images of another, and a retry completes it. The files of two versions
        always differ (:func:`thyroid.files.result_files.analysed`), so their ETags differ.

        Parameters
        ----------
        upload : Upload
            The image.
        before : mapping of str to str or None
            What :meth:`etags` returned. It is the condition of each write, so S3 refuses a write if another process
            was faster. An image to be written that is not in it counts as absent.
        processed : ProcessedImage
            What to write.

        Returns
        -------
        bool
            False if another process was faster or wrote another decision meanwhile, or if ``before`` lacks files that
            would have to be deleted. Some files may be written then: the process with the current version of the image
            writes them again, any other withdraws its own.
        """
        prefix = self.result_prefix(upload)
        stale = [name for name in reversed(NAMES) if name not in processed.files or name in DECISIONS]
        if not before.keys() >= set(stale):
            return False
        try:
            for name in stale:
                if etag := before[name]:
                    self._s3.delete_object(Bucket=self.bucket, Key=f"{prefix}/{name}", IfMatch=etag)
            for name, content in processed.files.items():
                etag = None if name in stale else before.get(name)
                request: PutObjectRequestTypeDef = {
                    "Bucket": self.bucket,
                    "Key": f"{prefix}/{name}",
                    "Body": content,
                    "ContentType": MEDIA_TYPES[name],
                    "Metadata": _metadata(upload, processed),
                }
                if etag:
                    request["IfMatch"] = etag
                else:
                    request["IfNoneMatch"] = "*"
                self._s3.put_object(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in CONFLICTS:
                return False
            raise
        # The condition of a write covers one object only, so S3 refuses neither of two decisions of different kinds.
        # Each process looks for the other kind after it wrote its own, so at least the later one finds both.
        return not self._heads(upload, [name for name in DECISIONS if name not in processed.files])

    def withdraw(self, upload: Upload) -> None:
        """Delete the results of this state of an image, if there is a decision about another state."""
        heads = self._heads(upload, NAMES)
        own = [name for name in reversed(NAMES) if name in heads and _is_of(upload, heads[name]["Metadata"])]
        if not any(name in heads and name not in own for name in DECISIONS):
            return
        for name in own:
            key = f"{self.result_prefix(upload)}/{name}"
            try:
                self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=heads[name]["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in CONFLICTS:  # otherwise another process has replaced it
                    raise

    def _heads(self, upload: Upload, names: Sequence[str]) -> "dict[str, HeadObjectOutputTypeDef]":
        found = {}
        for name in names:
            try:
                found[name] = self._s3.head_object(Bucket=self.bucket, Key=f"{self.result_prefix(upload)}/{name}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in MISSING:
                    raise
        return found


def _is_of(upload: Upload, metadata: Mapping[str, str]) -> bool:
    return all(metadata.get(name) == value for name, value in _state(upload).items())


def _state(upload: Upload) -> dict[str, str | None]:
    state = {"input-version": upload.version, "input-etag": upload.etag}
    return {name: value and _encoded(value) for name, value in state.items()}


def _metadata(upload: Upload, processed: ProcessedImage) -> dict[str, str]:
    """Return the metadata of a result: outcome, model and state of the image; encoded, since headers are ASCII."""
    outcome = processed.outcome
    values = {
        "status": outcome.status,
        "label": outcome.label or outcome.code,
        "risk": outcome.risk,
        "score": None if outcome.score is None else repr(outcome.score),
        "model-sha256": outcome.model_sha256,
        "input-reasons": outcome.input_reasons,
    }
    encoded = {name: _encoded(value) for name, value in values.items() if value}
    return encoded | {name: value for name, value in _state(upload).items() if value}


def _encoded(text: str) -> str:
    return quote(text, safe=" ()-_.")
