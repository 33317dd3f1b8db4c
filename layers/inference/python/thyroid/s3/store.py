"""Writes results to S3, such that an older picture's never replace a newer one's."""

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

LONGEST_KEY = 1024  # bytes of UTF-8 (Amazon S3 user guide, "Naming Amazon S3 objects")
LONGEST_NAME = max(len(name) for name in NAMES)

# What S3 answers where a conditional write meets another state than it asked for.
CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", *MISSING})

DECISIONS = (RESULT, ERROR)

Lying: TypeAlias = "Mapping[str, HeadObjectOutputTypeDef | None]"
Etags = Mapping[str, str | None]


def place_of(upload: Upload, uploads_bucket: str) -> str:
    """Return what the keys of a picture's results begin with, without a slash at the end.

    ``results/KEY`` for the uploads bucket, ``buckets/BUCKET/KEY`` for another. A key that leaves no room for the names
    of the results is cut off, and told apart by its hash.
    """
    root = "results" if upload.bucket == uploads_bucket else f"buckets/{upload.bucket}"
    room = LONGEST_KEY - len(f"{root}//") - LONGEST_NAME
    key = upload.key.encode()
    if len(key) <= room:
        return f"{root}/{upload.key}"
    mark = f"~{hashlib.sha256(key).hexdigest()}"
    return f"{root}/{key[: room - len(mark)].decode(errors='ignore')}{mark}"


def etags_of(lying: Lying) -> Etags:
    """Return the ETags of files that were looked at."""
    return {name: head["ETag"] if head else None for name, head in lying.items()}


def decision_of(lying: Lying, upload: Upload, model_sha256: str) -> Outcome | None:
    """Return the decision that lies there, if it is the only one, about this very state of the picture, by this model.

    Parameters
    ----------
    lying : mapping
        What :meth:`Outbox.look` found of :data:`DECISIONS`.
    upload : Upload
        The picture, its state known.
    model_sha256 : str
        The model.
    """
    heads = [head for name in DECISIONS if (head := lying[name])]
    if len(heads) != 1:
        return None
    told = {name: unquote(value) for name, value in heads[0]["Metadata"].items()}
    if not _is_of(upload, heads[0]["Metadata"]) or told.get("model-sha256") != model_sha256:
        return None
    if told["status"] == "refused":
        return Outcome(status="refused", code=told["label"], model_sha256=model_sha256)
    return Outcome(
        status="analysed",
        score=float(told["score"]),
        label=told["label"],
        risk=told["risk"],
        model_sha256=model_sha256,
        input_reasons=told.get("input-reasons"),
    )


class Outbox:
    """The bucket of results.

    Parameters
    ----------
    s3 : types_boto3_s3.S3Client
        Client of S3.
    bucket : str
        Its name.
    uploads_bucket : str
        The bucket whose pictures' results lie under ``results/``.
    """

    def __init__(self, s3: "S3Client", bucket: str, uploads_bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._uploads_bucket = uploads_bucket

    def place(self, upload: Upload) -> str:
        """Return what the keys of a picture's results begin with."""
        return place_of(upload, self._uploads_bucket)

    def look(self, upload: Upload, names: Sequence[str] = NAMES) -> Lying:
        """Return what S3 tells of files that a picture's results may have now, None for those that are not there."""
        heads = self._heads(upload, names)
        return {name: heads.get(name) for name in names}

    def etags(self, upload: Upload, names: Sequence[str] = NAMES) -> Etags:
        """Return the ETags of these files, None for those that are not there."""
        return etags_of(self.look(upload, names))

    def replace(self, upload: Upload, before: Etags, judgement: ProcessedImage) -> bool:
        """Write a picture's results, if nobody wrote any since ``before`` was read.

        A decision that lies there goes first, and the new one comes last: killed in between, this leaves no decision
        rather than two, or one beside the other's pictures, and can be done again. No two versions' files are the same
        to the byte (:func:`thyroid.files.result_files.analysed`), so an ETag tells them apart.

        Parameters
        ----------
        upload : Upload
            The picture.
        before : mapping of str to str or None
            What :meth:`etags` found. Each write asks for that state, so S3 itself refuses it where another was faster.
            Pictures to be written that are not in it are taken to be absent.
        judgement : ProcessedImage
            What to write.

        Returns
        -------
        bool
            False where another was faster, or decided otherwise meanwhile, or where it is not known whether there are
            files to be removed. Some files may be written then: whoever is of the current version writes them again,
            whoever is not withdraws them.
        """
        place = self.place(upload)
        stale = [name for name in reversed(NAMES) if name not in judgement.files or name in DECISIONS]
        if not before.keys() >= set(stale):
            return False
        try:
            for name in stale:
                if etag := before[name]:
                    self._s3.delete_object(Bucket=self.bucket, Key=f"{place}/{name}", IfMatch=etag)
            for name, content in judgement.files.items():
                etag = None if name in stale else before.get(name)
                asked: PutObjectRequestTypeDef = {
                    "Bucket": self.bucket,
                    "Key": f"{place}/{name}",
                    "Body": content,
                    "ContentType": MEDIA_TYPES[name],
                    "Metadata": _metadata(upload, judgement),
                }
                if etag:
                    asked["IfMatch"] = etag
                else:
                    asked["IfNoneMatch"] = "*"
                self._s3.put_object(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] in CONFLICTS:
                return False
            raise
        # No condition on one object can speak of another, so two who write decisions of different kinds do not meet in
        # S3. Each looks for the other's after writing its own: the later one at least finds it.
        return not self._heads(upload, [name for name in DECISIONS if name not in judgement.files])

    def withdraw(self, upload: Upload) -> None:
        """Remove what was written about this state of a picture, where there is a decision about another one."""
        heads = self._heads(upload, NAMES)
        mine = [name for name in reversed(NAMES) if name in heads and _is_of(upload, heads[name]["Metadata"])]
        if not any(name in heads and name not in mine for name in DECISIONS):
            return
        for name in mine:
            key = f"{self.place(upload)}/{name}"
            try:
                self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=heads[name]["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in CONFLICTS:  # then it is not ours any more
                    raise

    def _heads(self, upload: Upload, names: Sequence[str]) -> "dict[str, HeadObjectOutputTypeDef]":
        found = {}
        for name in names:
            try:
                found[name] = self._s3.head_object(Bucket=self.bucket, Key=f"{self.place(upload)}/{name}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in MISSING:
                    raise
        return found


def _is_of(upload: Upload, metadata: Mapping[str, str]) -> bool:
    return all(metadata.get(name) == value for name, value in _state(upload).items())


def _state(upload: Upload) -> dict[str, str | None]:
    told = {"input-version": upload.version, "input-etag": upload.etag}
    return {name: value and _encoded(value) for name, value in told.items()}


def _metadata(upload: Upload, judgement: ProcessedImage) -> dict[str, str]:
    """Say on a result which model decided what about which picture; encoded, since headers are ASCII."""
    outcome = judgement.outcome
    told = {
        "status": outcome.status,
        "label": outcome.label or outcome.code,
        "risk": outcome.risk,
        "score": None if outcome.score is None else repr(outcome.score),
        "model-sha256": outcome.model_sha256,
        "input-reasons": outcome.input_reasons,
    }
    encoded = {name: _encoded(value) for name, value in told.items() if value}
    return encoded | {name: value for name, value in _state(upload).items() if value}


def _encoded(text: str) -> str:
    return quote(text, safe=" ()-_.")
