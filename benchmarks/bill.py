"""The sentences of the documents about costs: ``python -m benchmarks.bill`` prints them, and a test compares them.

Prices and formulas are in :mod:`benchmarks.cost`, measurements in ``docs/cost.json``, and the stack's resources in the
template.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml

from benchmarks import cost
from benchmarks.cost import MILLION, ArchiveCosts
from benchmarks.function import ROOT

MEASURED = ROOT / "docs" / "cost.json"
TEMPLATE = ROOT / "template.yaml"

# Metrics of the namespace Thyroid without a code (thyroid/telemetry/metrics.py).
METRICS = 9

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Stack(NamedTuple):
    """The resources of the template that have a price.

    Attributes
    ----------
    snapshots, provisioned : int
        Functions that start from a snapshot, or are kept started, by ``WarmStart``.
    memory_mb : int
        Of each of these by default.
    alarms, alarm_metrics : int
        Alarms, and the metrics that they look at. An alarm on a formula is charged for each of the formula's metrics.
    dashboards, firewall_rules : int
        How many there are.
    archive_concurrency : int
        Batches of an archive that are analysed at a time by default.
    queue_batch, archive_batch : int
        Maximum number of images in a worker's batch, from the queue and from an archive.
    """

    snapshots: int
    provisioned: int
    memory_mb: int
    alarms: int
    alarm_metrics: int
    dashboards: int
    firewall_rules: int
    archive_concurrency: int
    queue_batch: int
    archive_batch: int


def stack(template: Mapping[str, Any]) -> Stack:
    """Read a template."""
    resources = list(template["Resources"].values())

    def of(kind: str) -> list[Mapping[str, Any]]:
        return [resource["Properties"] for resource in resources if resource["Type"] == kind]

    functions = of("AWS::Serverless::Function")
    (queue_batch,) = {
        event["Properties"]["BatchSize"]
        for function in functions
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    (archive_batch,) = set(re.findall(r'"MaxItemsPerBatch": (\d+)', str(of("AWS::StepFunctions::StateMachine"))))
    return Stack(
        snapshots=sum("SnapStart" in function for function in functions),
        provisioned=sum("ProvisionedConcurrencyConfig" in function for function in functions),
        memory_mb=int(template["Parameters"]["MemorySize"]["Default"]),
        alarms=len(of("AWS::CloudWatch::Alarm")),
        alarm_metrics=sum(map(_metrics_of, of("AWS::CloudWatch::Alarm"))),
        dashboards=len(of("AWS::CloudWatch::Dashboard")),
        firewall_rules=sum(len(firewall["Rules"]) for firewall in of("AWS::WAFv2::WebACL")),
        archive_concurrency=int(template["Parameters"]["ArchiveConcurrency"]["Default"]),
        queue_batch=int(queue_batch),
        archive_batch=int(archive_batch),
    )


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    return 1 if "MetricName" in alarm else sum("MetricStat" in metric for metric in alarm["Metrics"])


def the_stack() -> Stack:
    """Read the template of this repository."""
    return stack(cfn_yaml.load(str(TEMPLATE)))


def measured() -> dict[str, Any]:
    """Return what was measured."""
    figures: dict[str, Any] = json.loads(MEASURED.read_text("utf-8"))
    return figures


def archive_costs(measured: Mapping[str, Any], stack: Stack) -> ArchiveCosts:
    """Return the costs of an archive's images, from the measurements."""
    upload = measured["upload"]
    return ArchiveCosts(
        processor_seconds=upload["processor_milliseconds"] / 1000,
        log_bytes=upload["log_bytes"],
        result_bytes=upload["result_bytes"],
        memory_mb=measured["memory_mb"],
        batch=stack.archive_batch,
    )


def passages(measured: Mapping[str, Any], stack: Stack) -> dict[str, list[str]]:
    """Return all passages of the documents that have dollars or measurements of images.

    Line breaks do not matter.

    Returns
    -------
    dict of str to list of str
        By the document's path. No document has another figure in dollars.
    """
    return {
        "README.md": [requests_table(measured), *_formula_passages(), _monthly_passage(stack)],
        "docs/before-production.md": _options_passages(stack),
        "docs/uploads.md": _archive_passages(archive_costs(measured, stack), stack),
    }


