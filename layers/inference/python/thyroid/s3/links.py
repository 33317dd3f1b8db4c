"""Presigned links: one that takes the upload of an image without a key of AWS, and those to its results."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from thyroid.errors import NotAnsweredError
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT
from thyroid.s3.events import Upload
from thyroid.s3.link import Link, expiry_of, new_id, unused_link_error
from thyroid.s3.objects import MISSING
from thyroid.s3.store import prefix_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX = "api"  # of the keys of images that are uploaded by link

# An upload may still be in progress when its link expires. An image without a result an hour later is in the
# dead-letter queue: the five deliveries of the queue take half an hour.
MAX_UPLOAD_SECONDS = 60
MAX_RESULT_SECONDS = 3600


class Links:
    """Creates links, and finds the results of the images that were uploaded by them.

    Parameters
    ----------
    s3 : types_boto3_s3.S3Client
        Client of S3.
    signer : types_boto3_s3.S3Client
        Client of S3 that signs links.
    uploads_bucket, results_bucket : str
        Names of the buckets.
    seconds : int
        How long a link is valid.
    """

    def __init__(
        self, s3: "S3Client", signer: "S3Client", uploads_bucket: str, results_bucket: str, seconds: int
    ) -> None:
        self._s3 = s3
        self._signer = signer
        self._uploads = uploads_bucket
        self._results = results_bucket
        self._seconds = seconds

    def create(self, content_type: str, min_bytes: int, max_bytes: int) -> Link:
        """Create a link that takes one image.

        S3 itself refuses another type, another size, a changed field, and a form that is sent too late.

        Parameters
        ----------
        content_type : str
            Media type of the image.
        min_bytes, max_bytes : int
            Bounds of its size, inclusive.
        """
        expires = int(time.time()) + self._seconds
        identifier = new_id(expires)
        form = self._signer.generate_presigned_post(
            self._uploads,
            _key(identifier),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", min_bytes, max_bytes]],
            ExpiresIn=self._seconds,
        )
        return Link(identifier, form["url"], form["fields"], expires)

    def find(self, identifier: str) -> dict[str, Any] | None:
        """Return the stored result or refusal of an image, or None while there is neither.

        Raises
        ------
        NotFoundError
            If no link has this id, or it expired before an image was uploaded.
        NotAnsweredError
            If there is no result an hour after the link expired.
        """
        expires = expiry_of(identifier)
        upload = Upload(self._uploads, _key(identifier))
        prefix = prefix_of(upload, self._uploads)
        found = [record for name in (RESULT, ERROR) if (record := self._read(f"{prefix}/{name}"))]
        if len(found) == 1:  # both exist for a moment at most, while a newer version's replaces the other
            return found[0]
        seconds_expired = time.time() - expires
        if seconds_expired > MAX_UPLOAD_SECONDS and not self._exists(upload):
            raise unused_link_error()
        if seconds_expired > MAX_RESULT_SECONDS:
            raise NotAnsweredError(
                "There is no result, and waiting does not help: whoever runs this service finds the image in the "
                "dead-letter queue. Upload it again, or report the id."
            )
        return None

    def image_urls(self, identifier: str) -> Mapping[str, str]:
        """Return links to the images of a result, by their kind: ``heatmap`` and ``overlay``."""
        prefix = prefix_of(Upload(self._uploads, _key(identifier)), self._uploads)
        return {
            kind: self._signer.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._results, "Key": f"{prefix}/{name}"},
                ExpiresIn=self._seconds,
            )
            for kind, name in (("heatmap", HEATMAP), ("overlay", OVERLAY))
        }

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            content = self._s3.get_object(Bucket=self._results, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise
        record: dict[str, Any] = json.loads(content)
        return record

    def _exists(self, upload: Upload) -> bool:
        try:
            self._s3.head_object(Bucket=upload.bucket, Key=upload.key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise
            self._s3.head_bucket(Bucket=upload.bucket)  # a missing bucket is 404 as well, and no unused link
            return False
        return True


def _key(identifier: str) -> str:
    return f"{PREFIX}/{identifier}"
