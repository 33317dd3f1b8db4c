"""What became of a whole archive, counted."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import buckets
from tests.buckets import BROKEN, RESULTS, UPLOADS, Cloud, start_worker
from thyroid.s3.batch import process_batch
from thyroid.s3.summary import Summary, summarise

cloud = buckets.cloud

ANALYSED = {"key": "a", "status": "analysed", "risk": "Low Risk", "label": "Benign", "model_sha256": "f" * 64}
REFUSED = {"key": "b", "status": "refused", "code": "unreadable_image"}
FAILED = {"key": "c", "status": "failed", "error": "ClientError"}
EVENT = {
    "run": "a-run",
    "execution": "arn",
    "started": "2026-01-01T00:00:00Z",
    "bucket": "the-uploads",
    "prefix": "p/",
    "tolerated": 5,
}


class States:
    """Stands for Step Functions: the maps of an execution and what they count."""

    def __init__(self, *counts: dict[str, int]) -> None:
        self.counts = counts

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert executionArn == "arn"
        return {"mapRuns": [{"mapRunArn": number} for number, _ in enumerate(self.counts)]}

    def describe_map_run(self, mapRunArn: int) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        return {"itemCounts": self.counts[mapRunArn]}


def put_part(cloud: Cloud, name: str, *lines: dict[str, str], run: str = "a-run") -> None:
    body = "".join(json.dumps(line) + "\n" for line in lines)
    cloud.s3.put_object(Bucket=RESULTS, Key=f"archives/{run}/parts/{name}.jsonl", Body=body)


class InPagesOf:
    """A client of S3 whose listings have small pages."""

    def __init__(self, s3: Any, size: int) -> None:
        self._s3, self._size = s3, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def get_paginator(self, name: str) -> Any:
        paginator, size = self._s3.get_paginator(name), self._size

        class Small:
            def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
                yield from paginator.paginate(**asked, PaginationConfig={"PageSize": size})

        return Small()


def summary_of(s3: Any, states: Any) -> Summary:
    return summarise(EVENT, s3, states, RESULTS)


def test_the_lines_of_all_parts_are_counted_and_those_of_other_runs_are_not(cloud: Cloud) -> None:
    put_part(cloud, "1", ANALYSED, REFUSED, ANALYSED)
    put_part(cloud, "2", {**ANALYSED, "risk": "High Risk", "label": "Malignant"}, FAILED)
    put_part(cloud, "3")
    put_part(cloud, "1", ANALYSED, run="a-run-of-others")
    states = States({"total": 9, "succeeded": 6, "failed": 3, "pending": 0})

    summary = summary_of(InPagesOf(cloud.s3, 2), states)

    assert summary.pictures == {"analysed": 3, "refused": 1, "failed": 1}
    assert summary.risks == {"Low Risk": 2, "High Risk": 1}
    assert summary.labels == {"Benign": 2, "Malignant": 1}
    assert summary.codes == {"unreadable_image": 1}
    assert summary.models == {"f" * 64: 3}
    assert summary.items.model_dump() == {"total": 9, "succeeded": 6, "failed": 3}


def test_it_lies_beside_the_parts_and_says_where(cloud: Cloud) -> None:
    put_part(cloud, "1", ANALYSED)
    summary = summary_of(cloud.s3, States())
    assert summary.summary == f"s3://{RESULTS}/archives/a-run/summary.json"
    stored = cloud.file("archives/a-run/summary.json")
    assert summary.parts == f"s3://{RESULTS}/archives/a-run/parts/"
    assert stored.media_type == "application/json"
    assert stored.content.startswith(b'{\n  "schema_version"')
    assert Summary.model_validate_json(stored.content) == summary
    assert (summary.run, summary.prefix, summary.schema_version) == ("a-run", "p/", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", summary.ended)
    assert summary.started < summary.ended


def test_counted_again_after_a_summary_was_written_it_is_the_same(cloud: Cloud) -> None:
    put_part(cloud, "1", ANALYSED)
    first = summary_of(cloud.s3, States())

    again = summary_of(cloud.s3, States())

    assert again.model_copy(update={"ended": first.ended}) == first


def test_what_batches_wrote_is_what_is_counted(cloud: Cloud) -> None:
    # GIVEN two batches that were really answered
    cloud.upload("a.png")
    cloud.upload("b.png", BROKEN)
    with ThreadPoolExecutor(2) as pool:
        for items in ([{"Key": "a.png"}, {"Key": "b.png"}], [{"Key": "gone.png"}]):
            batch = {"Items": items, "BatchInput": {"bucket": UPLOADS, "run": "a-run", "encoded": False}}
            process_batch(batch, "a-request", start_worker().worker, pool, cloud.s3, RESULTS)
    # WHEN their run is counted
    summary = summary_of(cloud.s3, States())
    # THEN each field of their lines finds its place
    assert summary.pictures == {"analysed": 1, "refused": 2}
    assert summary.codes == {"unreadable_image": 1, "not_found": 1}
    assert summary.risks == {"Low Risk": 1}
    assert summary.labels == {"Benign (Non-Cancerous)": 1}
    assert summary.models == {"a" * 64: 1}


def test_a_run_that_read_nothing_has_a_summary_of_nothing(cloud: Cloud) -> None:
    summary = summary_of(cloud.s3, States())
    assert (summary.pictures, summary.risks, summary.labels, summary.codes, summary.models) == ({}, {}, {}, {}, {})
    assert summary.items.model_dump() == {"total": 0, "succeeded": 0, "failed": 0}


def test_what_two_maps_count_is_added(cloud: Cloud) -> None:
    one = {"total": 2, "succeeded": 2, "failed": 0}
    assert summary_of(cloud.s3, States(one, one)).items.total == 4


def test_a_part_that_cannot_be_read_is_an_error_and_no_smaller_number(cloud: Cloud) -> None:
    cloud.s3.put_object(Bucket=RESULTS, Key="archives/a-run/parts/1.jsonl", Body=b'{"status": "anal')
    with pytest.raises(ValueError, match="Unterminated"):
        summary_of(cloud.s3, States())


@pytest.mark.parametrize(
    ("lines", "total", "lost", "too_many"),
    [
        ([ANALYSED] * 95 + [FAILED] * 5, 100, 0, False),
        ([ANALYSED] * 94 + [FAILED] * 6, 100, 0, True),
        ([ANALYSED] * 80, 100, 20, True),
        ([ANALYSED] * 95, 100, 5, False),
        ([], 0, 0, False),
    ],
    ids=["as many as are tolerated", "one more", "a batch without a file", "a smaller one", "nothing at all"],
)
def test_images_that_failed_are_held_against_what_is_tolerated(
    lines: list[dict[str, str]], total: int, lost: int, too_many: bool, cloud: Cloud
) -> None:
    put_part(cloud, "1", *lines)
    states = States({"total": total, "succeeded": total - lost, "failed": lost})
    assert summary_of(cloud.s3, states).too_many_failed is too_many
