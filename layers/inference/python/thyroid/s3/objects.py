"""Reads image files from S3: the current object of a key, never an older version of it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from thyroid.errors import NotFoundError
from thyroid.s3.events import Upload

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

# The response to HEAD has no body and so no error code; 404 is its status.
MISSING = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class Opened:
    """The current object of a key, whose bytes are not read yet.

    Attributes
    ----------
    upload : Upload
        Its state: the version, if the bucket has versions, and the ETag are known.
    size : int
        In bytes.
    stream : botocore.response.StreamingBody
        Its bytes.
    """

    upload: Upload
    size: int
    stream: "StreamingBody"


def identify(s3: "S3Client", upload: Upload) -> Upload:
    """Return an upload with its state; if that is unknown, it is the state of the current object.

    Raises
    ------
    NotFoundError
        If there is no object.
    """
    if upload.version and upload.etag:
        return upload
    try:
        head = s3.head_object(Bucket=upload.bucket, Key=upload.key)
    except ClientError as error:
        s3.head_bucket(Bucket=upload.bucket)  # a missing bucket is 404 as well, and no fault of the image
        raise _missing(error) from None
    return _state(upload, head)


def open_current(s3: "S3Client", upload: Upload) -> Opened:
    """Open the current object of a key, whatever version the upload names.

    Raises
    ------
    NotFoundError
        If there is no object.
    """
    try:
        found = s3.get_object(Bucket=upload.bucket, Key=upload.key)
    except ClientError as error:
        raise _missing(error) from None
    return Opened(_state(upload, found), found["ContentLength"], found["Body"])


def is_same(expected: Upload, found: Upload) -> bool:
    """Return whether two states of an image are the same, by all that is known of both."""
    pairs = ((expected.version, found.version), (expected.etag, found.etag))
    return all(a == b for a, b in pairs if a and b)


def _state(upload: Upload, response: "HeadObjectOutputTypeDef | GetObjectOutputTypeDef") -> Upload:
    return replace(upload, version=response.get("VersionId"), etag=response["ETag"].strip('"'))


def _missing(error: ClientError) -> NotFoundError | ClientError:
    if error.response["Error"]["Code"] in MISSING:
        return NotFoundError("The image was deleted before it was read; upload it again.")
    return error
