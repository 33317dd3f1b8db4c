"""A batch of an archive to pictures, and to a file that tells line by line what became of them.

Step Functions lists the archive and hands it out in batches. Each leaves one file of JSON Lines under
``archives/RUN/parts/``, which other programs can read as well; :mod:`thyroid.s3.summary` counts them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from thyroid.files.result_files import Outcome
from thyroid.s3.events import Upload, is_folder
from thyroid.s3.worker import Worker, facts_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# How often the state machine tries a batch again (template.yaml, the retries of `Analyse`). After that it is answered
# with what is done: a batch that fails counts as failed with all its pictures.
TRIES = 4

# What S3 says of an object that will not be read by trying again, in Glacier or closed to us. 403 is what HEAD says.
FOR_GOOD = frozenset({"InvalidObjectState", "AccessDenied", "403"})


class BatchError(Exception):
    """Some pictures of a batch could not be done; done again, the others cost nothing."""


def folder_of(run: str) -> str:
    """Return what the keys of a run's own files begin with."""
    return f"archives/{run}"


def pictures_of(batch: Mapping[str, Any]) -> Iterator[Upload]:
    """Read the batch that a distributed map hands out.

    Parameters
    ----------
    batch : mapping
        ``Items`` as S3 lists them or as an inventory does, and ``BatchInput`` with ``bucket``, ``run`` and ``encoded``.
        An inventory encodes its keys, and may list folders, older versions and deletions, which are no pictures.
    """
    given = batch["BatchInput"]
    for item in batch["Items"]:
        key = unquote_plus(item["Key"]) if given["encoded"] else item["Key"]
        outdated = item.get("IsLatest") == "false" or item.get("IsDeleteMarker") == "true"
        if not outdated and not is_folder(key):
            # Which version it is, is asked when its turn comes: a listing does not tell, and an inventory is a day old.
            yield Upload(item.get("Bucket") or given["bucket"], key)


def answer_batch(
    batch: Mapping[str, Any],
    request_id: str,
    worker: Worker,
    pool: ThreadPoolExecutor,
    s3: "S3Client",
    results_bucket: str,
) -> dict[str, int]:
    """Analyse the pictures of a batch and leave the file that tells of them.

    ``Attempt`` of the batch is how often it was tried before.

    Returns
    -------
    dict of str to int
        How many pictures were analysed, refused, superseded, and failed where trying again would not help.

    Raises
    ------
    BatchError
        If some failed and may be tried again; what became of the others is done and written.
    """
    pictures = list(pictures_of(batch))

    def answer(upload: Upload) -> dict[str, Any]:
        try:
            return _line(upload, worker.answer(upload, request_id))
        except Exception as error:
            return {"bucket": upload.bucket, "key": upload.key, "status": "failed", **facts_of(error)}

    lines = list(pool.map(answer, pictures))
    s3.put_object(
        Bucket=results_bucket,
        Key=f"{folder_of(batch['BatchInput']['run'])}/parts/{_name(pictures)}.jsonl",
        Body="".join(json.dumps(line) + "\n" for line in lines).encode(),
        ContentType="application/jsonl",
    )
    passing = [line for line in lines if line["status"] == "failed" and line.get("aws_code") not in FOR_GOOD]
    if passing and batch.get("Attempt", 0) < TRIES:
        raise BatchError(f"{len(passing)} of {len(lines)} pictures failed.")
    return dict(Counter(line["status"] for line in lines))


def _line(upload: Upload, outcome: Outcome) -> dict[str, Any]:
    return {"bucket": upload.bucket, "key": upload.key, **outcome.model_dump(exclude_none=True)}


def _name(pictures: list[Upload]) -> str:
    """Name a batch by its pictures, so that the one who does it again writes the same file."""
    return hashlib.sha256(json.dumps([[p.bucket, p.key] for p in pictures]).encode()).hexdigest()[:32]
