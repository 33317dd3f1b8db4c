"""Links: one to upload a picture with, which needs no key of AWS, and those to its results."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from thyroid.errors import NotAnsweredError
from thyroid.files.result_files import ERROR, HEATMAP, OVERLAY, RESULT
from thyroid.s3.events import Upload
from thyroid.s3.link import Link, expiry_of, never_used, new_id
from thyroid.s3.objects import MISSING
from thyroid.s3.store import place_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FOLDER = "api"  # where pictures that come by link lie, apart from those of others

# An upload may still be arriving when its link ends. And a picture that has no result an hour later lies among the dead
# letters: five tries of the queue take half an hour.
ARRIVING_SECONDS = 60
ANSWERED_SECONDS = 3600


class Links:
    """Hands out links, and finds what became of the pictures that came by them.

    Parameters
    ----------
    s3 : types_boto3_s3.S3Client
        Client of S3.
    signer : types_boto3_s3.S3Client
        Client of S3 that signs links.
    uploads_bucket, results_bucket : str
        Names of the buckets.
    seconds : int
        How long a link is good for.
    """

    def __init__(
        self, s3: "S3Client", signer: "S3Client", uploads_bucket: str, results_bucket: str, seconds: int
    ) -> None:
        self._s3 = s3
        self._signer = signer
        self._uploads = uploads_bucket
        self._results = results_bucket
        self._seconds = seconds

    def hand_out(self, content_type: str, smallest: int, largest: int) -> Link:
        """Make a link for one picture.

        S3 itself refuses another type, another size, a change of what is signed, and a form that comes too late.

        Parameters
        ----------
        content_type : str
            What the picture has to be sent as.
        smallest, largest : int
            Bounds of its size in bytes.
        """
        expires = int(time.time()) + self._seconds
        identifier = new_id(expires)
        form = self._signer.generate_presigned_post(
            self._uploads,
            _key(identifier),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", smallest, largest]],
            ExpiresIn=self._seconds,
        )
        return Link(identifier, form["url"], form["fields"], expires)

    def find(self, identifier: str) -> dict[str, Any] | None:
        """Return what became of a picture, result or refusal as they were written; None while that is not known yet.

        Raises
        ------
        NotFoundError
            If no link has this id, or it ended before a picture came.
        NotAnsweredError
            If there is no result long after there should be.
        """
        expires = expiry_of(identifier)
        upload = Upload(self._uploads, _key(identifier))
        place = place_of(upload, self._uploads)
        found = [written for name in (RESULT, ERROR) if (written := self._read(f"{place}/{name}"))]
        if len(found) == 1:  # two are there for a moment at most, while one gives way to a newer picture's
            return found[0]
        late = time.time() - expires
        if late > ARRIVING_SECONDS and not self._exists(upload):
            raise never_used()
        if late > ANSWERED_SECONDS:
            raise NotAnsweredError(
                "There is no result, and there will be none by itself: whoever runs this service finds the picture "
                "among the dead letters. Upload it again, or report the id."
            )
        return None

    def pictures(self, identifier: str) -> Mapping[str, str]:
        """Return links to the pictures beside a result, by their kind."""
        place = place_of(Upload(self._uploads, _key(identifier)), self._uploads)
        return {
            kind: self._signer.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._results, "Key": f"{place}/{name}"},
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
            self._s3.head_bucket(Bucket=upload.bucket)  # one that is not there is 404 as well, and no unused link
            return False
        return True


def _key(identifier: str) -> str:
    return f"{FOLDER}/{identifier}"
