"""Reads picture files from S3: what lies under a key now, never an older version of it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from thyroid.errors import NotFoundError
from thyroid.s3.events import Upload

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

# HEAD has no body and so no code of its own; 404 is all that it says.
MISSING = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class Opened:
    """What lies under a key now, with its bytes not yet read.

    Attributes
    ----------
    upload : Upload
        Which state it is, version (where the bucket has versions) and ETag known.
    size : int
        In bytes.
    stream : botocore.response.StreamingBody
        Its bytes.
    """

    upload: Upload
    size: int
    stream: "StreamingBody"


def identify(s3: "S3Client", upload: Upload) -> Upload:
    """Find out which state of a picture is meant where it was not told: the one that lies there now.

    Raises
    ------
    NotFoundError
        If nothing does.
    """
    if upload.version and upload.etag:
        return upload
    try:
        head = s3.head_object(Bucket=upload.bucket, Key=upload.key)
    except ClientError as error:
        s3.head_bucket(Bucket=upload.bucket)  # a bucket that is not there is 404 as well, and no fault of the picture
        raise _missing(error) from None
    return _state(upload, head)


def open_current(s3: "S3Client", upload: Upload) -> Opened:
    """Open what lies under a key now, whatever version was told of.

    Raises
    ------
    NotFoundError
        If nothing does.
    """
    try:
        found = s3.get_object(Bucket=upload.bucket, Key=upload.key)
    except ClientError as error:
        raise _missing(error) from None
    return Opened(_state(upload, found), found["ContentLength"], found["Body"])


def is_same(told: Upload, found: Upload) -> bool:
    """Whether two states of a picture are one, by all that is known of both."""
    pairs = ((told.version, found.version), (told.etag, found.etag))
    return all(a == b for a, b in pairs if a and b)


def _state(upload: Upload, answer: "HeadObjectOutputTypeDef | GetObjectOutputTypeDef") -> Upload:
    return replace(upload, version=answer.get("VersionId"), etag=answer["ETag"].strip('"'))


def _missing(error: ClientError) -> NotFoundError | ClientError:
    if error.response["Error"]["Code"] in MISSING:
        return NotFoundError("The picture was deleted before it was read; upload it again.")
    return error