def requests_table(measured: Mapping[str, Any]) -> str:
    """Return what a million requests cost, as Markdown."""
    memory = measured["memory_mb"]
    rows = [
        f"| a million requests, us-east-1 | warm, at {memory:,} MB | Lambda | gateway | function's log | "
        "responses sent out |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in measured["requests"].items():
        function = cost.dollars_per_million(one["milliseconds"], memory)
        rows.append(
            f"| {name} | {one['milliseconds']:.1f} ms | **${function:.2f}** | **${MILLION * cost.API_REQUEST:.2f}** | "
            f"${cost.logs(one['log_bytes']):.2f} | ${cost.transfer(one['response_bytes']):.2f} |"
        )
    return "\n".join(rows)


def archive_table(costs: ArchiveCosts) -> str:
    """Return what a million images of a bucket cost, as Markdown."""
    parts = costs.services() | {f"Lambda, {costs.memory_mb:,} MB": costs.function()}
    rows = ["| a million images, us-east-1, in full batches | |", "|---|---|"]
    rows += [f"| {what} | ${dollars:.2f} |" for what, dollars in sorted(parts.items(), key=lambda part: -part[1])]
    return "\n".join([*rows, f"| **together** | **${costs.together():.2f}** |"])


def _formula_passages() -> list[str]:
    return [
        f"Lambda = 10⁶ × (${MILLION * cost.REQUEST:.2f} / 10⁶ + ⌈ms⌉ / 1000 × MB / 1024 × ${cost.GB_SECOND:.10f}) · "
        f"gateway = ${MILLION * cost.API_REQUEST:.2f} · log = bytes × ${cost.LOG_GB:.2f} a GB · "
        f"responses = bytes × ${cost.TRANSFER_GB:.2f} a GB",
        "Not measured here: the gateway's access log and Lambda's own lines, some "
        f"${cost.logs(cost.OTHER_LOG_BYTES):.2f} a million together, and traces, ${MILLION * cost.TRACE:.2f} a million "
        f"that are recorded. Lambda records {_word(cost.TRACES_PER_SECOND)} request a second and "
        f"{100 * cost.TRACED_ABOVE:.0f} % of the rest. A million requests that come evenly over a month are all "
        f"recorded: ${cost.traces(MILLION):.2f} (the first {cost.FREE_TRACES:,} are free).",
    ]


def _monthly_passage(stack: Stack) -> str:
    alarms, dashboards = stack.alarm_metrics * cost.ALARM, stack.dashboards * cost.DASHBOARD
    polls = cost.polls_per_month()
    polling = polls * cost.QUEUE_REQUEST
    together = METRICS * cost.METRIC + alarms + dashboards + polling
    return (
        f"By the month, called or not: {_word(METRICS)} metrics and one for each error code met at ${cost.METRIC:.2f}, "
        f"{stack.alarms} alarms on {stack.alarm_metrics} metrics at ${cost.ALARM:.2f} (${alarms:.2f}), "
        f"{_word(stack.dashboards)} dashboard at ${cost.DASHBOARD:.2f} (the first three are free), and Lambda's "
        f"pollers of the queue, which poll some {polls:,.0f} times (${polling:.2f}; the first million is free): "
        f"${together:.2f} together without the codes. Container images are ${cost.IMAGE_GB:.2f} a GB."
    )


def _options_passages(stack: Stack) -> list[str]:
    kept = cost.provisioned(stack.provisioned, stack.memory_mb)
    return [
        f"About ${cost.firewall(stack.firewall_rules):.0f} a month and ${MILLION * cost.FIREWALL_REQUEST:.2f} a "
        "million.",
        f"some ${cost.snapshots(stack.snapshots, stack.memory_mb):.0f} a month for the {_word(stack.snapshots)} of one "
        f"deployment at {stack.memory_mb:,} MB, and for each restore, ${cost.restores(1000, stack.memory_mb):.2f} a "
        "thousand: delete old versions.",
        f"one of each of the {_word(stack.provisioned)} is some ${kept:.0f} a month.",
    ]


def _archive_passages(costs: ArchiveCosts, stack: Stack) -> list[str]:
    transitions, children = costs.map_transitions(), costs.map_children()
    events, queue = MILLION * cost.EVENT, cost.queue(stack.queue_batch)
    daily = 86400 * costs.rate() / MILLION
    return [
        archive_table(costs),
        f"In a day a run analyses about {daily * stack.archive_concurrency:.0f} million images with the default "
        f"`ArchiveConcurrency`, and about {daily:.0f} million with one worker",
        f"**{1000 * costs.processor_seconds:.1f} ms of the processor for an image,",
        f"{costs.result_bytes / 1000:.0f} kB of results each.",
        f"That makes {costs.rate():.1f} images a second and worker.",
        f"If images come one at a time, nothing overlaps the waiting: Lambda is then "
        f"${costs.function_one_by_one():.2f}, and together it is some ${costs.together_one_by_one():.0f}. The "
        f"storage of the results of a million costs ${costs.stored():.2f} a month.",
        f"a million that come by messages: ${events + queue:.2f}, of which ${events:.2f} is for S3's own events "
        f"through EventBridge and ${queue:.2f} for the queue. S3 sends two more events when an image expires, one "
        f"when it is hidden and one when it is deleted: ${2 * events:.2f}.",
        f"a million of a batch run: ${transitions + children:.2f} for Step Functions, of which ${transitions:.2f} is a "
        f"state transition for each batch of {costs.batch} and ${children:.2f} the batches' own executions.",
    ]


def _word(number: int) -> str:
    return _WORDS[number] if number < len(_WORDS) else str(number)


def main() -> int:
    """Print the passages by document; return the exit status."""
    for document, texts in passages(measured(), the_stack()).items():
        print(f"{document}\n")
        for text in texts:
            print(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
