"""Summary of a batch run: counts the lines of its batches' files."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from thyroid.s3.batch import run_prefix

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# Reading is mostly waiting: a million images are some fifty thousand files.
READER_THREADS = 32


class Items(BaseModel):
    """Number of images as Step Functions counts them, including those of batches that left no file."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0


class Summary(BaseModel):
    """``summary.json`` of a batch run."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = 1
    run: str
    bucket: str
    prefix: str
    started: str = Field(description="UTC, ISO 8601.")
    ended: str
    items: Items
    pictures: dict[str, int] = Field(description="By status: analysed, refused, superseded, failed.")
    too_many_failed: bool = Field(
        description="Whether more images failed than are tolerated, by their lines or with a whole batch."
    )
    risks: dict[str, int] = Field(description="Analysed images by risk band.")
    labels: dict[str, int]
    codes: dict[str, int] = Field(description="Refused images by code.")
    models: dict[str, int] = Field(description="Analysed images by the model's sha256.")
    summary: str = Field(description="Where this file is.")
    parts: str = Field(description="Where the files of JSON Lines are, one line for each image.")


def summarise(event: dict[str, Any], s3: "S3Client", states: "SFNClient", bucket: str) -> Summary:
    """Count the lines of a batch run's files, and write the summary beside the files.

    Parameters
    ----------
    event : dict
        ``run``, ``execution`` (its ARN), ``started``, ``bucket``, ``prefix``, and ``tolerated``: how many percent of
        the images may fail.
    s3 : types_boto3_s3.S3Client
        Client of S3.
    states : types_boto3_stepfunctions.SFNClient
        Client of Step Functions.
    bucket : str
        Bucket of results.
    """
    prefix = run_prefix(event["run"])
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("status", "risk", "label", "code", "model_sha256")}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/parts/")
    with ThreadPoolExecutor(READER_THREADS) as pool:
        for page in pages:  # page by page, so that at most a thousand files are in memory
            keys = [found["Key"] for found in page.get("Contents", [])]
            for part in pool.map(lambda key: _read(s3, bucket, key), keys):
                for line in part:
                    counted["status"][line["status"]] += 1
                    for name in ("code",) if line["status"] == "refused" else ("risk", "label", "model_sha256"):
                        if name in line:
                            counted[name][line[name]] += 1
    items = _items(states, event["execution"])
    failed = items.failed + counted["status"]["failed"]
    summary = Summary(
        run=event["run"],
        bucket=event["bucket"],
        prefix=event["prefix"],
        started=event["started"],
        ended=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        items=items,
        pictures=dict(counted["status"]),
        too_many_failed=100 * failed > event["tolerated"] * items.total,
        risks=dict(counted["risk"]),
        labels=dict(counted["label"]),
        codes=dict(counted["code"]),
        models=dict(counted["model_sha256"]),
        summary=f"s3://{bucket}/{prefix}/summary.json",
        parts=f"s3://{bucket}/{prefix}/parts/",
    )
    body = summary.model_dump_json(indent=2).encode() + b"\n"
    s3.put_object(Bucket=bucket, Key=f"{prefix}/summary.json", Body=body, ContentType="application/json")
    return summary


def _read(s3: "S3Client", bucket: str, key: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()]


def _items(states: "SFNClient", execution: str) -> Items:
    """Return the sum of the counts of an execution's maps; there is no map if the listing failed."""
    total: Counter[str] = Counter()
    for run in states.list_map_runs(executionArn=execution)["mapRuns"]:
        counts = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        total.update(total=counts["total"], succeeded=counts["succeeded"], failed=counts["failed"])
    return Items(**total)
