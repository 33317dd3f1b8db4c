"""What the documents say in dollars: ``python -m benchmarks.bill`` prints it, and a test holds them to it.

Prices and formulas are :mod:`benchmarks.cost`'s, what was measured is ``docs/cost.json``'s, and what the stack is made
of is the template's.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml

from benchmarks import cost
from benchmarks.cost import MILLION, Pictures
from benchmarks.function import ROOT

MEASURED = ROOT / "docs" / "cost.json"
TEMPLATE = ROOT / "template.yaml"

# Metrics of the namespace Thyroid without a code (thyroid/telemetry/metrics.py).
METRICS = 9

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Stack(NamedTuple):
    """What of the template has a price.

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
        Pictures that a worker is handed at a time at most, from the queue and from an archive.
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
    kept: dict[str, Any] = json.loads(MEASURED.read_text("utf-8"))
    return kept


def pictures(measured: Mapping[str, Any], stack: Stack) -> Pictures:
    """Return the pictures of an archive as they were measured."""
    upload = measured["upload"]
    return Pictures(
        processor_seconds=upload["processor_milliseconds"] / 1000,
        log_bytes=upload["log_bytes"],
        result_bytes=upload["result_bytes"],
        memory_mb=measured["memory_mb"],
        batch=stack.archive_batch,
    )


def passages(measured: Mapping[str, Any], stack: Stack) -> dict[str, list[str]]:
    """Return all that the documents say in dollars, and what they say was measured of pictures, word by word.

    Where their lines are broken does not matter.

    Returns
    -------
    dict of str to list of str
        By the document's path. No document has a figure in dollars beside these.
    """
    return {
        "README.md": [requests_table(measured), *_formulas(), _a_month(stack)],
        "docs/before-production.md": _to_decide(stack),
        "docs/uploads.md": [pictures_table(pictures(measured, stack)), *_of_pictures(pictures(measured, stack), stack)],
    }


def requests_table(measured: Mapping[str, Any]) -> str:
    """Return what a million requests cost, as Markdown."""
    memory = measured["memory_mb"]
    rows = [
        f"| a million requests, us-east-1 | warm, at {memory:,} MB | Lambda | gateway | function's log | "
        "answers sent out |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in measured["requests"].items():
        function = cost.dollars_per_million(one["milliseconds"], memory)
        rows.append(
            f"| {name} | {one['milliseconds']:.1f} ms | **${function:.2f}** | **${MILLION * cost.API_REQUEST:.2f}** | "
            f"${cost.logs(one['log_bytes']):.2f} | ${cost.transfer(one['answer_bytes']):.2f} |"
        )
    return "\n".join(rows)


def pictures_table(pictures: Pictures) -> str:
    """Return what a million pictures of a bucket cost, as Markdown."""
    parts = pictures.services() | {f"Lambda, {pictures.memory_mb:,} MB": pictures.function()}
    rows = ["| a million pictures, us-east-1, in full batches | |", "|---|---|"]
    rows += [f"| {what} | ${dollars:.2f} |" for what, dollars in sorted(parts.items(), key=lambda part: -part[1])]
    return "\n".join([*rows, f"| **together** | **${pictures.together():.2f}** |"])


def _formulas() -> list[str]:
    return [
        f"Lambda = 10⁶ × (${MILLION * cost.REQUEST:.2f} / 10⁶ + ⌈ms⌉ / 1000 × MB / 1024 × ${cost.GB_SECOND:.10f}) · "
        f"gateway = ${MILLION * cost.API_REQUEST:.2f} · log = bytes × ${cost.LOG_GB:.2f} a GB · "
        f"answers = bytes × ${cost.TRANSFER_GB:.2f} a GB",
        "Not measured here: the gateway's access log and Lambda's own lines, some "
        f"${cost.logs(cost.OTHER_LOG_BYTES):.2f} a million together, and traces, ${MILLION * cost.TRACE:.2f} a million "
        f"that are recorded. Lambda records {_word(cost.TRACES_A_SECOND)} request a second and "
        f"{100 * cost.TRACED_ABOVE:.0f} % of the rest. A million requests that come evenly over a month are all "
        f"recorded: ${cost.traces(MILLION):.2f} (the first {cost.FREE_TRACES:,} are free).",
    ]


def _a_month(stack: Stack) -> str:
    alarms, dashboards = stack.alarm_metrics * cost.ALARM, stack.dashboards * cost.DASHBOARD
    asked = cost.questions_of_readers()
    readers = asked * cost.QUEUE_REQUEST
    together = METRICS * cost.METRIC + alarms + dashboards + readers
    return (
        f"By the month, called or not: {_word(METRICS)} metrics and one for each error code met at ${cost.METRIC:.2f}, "
        f"{stack.alarms} alarms on {stack.alarm_metrics} metrics at ${cost.ALARM:.2f} (${alarms:.2f}), "
        f"{_word(stack.dashboards)} dashboard at ${cost.DASHBOARD:.2f} (the first three are free), and the queue's "
        f"readers, who ask some "
        f"{asked:,.0f} times (${readers:.2f}; the first million is free): ${together:.2f} together without the codes. "
        f"Images are ${cost.IMAGE_GB:.2f} a GB."
    )


def _to_decide(stack: Stack) -> list[str]:
    kept = cost.provisioned(stack.provisioned, stack.memory_mb)
    return [
        f"About ${cost.firewall(stack.firewall_rules):.0f} a month and ${MILLION * cost.FIREWALL_REQUEST:.2f} a "
        "million.",
        f"some ${cost.snapshots(stack.snapshots, stack.memory_mb):.0f} a month for the {_word(stack.snapshots)} of one "
        f"deployment at {stack.memory_mb:,} MB, and for each restore, ${cost.restores(1000, stack.memory_mb):.2f} a "
        "thousand: delete old versions.",
        f"one of each of the {_word(stack.provisioned)} is some ${kept:.0f} a month.",
    ]


def _of_pictures(pictures: Pictures, stack: Stack) -> list[str]:
    transitions, children = pictures.map_transitions(), pictures.map_children()
    told, queue = MILLION * cost.EVENT, cost.queue(stack.queue_batch)
    daily = 86400 * pictures.rate() / MILLION
    return [
        f"In a day a run analyses about {daily * stack.archive_concurrency:.0f} million images with the default "
        f"`ArchiveConcurrency`, and about {daily:.0f} million with one worker",
        f"**{1000 * pictures.processor_seconds:.1f} ms of the processor a picture,",
        f"{pictures.result_bytes / 1000:.0f} kB of results each.",
        f"That makes {pictures.rate():.1f} pictures a second and worker.",
        f"Where pictures come one at a time, nothing overlaps the waiting: Lambda is then "
        f"${pictures.function_one_by_one():.2f}, and together it is some ${pictures.together_one_by_one():.0f}. By the "
        f"month ${pictures.stored():.2f} for what the results of a million take.",
        f"a million that come by messages: ${told + queue:.2f}, of which ${told:.2f} is for S3's own events through "
        f"EventBridge and ${queue:.2f} for the queue. S3 tells of each picture twice more when it expires, once it is "
        f"hidden and once it is deleted: ${2 * told:.2f}.",
        f"a million of an archive: ${transitions + children:.2f} for Step Functions, of which ${transitions:.2f} is a "
        f"state transition for each batch of {pictures.batch} and ${children:.2f} the batches' own executions.",
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
