"""One batch of a batch run: analyses its images and writes a file with one line for each.

A batch run analyses a whole bucket, a prefix or an inventory. Step Functions lists the objects and passes them on in
batches. Each batch leaves one file of JSON Lines under ``archives/RUN/parts/``, which other programs can read as well;
:mod:`thyroid.s3.summary` counts them.
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

# How often the state machine retries a batch (template.yaml, the retries of `Analyse`). The last attempt returns what
# is done: a batch that fails counts as failed with all its images.
MAX_RETRIES = 4

# Error codes of S3 that a retry does not mend: the object is in Glacier, or access is denied. 403 is the code of HEAD.
PERMANENT_ERRORS = frozenset({"InvalidObjectState", "AccessDenied", "403"})


class BatchError(Exception):
    """Some images of a batch failed. A retry repeats no inference for the others."""


def run_prefix(run: str) -> str:
    """Return the prefix of a batch run's own files, without a slash at the end."""
    return f"archives/{run}"


def images_of(batch: Mapping[str, Any]) -> Iterator[Upload]:
    """Yield the images of a batch that a distributed map passes on.

    Parameters
    ----------
    batch : mapping
        ``Items`` as S3 lists them or as an inventory does, and ``BatchInput`` with ``bucket``, ``run`` and ``encoded``.
        An inventory encodes its keys, and may list folders, older versions and deletions. Those are passed over.
    """
    batch_input = batch["BatchInput"]
    for item in batch["Items"]:
        key = unquote_plus(item["Key"]) if batch_input["encoded"] else item["Key"]
        outdated = item.get("IsLatest") == "false" or item.get("IsDeleteMarker") == "true"
        if not outdated and not is_folder(key):
            # The version is looked up later: a listing does not name it, and an inventory is a day old.
            yield Upload(item.get("Bucket") or batch_input["bucket"], key)


def process_batch(
    batch: Mapping[str, Any],
    request_id: str,
    worker: Worker,
    pool: ThreadPoolExecutor,
    s3: "S3Client",
    results_bucket: str,
) -> dict[str, int]:
    """Analyse the images of a batch and write its file of results.

    Parameters
    ----------
    batch : mapping
        As :func:`images_of` takes it; ``Attempt`` is the number of earlier attempts, 0 if missing.
    request_id : str
        Of the invocation, for the log.
    worker : Worker
        Analyses an image.
    pool : concurrent.futures.ThreadPoolExecutor
        Runs the worker.
    s3 : types_boto3_s3.S3Client
        Client of S3.
    results_bucket : str
        Where the file is written.

    Returns
    -------
    dict of str to int
        Number of images by status: analysed, refused, superseded, and failed. Statuses without an image are missing.

    Raises
    ------
    BatchError
        If some failed and a retry may help; the results of the others are written.
    """
    images = list(images_of(batch))

    def process(upload: Upload) -> dict[str, Any]:
        try:
            return _line(upload, worker.process(upload, request_id))
        except Exception as error:
            return {"bucket": upload.bucket, "key": upload.key, "status": "failed", **facts_of(error)}

    lines = list(pool.map(process, images))
    s3.put_object(
        Bucket=results_bucket,
        Key=f"{run_prefix(batch['BatchInput']['run'])}/parts/{_part_name(images)}.jsonl",
        Body="".join(json.dumps(line) + "\n" for line in lines).encode(),
        ContentType="application/jsonl",
    )
    transient = [line for line in lines if line["status"] == "failed" and line.get("aws_code") not in PERMANENT_ERRORS]
    if transient and batch.get("Attempt", 0) < MAX_RETRIES:
        raise BatchError(f"{len(transient)} of {len(lines)} images failed.")
    return dict(Counter(line["status"] for line in lines))


def _line(upload: Upload, outcome: Outcome) -> dict[str, Any]:
    return {"bucket": upload.bucket, "key": upload.key, **outcome.model_dump(exclude_none=True)}


def _part_name(images: list[Upload]) -> str:
    """Name a batch's file after its images, so that a retry writes the same file."""
    return hashlib.sha256(json.dumps([[image.bucket, image.key] for image in images]).encode()).hexdigest()[:32]
