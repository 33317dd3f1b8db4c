"""The worker as a process that tells all that it could, about images that name a patient wherever they can.

`python -m tests.verbose_worker FILE` processes a message about each, and a batch of them all, and writes into the
file what the buckets, the table and the bus hold then; moto plays those. `DENIED` names a call of AWS that fails.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from moto import mock_aws

from events.generate import message
from tests import buckets, canaries
from tests.events import CONTEXT
from tests.verbose import tell_everything, tell_of_writing

FOLDER = f"{canaries.NAME}/1970"


def main(told: Path) -> None:
    """Answer all of them."""
    with mock_aws():
        cloud = buckets.Cloud()
        keys = {kind: f"{FOLDER}/{kind} of {canaries.NAME}" for kind in canaries.images() | canaries.broken_images()}
        records: list[dict[str, Any]] = []
        for kind, data in (canaries.images() | canaries.broken_images()).items():
            upload = cloud.upload(keys[kind], data)
            event = message("one", buckets.UPLOADS, upload.key)
            body = json.loads(event["body"])
            body["detail"]["object"] |= {"version-id": upload.version, "etag": upload.etag}
            records.append({**event, "messageId": f"message-{len(records)}", "body": json.dumps(body)})
        records.append({**records[0], "messageId": "unreadable", "body": f"no event of {canaries.NAME}"})
        told.write_text(json.dumps(_process(cloud, records, list(keys.values()))))


def _process(cloud: buckets.Cloud, records: list[dict[str, Any]], keys: list[str]) -> dict[str, Any]:
    told: list[Any] = []
    tell_everything()
    logging.getLogger("moto").setLevel(logging.WARNING)  # which is no part of a worker
    from functions import s3_worker
    from thyroid.s3 import clients

    s3: Any = clients.s3()
    events: Any = clients.events()
    put = events.put_events

    def put_events(**params: Any) -> Any:
        told.append(params)
        return put(**params)

    events.put_events = put_events
    if denied := os.environ.get("DENIED"):
        setattr(s3, denied, partial(_deny, getattr(s3, denied)))
    s3_worker.handler({"Records": [{**records[0], "body": "{}"}]}, CONTEXT)  # loads what is loaded but once
    tell_of_writing()
    failed = []
    for start in range(0, len(records), 10):
        batch = s3_worker.handler({"Records": records[start : start + 10]}, CONTEXT)
        failed += [failure["itemIdentifier"] for failure in batch["batchItemFailures"]]
    archive = {"bucket": buckets.UPLOADS, "run": "a-run", "encoded": False}
    try:
        s3_worker.handler({"Items": [{"Key": key} for key in keys], "BatchInput": archive}, CONTEXT)
    except Exception as error:  # Lambda's runtime prints it so
        logging.getLogger("runtime").exception("[ERROR] %s", type(error).__name__)
    written = {key: cloud.file(key) for key in cloud.keys("")}
    return {
        "failed": failed,
        "files": {key: [file.content.decode("latin-1"), str(file.metadata)] for key, file in written.items()},
        "records": cloud.records(),
        "events": told,
    }


def _deny(asked: Callable[..., Any], **params: Any) -> Any:
    """Fail as AWS does, whose messages may name the object that was asked for."""
    if canaries.NAME in params["Key"]:
        raise buckets.client_error("AccessDenied")
    return asked(**params)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
